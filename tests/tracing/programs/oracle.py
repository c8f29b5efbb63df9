"""OpenTelemetry's own propagator reads the same headers as we do, and what we send; prints differences as JSON."""

import json

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pyagent.core import context, tracing

T, S = '4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'
PARENTS = [
    '00-%s-%s-01' % (T, S), '00-%s-%s-00' % (T, S), '00-%s-%s-03' % (T, S), 'ff-%s-%s-01' % (T, S),
    'cc-%s-%s-01' % (T, S), 'cc-%s-%s-01-more' % (T, S), '00-%s-%s-01-more' % (T, S), '00-%s-%s-01-' % (T, S),
    '00-%s-%s-1' % (T, S), '00-%s-%s-0g' % (T, S), '00-%s-%s-01' % (T.upper(), S), '00-%s-%s' % (T, S),
    '00-%s-%s-01' % ('0' * 32, S), '00-%s-%s-01' % (T, '0' * 16), '00-%s-%s-01' % (T[:-1], S), '0-%s-%s-01' % (T, S),
    '00-%s-%s-01,00-%s-%s-01' % (T, S, T, S), '00-%s-%s-01x' % (T, S), '', '-', '\xb2' * 55,
]  # fmt: skip
STATES = ['', 'a=1', 'vendor@tenant=x:y/z,b=2', 'rojo=00f067aa0ba902b7,congo=t61rcWkgMzE']


def theirs(parent, state):
    """What their propagator makes of it: (trace id, span id, flags, state), or None."""
    got = TraceContextTextMapPropagator().extract({'traceparent': parent, 'tracestate': state})
    span = trace.get_current_span(got).get_span_context()
    if not span.is_valid:
        return None
    known = '%02x' % (span.trace_flags & 3)
    return '%032x' % span.trace_id, '%016x' % span.span_id, known, span.trace_state.to_header()


def ours(parent, state):
    return tracing.from_headers({'HTTP_TRACEPARENT': parent, 'HTTP_TRACESTATE': state})


def sent(parent, state):
    """What we tell the next service after that, as they read it."""
    request = context.Request()
    request.request_id, request.trace_id = '0123456789abcdef', 'f' * 32
    tracing.follow(request, {'HTTP_TRACEPARENT': parent, 'HTTP_TRACESTATE': state})
    return theirs(*tracing.outgoing(request))


def main():
    differences, count = [], 0
    for parent in PARENTS:
        for state in STATES:
            count += 1
            want = theirs(parent, state)
            if ours(parent, state) != want:
                differences.append([parent, state, ours(parent, state), want])
            told = sent(parent, state)
            expected = (want[0], '0123456789abcdef', *want[2:]) if want else ('f' * 32, '0123456789abcdef', '01', '')
            if told != expected:
                differences.append(['sent', parent, state, told, expected])
    print(json.dumps({'compared': count, 'differences': differences}))


if __name__ == '__main__':
    main()
