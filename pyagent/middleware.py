"""Applications under the agent by an explicit word, where nobody wants hooks in servers and frameworks, or has others.

`application = pyagent.wrap_wsgi(application)` beside `pyagent.enable()`. Where a hook has seen the request before, this
changes nothing; while the agent is off, the application is called as it is.
"""

from __future__ import absolute_import

from .core import facts


def wrap_wsgi(application, framework=''):
    """A WSGI application whose requests are seen. `framework` names it in the record."""
    from .instrument import wsgi

    return wsgi.wrap(application, framework)


def wrap_asgi(application, framework=''):
    """The same for ASGI; where coroutines cannot be told apart (before Python 3.7) the application itself."""
    if not facts.HAS_ASYNC:
        return application
    from .instrument import asgi_py3

    return asgi_py3.wrap(application, framework)
