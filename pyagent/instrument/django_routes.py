"""The route of a request in Django before 2.2, whose matches do not name it: the pattern that leads to the view."""

from __future__ import absolute_import

MAX_KNOWN = 4096
_known = {}


def old_route(match):
    """The pattern of a ResolverMatch, with those that include it; the view's name where none is found."""
    key = match.func, tuple(sorted(match.kwargs))
    if key not in _known:
        found = _search(_resolver(), '', match.func, set(match.kwargs))
        if len(_known) < MAX_KNOWN:
            _known[key] = found
        else:
            return found or match.view_name
    return _known[key] or match.view_name


def _resolver():
    try:
        from django.urls import get_resolver
    except ImportError:  # before 1.10; after it, that would warn people of the old name
        from django.core.urlresolvers import get_resolver
    return get_resolver(None)


def _search(resolver, prefix, view, names):
    """The first pattern of this view whose named groups are those of the match."""
    for entry in resolver.url_patterns:
        pattern = getattr(entry, 'pattern', entry)  # since 2.0 beside what it leads to
        path = prefix + _text(pattern).lstrip('^')
        if hasattr(entry, 'url_patterns'):
            found = _search(entry, path, view, names)
            if found:
                return found
        elif entry.callback is view and names.issuperset(pattern.regex.groupindex):
            return '/' + path.rstrip('$')
    return None


def _text(pattern):
    """The regular expression, or since 2.0 the route."""
    return str(getattr(pattern, '_route', '')) or pattern.regex.pattern
