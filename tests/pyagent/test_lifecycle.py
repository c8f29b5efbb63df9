"""A request's life: what is recorded, what is told early, what threads inherit, what block mode stops."""

from __future__ import absolute_import

import sys
import threading

from pyagent.core import asking, carrying, context, lifecycle, mark, operations, users, wire
from pyagent.core.blocked import Blocked
from pyagent.core.context import Operation

from .support import AgentCase, environ, wait_for


class Monitor(AgentCase):
    def test_a_plain_request_is_told_once(self):
        """An ordinary request gives one `end` record with method, path, query, headers, peer, status and duration."""
        request = lifecycle.begin(environ('/caf\xc3\xa9', 'a=1&b=2'))
        lifecycle.set_route(request, '/<name>', {'name': 'x'}, 'flask')
        lifecycle.end(request, 200, [('Content-Type', 'text/plain')])
        record = self.ended()
        self.assertEqual(self.listener.records('request', phase='start'), [])
        self.assertEqual(
            (record['method'], record['path'], record['query'], record['status']),
            ('GET', u'/caf\xe9', 'a=1&b=2', 200),
        )
        self.assertEqual(record['peer'], {'address': '127.0.0.1', 'port': 50123})
        self.assertIn(['user-agent', 'curl/8'], record['headers'])
        self.assertEqual(record['response_headers'], [['content-type', 'text/plain']])
        self.assertEqual((record['route'], record['path_params']), ('/<name>', {'name': 'x'}))
        self.assertTrue(record['duration'] > 0)
        self.assertEqual((len(record['request_id']), len(record['trace_id'])), (16, 32))

    def test_paths_of_bytes_and_text(self):
        """On 2.7 a server may hand over one part of the path as bytes and the other as text."""
        lifecycle.end(lifecycle.begin(environ('/caf\xc3\xa9', SCRIPT_NAME=u'/shop')), 200)
        self.assertEqual(self.ended()['path'], u'/shop/caf\xe9')

    def test_an_unusual_request_is_told_at_once(self):
        """A quote in the query sends a `start` record before the request has ended, and its operations too."""
        request = lifecycle.begin(environ('/', "q='x"))
        operation = Operation('shell', 'echo x', 'os.system')
        operations.start(operation)
        early = wait_for(lambda: self.listener.records('operation'))
        self.assertEqual(early[0]['operation']['text'], 'echo x')
        self.assertEqual(len(self.listener.records('request', phase='start')), 1)
        self.assertEqual(self.listener.records('request', phase='end'), [])
        operations.end(operation, ValueError)
        lifecycle.end(request)
        self.assertEqual(self.ended()['operations'][0]['error'], 'ValueError')

    def test_trace_context_is_followed(self):
        """A W3C traceparent gives trace id and parent; one that is not valid gives neither."""
        header = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
        request = lifecycle.begin(environ(HTTP_TRACEPARENT=header))
        self.assertEqual(request.trace_id, '0af7651916cd43dd8448eb211c80319c')
        self.assertEqual(request.parent_span_id, 'b7ad6b7169203331')
        self.assertNotEqual(lifecycle.begin(environ(HTTP_TRACEPARENT='00-zz')).trace_id, '')

    def test_end_is_once(self):
        """A second end changes nothing, and no request is served afterwards."""
        request = lifecycle.begin(environ())
        lifecycle.end(request, 200)
        lifecycle.end(request, 500)
        self.assertEqual(self.ended()['status'], 200)
        self.assertIsNone(context.current())

    def test_carry(self):
        """A carried function works for the request in another thread, which is what it was afterwards."""
        request = lifecycle.begin(environ())
        seen, marks = [], []

        def noted(number):
            if threading.current_thread() is thread:  # the agent's own thread marks itself, too
                marks.append(number)

        real, mark.set_mark = mark.set_mark, noted
        self.addCleanup(setattr, mark, 'set_mark', real)
        carried = carrying.carry(lambda: seen.append(context.current()))

        def work():
            carried()
            seen.append(context.current())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        inherits = getattr(sys.flags, 'thread_inherit_context', 0)  # 3.14 and later, off unless free-threaded
        self.assertEqual(seen, [request, request if inherits else None])
        self.assertEqual(marks, [] if inherits else [request.number, 0])

    def test_carry_to_a_thread_without_a_mark(self):
        """For a request that shares its thread a pool's thread keeps the empty mark, at no call; one that was left there is
        taken away, and so is what a new thread has of the one that started it."""
        request = lifecycle.begin(environ(), shares_thread=True)
        marks = []
        real, mark.set_mark = mark.set_mark, marks.append
        self.addCleanup(setattr, mark, 'set_mark', real)
        context.enter(None)
        self.addCleanup(context.enter, None)
        work = []
        for anew in (False, True):
            context.enter(request)
            work.append(carrying.carry(lambda: None, anew))
            context.enter(None)
        work[0]()
        self.assertEqual(marks, [])
        mark.leave_mark(request.number)
        work[0]()
        self.assertEqual(marks, [request.number, 0])
        work[1]()
        self.assertEqual(marks, [request.number, 0, 0])

    def test_body_is_capped(self):
        """At most 128 KiB of a body are kept; its size is told in full."""
        request = lifecycle.begin(environ())
        lifecycle.saw_body(request, b'a' * 131000)
        lifecycle.saw_body(request, b'b' * 131000)
        lifecycle.end(request)
        record = self.ended()
        self.assertEqual(len(record['body']), 131072)
        self.assertEqual((record['body_size'], record['body_truncated']), (262000, True))

    def test_login(self):
        """A login is told at once with its request, and holds a digest for the session key."""
        lifecycle.begin(environ('/login'))
        self.agent.config.user_mode = 'identification'
        users.event('success', 7, 'alice', 'secretsessionkey', 'django')
        login = wait_for(lambda: self.listener.records('login'))[0]
        self.assertEqual((login['outcome'], login['user']['id']), ('success', '7'))
        self.assertEqual((login['user']['login'], len(login['user']['session_id'])), ('alice', 16))
        self.assertNotIn('secretsessionkey', repr(self.listener.frames))
        starts = self.listener.records('request', phase='start')
        self.assertEqual([s['request_id'] for s in starts], [login['request_id']])

    def test_users_who_do_not_know_their_name(self):
        """The id is told, and a name where an attribute holds one, also where the user's own method fails."""

        class User(object):
            pk, email = 7, 'alice@example.org'

            def get_username(self):
                raise AttributeError('USERNAME_FIELD')

        self.assertEqual(users.identify(User()), (7, 'alice@example.org'))

    def test_operations_outside_of_requests(self):
        """What no request causes is no operation."""
        self.assertIsNone(operations.start(Operation('shell', 'x', 'os.system')))

    def test_mode_off_by_policy(self):
        """A policy can turn a running agent off and on."""
        self.agent.obey({'version': 2, 'mode': 'off'})
        self.assertIsNone(lifecycle.begin(environ()))
        self.agent.obey({'version': 3, 'mode': ''})
        self.assertIsNotNone(lifecycle.begin(environ()))
        self.agent.obey({'version': 4, 'mode': 'nonsense'})
        self.assertEqual(self.agent.mode, 'monitor')


