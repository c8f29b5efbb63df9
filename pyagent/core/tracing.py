"""Distributed tracing: whose trace a request belongs to, and what an outbound request tells the next service.

W3C trace context, Datadog and B3 headers are read, in this order; W3C is written. Where an OpenTelemetry or Datadog
tracer works in this process, its trace is the request's.
"""

from __future__ import absolute_import

import re
import sys

_W3C = re.compile('^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}')
_B3 = re.compile('^([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(-|$)')
_HEX = re.compile('^[0-9a-f]{16}([0-9a-f]{16})?$')
_DATADOG_HIGH = re.compile('(?:^|,)_dd\\.p\\.tid=([0-9a-f]{16})(?:,|$)')
TRACERS = ('opentelemetry.trace', 'ddtrace')


def follow(request, environ):
    """Take over the trace that the headers name, or a tracer that has begun a span for this request already."""
    found = from_headers(environ)
    if found is not None:
        request.trace_id, request.parent_span_id = found
    for name in TRACERS:
        if name in sys.modules:
            follow_tracer(request)
            return


def from_headers(environ):
    """(trace id, span id) in hexadecimal from headers as a WSGI environ has them, or None."""
    get = environ.get
    header = get('HTTP_TRACEPARENT')
    if header:
        match = _W3C.match(header)
        if match and match.group(1).strip('0') and match.group(2).strip('0'):
            return match.group(1), match.group(2)
    if get('HTTP_X_DATADOG_TRACE_ID'):
        return _datadog(environ)
    if get('HTTP_B3'):
        match = _B3.match(get('HTTP_B3'))
        return (match.group(1).zfill(32), match.group(2)) if match else None
    if get('HTTP_X_B3_TRACEID'):
        return _b3_many(get('HTTP_X_B3_TRACEID'), get('HTTP_X_B3_SPANID', ''))
    return None


def _b3_many(trace_id, span_id):
    if _HEX.match(trace_id) and _HEX.match(span_id) and len(span_id) == 16:
        return trace_id.zfill(32), span_id
    return None


def _datadog(environ):
    """Decimal 64 bits, and the upper half of the trace id in a tag."""
    trace_id, span_id = _decimal(environ['HTTP_X_DATADOG_TRACE_ID']), 0
    span_id = _decimal(environ.get('HTTP_X_DATADOG_PARENT_ID', ''))
    if not trace_id:
        return None
    high = _DATADOG_HIGH.search(environ.get('HTTP_X_DATADOG_TAGS', ''))
    return (high.group(1) if high else '0' * 16) + '%016x' % trace_id, '%016x' % span_id


def _decimal(value):
    number = int(value) if len(value) <= 20 and value.isdigit() else 0
    return number if number < 1 << 64 else 0


def follow_tracer(request):
    """Take over the span that a tracer of this process has open here."""
    for read in (_opentelemetry, _datadog_tracer):
        found = read()
        if found is not None:
            request.trace_id, request.parent_span_id = found
            request.followed = True
            return


def _opentelemetry():
    module = sys.modules.get('opentelemetry.trace')
    if module is None or not hasattr(module, 'get_current_span'):
        return None
    return ids_of(module.get_current_span().get_span_context())


def _datadog_tracer():
    tracer = getattr(sys.modules.get('ddtrace'), 'tracer', None)
    span = tracer.current_span() if tracer is not None else None
    return ids_of(span) if span is not None else None


def ids_of(span):
    """(trace id, span id) of an OpenTelemetry span context or a Datadog span; None where it is invalid."""
    if not span.trace_id or not span.span_id:
        return None
    return '%032x' % span.trace_id, '%016x' % span.span_id


def traceparent(request):
    """What the next service is told: this request's trace, and this request as the parent."""
    return '00-%s-%s-01' % (request.trace_id, request.request_id)
