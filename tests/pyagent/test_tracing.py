"""Trace context: headers of every kind are read, broken ones are no trace and never in the way, what came goes on."""

from __future__ import absolute_import

from pyagent.core import context, lifecycle, tracing

from .support import AgentCase, Case, environ

T, S = '4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'
W3C = '00-%s-%s-01' % (T, S)
LOW, HIGH = str(int(T[16:], 16)), T[:16]


class Headers(Case):
    def read(self, **headers):
        return tracing.from_headers(dict(('HTTP_' + name.upper(), value) for name, value in headers.items()))

    def test_w3c(self):
        """Ids, flags and state; what is not known of the flags is left out."""
        self.assertEqual(self.read(traceparent=W3C, tracestate='a=1'), (T, S, '01', 'a=1'))
        self.assertEqual(self.read(traceparent='00-%s-%s-fe' % (T, S))[2], '02')
        self.assertEqual(self.read(traceparent=W3C, tracestate='a=1\r\nX: y')[3], '')

    def test_datadog(self):
        """Decimal numbers of 64 bits, with the upper half in a tag; priorities of 0 and below are not sampled."""
        names = {'x_datadog_trace_id': LOW, 'x_datadog_parent_id': str(int(S, 16))}
        self.assertEqual(self.read(**names), ('0' * 16 + T[16:], S, '01', ''))
        names['x_datadog_tags'] = '_dd.p.dm=-1,_dd.p.tid=' + HIGH
        self.assertEqual(self.read(x_datadog_sampling_priority='-1', **names), (T, S, '00', ''))

    def test_b3(self):
        """In one header and in many, with trace ids of 64 and 128 bits, sampled or not."""
        self.assertEqual(self.read(b3='%s-%s-0' % (T, S)), (T, S, '00', ''))
        self.assertEqual(self.read(b3='%s-%s-d-%s' % (T[16:], S, S)), ('0' * 16 + T[16:], S, '01', ''))
        self.assertEqual(self.read(x_b3_traceid=T, x_b3_spanid=S, x_b3_sampled='0'), (T, S, '00', ''))
        self.assertEqual(self.read(x_b3_traceid=T, x_b3_spanid=S), (T, S, '01', ''))

    def test_order(self):
        """W3C before Datadog before B3; a broken one leaves the word to the next."""
        both = {'x_datadog_trace_id': LOW, 'x_datadog_parent_id': '1', 'b3': '%s-%s' % (T, S)}
        self.assertEqual(self.read(traceparent=W3C, **both)[1], S)
        self.assertEqual(self.read(traceparent='00-broken', **both)[1], '0' * 15 + '1')

    def test_broken(self):
        """None of these is a trace."""
        for value in (u'\xb2', '0', '-1', '1' * 21, str(1 << 64), ' ', '1.5', u'\u0663'):
            self.assertIsNone(self.read(x_datadog_trace_id=value, x_datadog_parent_id='1'), value)
        for value in ('0', '1', 'd', T, '-'.join((T, S, 'x')), '-'.join(('0' * 32, S)), '-'.join((T, '0' * 16))):
            self.assertIsNone(self.read(b3=value), value)
        self.assertIsNone(self.read(x_b3_traceid=T, x_b3_spanid=''))


class Serving(AgentCase):
    def begin(self, **headers):
        request = lifecycle.begin(environ(**dict(('HTTP_' + name.upper(), v) for name, v in headers.items())))
        self.addCleanup(lifecycle.end, request, 200)
        return request

    def test_a_hostile_header_blinds_nobody(self):
        """Whatever the trace headers hold, the request is seen."""
        for value in (u'\xb2', u'\u0663' * 5, '\x00', 'x' * 100000, u'\ud800', '9' * 20):
            for name in tracing.HEADERS:
                self.assertIsNotNone(self.begin(**{name.replace('-', '_'): value}), (name, value))

    def test_what_came_goes_on(self):
        """The trace, its flags and its state, with this request as the parent, which is remembered as told."""
        request = self.begin(traceparent='00-%s-%s-00' % (T, S), tracestate='a=1')
        parent, state = tracing.outgoing(request)
        self.assertEqual((parent, state), ('00-%s-%s-00' % (T, request.request_id), 'a=1'))
        self.assertEqual((request.parent_span_id, request.sent_span_ids), (S, (request.request_id,)))

    def test_what_others_told(self):
        """A tracer's span is remembered, a header that was just passed on is not; only so many are."""
        request = self.begin(traceparent=W3C)
        tracing.note_told(request, W3C)
        tracing.note_told(request, 'broken')
        tracing.note_told(request, '00-%s-%s-01' % ('f' * 32, 'a' * 16))
        self.assertEqual(request.sent_span_ids, ())
        for number in range(1, 100):
            tracing.note_told(request, '00-%s-%016x-01' % (T, number))
        self.assertEqual(len(request.sent_span_ids), tracing.MAX_SENT)

    def test_a_tracer_that_fails(self):
        """It costs the trace, not the request."""
        self.tolerant = True
        read, tracing._opentelemetry = tracing._opentelemetry, lambda: 1 // 0
        try:
            request = self.begin(traceparent=W3C)
        finally:
            tracing._opentelemetry = read
        self.assertEqual((request.trace_id, context.current()), (T, request))
