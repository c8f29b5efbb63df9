"""What a verdict's answer has to be like, and what is sent where it is not."""

from __future__ import absolute_import

import json
import unittest

from pyagent.core.blocked import MAX_BODY, MAX_HEADERS, Blocked, played, response

ID = '1f2e3d4c5b6a7988'
GOOD = {'action': 'block', 'status': 451, 'headers': [[u'Content-Type', u'text/plain']], 'body': u'caf\xe9'}


def with_(**changes):
    return dict(GOOD, **changes)


class Answers(unittest.TestCase):
    def test_played(self):
        """Headers become native text, the body bytes with their length, and HEAD is told that length alone."""
        error = Blocked(ID, 451, played(GOOD))
        expected = [('Content-Type', 'text/plain'), ('Content-Length', '5')]
        self.assertEqual(response(error, '', 'GET'), ('451 Blocked', expected, [b'caf\xc3\xa9']))
        self.assertEqual(response(error, '', 'HEAD'), ('451 Blocked', expected, [b'']))
        self.assertEqual([type(word) for word in response(error, '')[1][0]], [str, str])

    def test_no_body(self):
        """Statuses that have no body say no length either; an empty body has one."""
        empty = (played(with_(status=204)), played(with_(body=u'', headers=[])))
        self.assertEqual(response(Blocked(ID, 204, empty[0]), '')[1:], ([('Content-Type', 'text/plain')], [b'']))
        self.assertEqual(response(Blocked(ID, 303, empty[1]), '')[1:], ([('Content-Length', '0')], [b'']))

    def test_what_does_not_fit(self):
        """Nothing of an answer is used that breaks the bounds, splits headers or says a length of its own."""
        pair = [u'A', u'b']
        for change in (
            {'status': 199}, {'status': 600}, {'status': True}, {'status': u'403'}, {'body': None}, {'body': 5},
            {'body': u'x' * (MAX_BODY + 1)}, {'body': u'\u20ac' * (MAX_BODY // 2)}, {'headers': None},
            {'headers': {u'A': u'b'}}, {'headers': [pair] * (MAX_HEADERS + 1)}, {'headers': [u'Ab']},
            {'headers': [[u'A', 5]]}, {'headers': [[u'A', u'b', u'c']]}, {'headers': [[u'A', u'b\r\nC: d']]},
            {'headers': [[u'A', u'b\n']]}, {'headers': [[u'A b', u'c']]}, {'headers': [[u'', u'c']]},
            {'headers': [[u'A', u'\xe9']]}, {'headers': [[u'Content-length', u'5']]},
        ):  # fmt: skip
            self.assertIsNone(played(with_(**change)), change)
        self.assertIsNotNone(played(with_(headers=[pair] * MAX_HEADERS, body=u'x' * MAX_BODY)))

    def test_own_page(self):
        """Without an answer there is a page: HTML for browsers, JSON for all others; a status that fits is kept."""
        status, headers, body = response(Blocked(ID, 451), 'text/html,*/*')
        self.assertEqual((status, headers[0][1]), ('451 Blocked', 'text/html; charset=utf-8'))
        self.assertIn(ID.encode(), body[0])
        status, headers, body = response(Blocked(ID, 'odd'), '')
        self.assertEqual((status, headers[0][1]), ('403 Blocked', 'application/json'))
        self.assertEqual(json.loads(body[0].decode())['security_response_id'], ID)