class Anonymous(AgentCase):
    def test_names_leave_as_digests(self):
        """In anonymisation mode neither id nor login can be read."""
        self.agent.config.user_mode = 'anonymisation'
        users.event('failure', 7, 'alice')
        user = wait_for(lambda: self.listener.records('login'))[0]['user']
        self.assertTrue(user['login'].startswith('anon_') and user['id'].startswith('anon_'))

    def test_names_are_not_told_by_default(self):
        """An id is told as it is, unless it is a name; the app itself tells what it likes."""
        for user_id, login in ((7, 'alice@example.org'), ('alice', 'alice'), ('alice@example.org', '')):
            users.event('failure', user_id, login)
        users.event('failure', 7, 'alice', told=True)
        found = [r['user'] for r in wait_for(lambda: self.listener.records('login')[3:] and self.listener.records('login'))]
        ids, logins = [[user[name][:5] for user in found] for name in ('id', 'login')]
        self.assertEqual((ids, logins), (['7', 'anon_', 'anon_', '7'], ['anon_', 'anon_', '', 'alice']))


def judge(body):
    """Block the operation that holds a semicolon, and nothing else."""
    operation = body['operation']
    stop = operation is not None and ';' in operation['text']
    return {'action': 'block' if stop else 'allow', 'status': 403, 'findings': []}


class Block(AgentCase):
    mode = 'block'
    verdict = staticmethod(judge)

    def test_an_operation_is_stopped(self):
        """The operation that the verdict blocks raises Blocked and is recorded as blocked; others go on."""
        request = lifecycle.begin(environ('/', 'q=x'))
        self.assertIsNotNone(operations.start(Operation('shell', 'fine', 'os.system')))
        bad = Operation('shell', 'a;b', 'os.system')
        self.assertRaises(Blocked, operations.start, bad)
        lifecycle.end(request, 403)
        record = self.ended()
        self.assertEqual([o.get('blocked', False) for o in record['operations']], [False, True])
        self.assertEqual(record['blocked']['where'], 'operation')


