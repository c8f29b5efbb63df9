"""Distributed tracing: whose trace a request belongs to, and what an outbound request tells the next service.

W3C trace context, Datadog and B3 headers are read, in this order; W3C is written (version 00, flags and tracestate as they
came). Where an OpenTelemetry or Datadog tracer works in this process, its trace is the request's, and its span is what
others are told.
"""

from __future__ import absolute_import

import re
import sys

from .guard import guarded

PARENT, STATE = 'traceparent', 'tracestate'
HEADERS = (
    PARENT, STATE, 'x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-tags',
    'x-datadog-sampling-priority', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled',
)  # fmt: skip
SAMPLED, NOT_SAMPLED = '01', '00'
MAX_SENT = 32
"""Spans remembered of a request that others were told as their parent."""

_W3C = re.compile('([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\\Z')
_STATE = re.compile('[\\x20-\\x7e]{1,1024}\\Z')
_B3 = re.compile('([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(-[01d](-[0-9a-f]{16})?)?\\Z')
_HEX = re.compile('[0-9a-f]{16}([0-9a-f]{16})?\\Z')
_DECIMAL = re.compile('[0-9]{1,20}\\Z')
_DATADOG_HIGH = re.compile('(?:^|,)_dd\\.p\\.tid=([0-9a-f]{16})(?:,|\\Z)')


@guarded
def follow(request, environ):
    """Take over the trace that the headers name, and a tracer that has begun a span for this request already."""
    found = from_headers(environ)
    if found is not None:
        request.trace_id, request.parent_span_id, request.trace_flags, request.tracestate = found
        request.remote_span_id = request.parent_span_id
    span = _active()
    if span is not None:
        take_over(request, span)


def belongs(request, span, serves):
    """Whether a span that a tracer has begun is the request's: one that `serves` is, another where it fits what arrived."""
    return serves or not request.remote_span_id or '%032x' % span.trace_id == request.trace_id


def take_over(request, span):
    """The request is part of what a tracer calls `span`: an OpenTelemetry span context or a Datadog span."""
    if span.trace_id and span.span_id:
        request.trace_id, request.parent_span_id = '%032x' % span.trace_id, '%016x' % span.span_id
        request.trace_flags, request.tracestate = _flags(span), _state(span)
        request.followed = True


def from_headers(environ):
    """(trace id, span id, flags, tracestate) from headers as a WSGI environ has them, or None."""
    get = environ.get
    header = get('HTTP_TRACEPARENT')
    match = _W3C.match(header) if header else None
    if match and _valid(*match.groups()):
        state = get('HTTP_TRACESTATE') or ''
        flags = '%02x' % (int(match.group(4), 16) & 3)  # what is known today: sampled, random
        return match.group(2), match.group(3), flags, state if _STATE.match(state) else ''
    if get('HTTP_X_DATADOG_TRACE_ID'):
        return _datadog(get)
    if get('HTTP_B3'):
        return _b3(get('HTTP_B3'))
    if get('HTTP_X_B3_TRACEID'):
        ids = get('HTTP_X_B3_TRACEID') + '-' + get('HTTP_X_B3_SPANID', '')
        return _b3(ids + '-0' if get('HTTP_X_B3_SAMPLED') in ('0', 'false') else ids)
    return None


def _valid(version, trace_id, span_id, flags, rest):
    """Ids are not zero; version 00 has nothing behind its flags, and there is no version ff."""
    known = version != 'ff' and not (version == '00' and rest)
    return known and trace_id.strip('0') and span_id.strip('0')


def _b3(text):
    match = _B3.match(text)
    if not match or not match.group(1).strip('0') or not match.group(2).strip('0'):
        return None
    flags = NOT_SAMPLED if (match.group(3) or '')[1:2] == '0' else SAMPLED
    return match.group(1).zfill(32), match.group(2), flags, ''


def _datadog(get):
    """Decimal 64 bits, and the upper half of the trace id in a tag."""
    trace_id = _decimal(get('HTTP_X_DATADOG_TRACE_ID'))
    if not trace_id:
        return None
    span_id = _decimal(get('HTTP_X_DATADOG_PARENT_ID') or '')
    high = _DATADOG_HIGH.search(get('HTTP_X_DATADOG_TAGS') or '')
    dropped = (get('HTTP_X_DATADOG_SAMPLING_PRIORITY') or '1').strip() in ('0', '-1')
    whole = (high.group(1) if high else '0' * 16) + '%016x' % trace_id
    return whole, '%016x' % span_id, NOT_SAMPLED if dropped else SAMPLED, ''


def _decimal(value):
    number = int(value) if _DECIMAL.match(value) else 0
    return number if number < 1 << 64 else 0


def outgoing(request):
    """(traceparent, tracestate or '') for the next service: a tracer's open span is the parent, else this request."""
    span = _active()
    if span is not None and span.trace_id and span.span_id:
        parent = '%016x' % span.span_id
        note_sent(request, parent)
        return '00-%032x-%s-%s' % (span.trace_id, parent, _flags(span)), _state(span)
    note_sent(request, request.request_id)
    parts = request.trace_id, request.request_id, request.trace_flags
    return '00-%s-%s-%s' % parts, request.tracestate


def note_told(request, traceparent):
    """Somebody else has told the next service this; remember the span where it is of the request's trace, and not just
    what came in, passed on."""
    match = _W3C.match(traceparent)
    if match and match.group(2) == request.trace_id and match.group(3) != request.remote_span_id:
        note_sent(request, match.group(3))


def note_sent(request, span_id):
    """Remember a span that others were told as their parent."""
    if span_id not in request.sent_span_ids and len(request.sent_span_ids) < MAX_SENT:
        request.sent_span_ids += (span_id,)


def _active():
    """The span that a tracer of this process has open here, or None."""
    loaded = sys.modules
    span = _opentelemetry() if 'opentelemetry.trace' in loaded else None
    if (span is None or not span.trace_id) and 'ddtrace' in loaded:
        span = _datadog_tracer()
    return span if span is not None and span.trace_id else None


def _opentelemetry():
    module = sys.modules.get('opentelemetry.trace')
    current = getattr(module, 'get_current_span', None)
    return current().get_span_context() if current is not None else None


def _datadog_tracer():
    module = sys.modules.get('ddtrace.trace') or sys.modules.get('ddtrace')
    tracer = getattr(module, 'tracer', None)
    current = getattr(tracer, 'current_span', None)
    return current() if current is not None else None


def _flags(span):
    """The trace flags of an OpenTelemetry span context, or what a Datadog span's sampling priority comes to."""
    flags = getattr(span, 'trace_flags', None)
    if flags is not None:
        return '%02x' % (int(flags) & 3)
    priority = getattr(getattr(span, 'context', None), 'sampling_priority', None)
    return NOT_SAMPLED if priority is not None and priority <= 0 else SAMPLED


def _state(span):
    state = getattr(span, 'trace_state', None)
    text = (
        state.to_header() if state else getattr(getattr(span, 'context', None), '_tracestate', '')
    )
    return text if text and _STATE.match(text) else ''
