"""The route of a request in Django before 2.2, whose matches do not name it: the pattern that leads to the view."""

from __future__ import absolute_import

MAX_KNOWN = 4096
_known = {}


def old_route(match):
    """The pattern of a ResolverMatch, with those that include it; the view's name where none is found."""
    key = match.func, tuple(sorted(match.kwargs))
    if key not in _known:
        from django.core.urlresolvers import get_resolver

        found = _search(get_resolver(None), '', match.func, set(match.kwargs))
        if len(_known) < MAX_KNOWN:
            _known[key] = found
        else:
            return found or match.view_name
    return _known[key] or match.view_name


def _search(resolver, prefix, view, names):
    """The first pattern of this view whose named groups are those of the match."""
    for pattern in resolver.url_patterns:
        path = prefix + pattern.regex.pattern.lstrip('^')
        if hasattr(pattern, 'url_patterns'):
            found = _search(pattern, path, view, names)
            if found:
                return found
        elif pattern.callback is view and names.issuperset(pattern.regex.groupindex):
            return '/' + path.rstrip('$')
    return None