class Silent(AgentCase):
    mode = 'block'
    deadline = 20

    def test_no_answer_lets_the_app_go_on(self):
        """A collector that does not answer costs its deadline a few times, then is not asked for a while."""
        before = self.agent.status()['counters']
        for _ in range(6):
            lifecycle.end(lifecycle.begin(environ()))
        after = self.agent.status()['counters']
        names = ('verdict_timeouts', 'verdicts_skipped')
        timeouts, skipped = (after.get(name, 0) - before.get(name, 0) for name in names)
        self.assertEqual(timeouts + skipped, 6)
        self.assertTrue(timeouts >= 3 and skipped >= 1, (timeouts, skipped))


def suspect(body):
    """Something is found in every request; one whose answer says 418 is refused at the response."""
    stop = body['request'].get('status') == 418
    return {'action': 'block' if stop else 'allow', 'status': 403, 'findings': [], 'again': True}


class Answers(AgentCase):
    mode = 'block'
    verdict = staticmethod(suspect)

    def test_an_answer_is_refused(self):
        """Where the judge wants to be asked again the answer may be refused; what the app had answered is told."""
        request = lifecycle.begin(environ())
        asking.at_response(request, 418, [('X-Kind', 'tea')])
        self.assertEqual(request.refusal[0], 403)
        lifecycle.end(request, 403)
        blocked = self.ended()['blocked']
        self.assertEqual((blocked['where'], blocked['status'], blocked['response_headers']), ('response', 418, [['x-kind', 'tea']]))
        self.assertEqual(len(self.listener.records('request', phase='start')), 1)


class Innocent(AgentCase):
    mode = 'block'
    verdict = {'action': 'allow', 'findings': []}

    def asked(self):
        return len(self.listener.bodies(wire.ASK))

    def test_an_answer_without_a_reason(self):
        """Nobody asks about the answer of a request in which nothing was found, nor of one whose body looks plain."""
        request = lifecycle.begin(environ())
        lifecycle.saw_body(request, b'name=ann')
        asking.at_response(request, 200, [])
        asking.at_first_part(request, 200, [])
        self.assertEqual(self.asked(), 1)

    def test_reasons(self):
        """Another policy, a rule for answers, a body that nobody has judged: each asks once more."""
        for number, change in enumerate(('policy', 'rule', 'body')):
            request = lifecycle.begin(environ())
            before = self.asked()
            if change == 'body':
                lifecycle.saw_body(request, b'name=..%2f')
            else:
                self.agent.obey({'version': number + 2, 'mode': '', 'responses': change == 'rule'})
            asking.at_response(request, 200, [])
            self.assertEqual(self.asked(), before + 1)
            self.agent.obey({'version': number + 2, 'mode': ''})
            lifecycle.end(request, 200)

    def test_a_body_is_judged_with_the_first_operation(self):
        """The rules see what has come of a body with the next operation, once; the answer has no reason then."""
        request = lifecycle.begin(environ())
        lifecycle.saw_body(request, b'name=..%2f')
        for name in ('a', 'b'):
            operations.end(operations.start(Operation('sql', name, 'sqlite3')))
        asking.at_response(request, 200, [])
        self.assertEqual([body.get('rules', False) for body in self.listener.bodies(wire.ASK)], [False, True, False])


class Late(AgentCase):
    mode = 'block'
    deadline = 20

    def test_an_operation_that_nobody_judged(self):
        """It went on, and says so; so does its request."""
        request = lifecycle.begin(environ())
        operations.end(operations.start(Operation('shell', 'x', 'os.system')))
        lifecycle.end(request, 200)
        record = self.ended()
        self.assertEqual((record['late'], record['operations'][0]['late']), (True, True))

    def test_a_late_answer_is_heard(self):
        """An answer that comes after its deadline is heard by the next question of its request, and stops it."""
        release = threading.Event()

        def slow(body):
            if body['operation'] is None:
                release.wait(10)
                return {'action': 'block', 'status': 403, 'findings': []}
            return {'action': 'allow', 'findings': []}

        self.listener.verdict = slow
        self.agent.config.deadline = 0.05
        request = lifecycle.begin(environ())
        self.agent.config.deadline = 10
        release.set()
        self.assertRaises(Blocked, operations.start, Operation('shell', 'x', 'os.system'))
        lifecycle.end(request, 403)
        self.assertEqual(len(self.listener.connections), 2)  # the stream's and this thread's: no new one was made
