"""OpenTelemetry's and Datadog's tracers: the first span that one begins for a request says whose trace it is."""

from __future__ import absolute_import

from ..core import context, facts, guard, tracing
from . import importhook
from .patch import Row

_SERVING = ('SERVER', 'CONSUMER', 'web', 'worker', 'serverless')
_ASKING = ('CLIENT', 'PRODUCER', 'http', 'grpc')


def started(original, args, kwargs):
    """Tracer.start_span(self, name, ...)."""
    span = original(*args, **kwargs)
    request = context.current()
    if request is not None and not request.followed and not request.ended:
        _follow(request, span)
    return span


@guard.guarded
def _follow(request, span):
    """`span` is an OpenTelemetry span with a kind, or a Datadog span with a type; the latter is its own context."""
    described = getattr(span, 'get_span_context', None)
    kind = getattr(getattr(span, 'kind', None), 'name', None) or getattr(span, 'span_type', None)
    found = described() if described is not None else span
    if kind not in _ASKING and tracing.belongs(request, found, kind in _SERVING):
        tracing.take_over(request, found)


def found(original, args, kwargs):
    """ddtrace's ModuleWatchdog.find_module(self, name, path) on 2.7: it asks no other finder for a module of a package."""
    loader = original(*args, **kwargs)
    if loader is not None:
        _listen(loader, args)
    return loader


@guard.guarded
def _listen(loader, args):
    name = args[1]
    if importhook.awaited(name):
        loader.add_callback('cowitness', lambda module: importhook.loaded(name, module))


ROWS = [
    Row('opentelemetry.sdk.trace', 'Tracer.start_span', started),
    Row('ddtrace._trace.tracer', 'Tracer.start_span', started),
    Row('ddtrace.tracer', 'Tracer.start_span', started),
]
if not facts.TEXT_IS_UNICODE:
    ROWS.append(Row('ddtrace.internal.module', 'ModuleWatchdog.find_module', found))
