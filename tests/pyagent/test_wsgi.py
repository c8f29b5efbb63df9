"""WSGI: what the server and the app get is what they would get without us; what we get is the whole request."""

from __future__ import absolute_import

import io

from pyagent import sdk
from pyagent.core import context
from pyagent.instrument import wsgi

from .support import AgentCase, environ, wait_for


class Server(object):
    """Calls an application as a server would."""

    def __init__(self, application, **more):
        self.started = []
        self.environ = environ(**more)
        self.body = wsgi.call(application, self.environ, self.start)

    def start(self, status, headers, exc_info=None):
        self.started.append((status, list(headers)))
        return lambda data: None

    def read(self):
        try:
            return b''.join(self.body)
        finally:
            if hasattr(self.body, 'close'):
                self.body.close()


def hello(environ, start_response):
    start_response('201 Created', [('Content-Type', 'text/plain'), ('X-A', 'b')])
    return [b'hello']


class Serving(AgentCase):
    def test_status_and_headers(self):
        """They arrive at the server and in the record; a list is handed on as it is."""
        server = Server(hello)
        self.assertIs(type(server.body), list)
        self.assertEqual(server.read(), b'hello')
        self.assertEqual(server.started[0][0], '201 Created')
        record = self.ended()
        self.assertEqual((record['status'], record['response_headers'][1]), (201, ['x-a', 'b']))

    def test_generators_are_served_within_the_request(self):
        """A generator runs under the request to its end, and its close is called once."""
        closed, seen = [], []

        def application(environ, start_response):
            start_response('200 OK', [])
            try:
                for part in (b'a', b'b'):
                    seen.append(context.current() is not None)
                    yield part
            finally:
                closed.append(1)

        server = Server(application)
        self.assertEqual(server.read(), b'ab')
        self.assertEqual((seen, closed), ([True, True], [1]))
        self.assertEqual(self.ended()['status'], 200)

    def test_forgotten_bodies(self):
        """A server that never closes what it was given still ends the request."""
        server = Server(lambda e, s: (s('200 OK', []), iter([b'x']))[1])
        del server.body
        self.assertEqual(self.ended()['status'], 200)

    def test_file_wrappers(self):
        """The server's own file wrapper comes back untouched, so that it can still send the file its own way."""

        class Wrapper(object):
            def __init__(self, file, size=8192):
                self.file = file

        server = Server(
            lambda e, s: (s('200 OK', []), e['wsgi.file_wrapper'](io.BytesIO(b'x')))[1],
            **{'wsgi.file_wrapper': Wrapper}
        )
        self.assertIs(type(server.body), Wrapper)
        self.assertEqual(self.ended()['status'], 200)

    def test_exceptions(self):
        """The app's exception goes on to the server and is told with type, message and stack."""

        def application(environ, start_response):
            raise KeyError('shelf')

        with self.assertRaises(KeyError):
            Server(application)
        record = self.ended()
        self.assertEqual((record['status'], record['exception']['type']), (500, 'KeyError'))
        self.assertIn('application', record['exception']['stack'][-1])

    def test_generators_that_fail(self):
        """So does an exception in the midst of an answer."""

        def application(environ, start_response):
            start_response('200 OK', [])
            yield b'a'
            raise ValueError('half')

        server = Server(application)
        self.assertRaises(ValueError, server.read)
        self.assertEqual(self.ended()['exception']['type'], 'ValueError')

    def test_body_is_copied_as_it_is_read(self):
        """By read, readline, readlines and iteration: the app gets its bytes, the record has them."""
        text = b'one\ntwo\nthree\nfour'

        def application(environ, start_response):
            stream = environ['wsgi.input']
            got = stream.read(2) + stream.readline() + stream.readlines(1)[0] + b''.join(stream)
            start_response('200 OK', [])
            return [got]

        server = Server(
            application,
            REQUEST_METHOD='POST', CONTENT_LENGTH=str(len(text)), CONTENT_TYPE='text/plain',
            **{'wsgi.input': io.BytesIO(text)}
        )  # fmt: skip
        self.assertEqual(server.read(), text)
        self.assertEqual(self.ended()['body'], text.decode())

    def test_unread_bodies_stay_unread(self):
        """What the app does not read, nobody reads."""
        stream = io.BytesIO(b'secret')
        Server(hello, CONTENT_LENGTH='6', **{'wsgi.input': stream}).read()
        self.assertEqual(stream.tell(), 0)
        self.assertFalse(self.ended().get('body'))

    def test_nested_applications(self):
        """An application inside another shares its request, under the inner one's name."""

        def outer(environ, start_response):
            return wsgi.call(hello, environ, start_response, 'flask')

        Server(outer).read()
        self.assertEqual(self.ended()['framework'], 'flask')


class Refusing(AgentCase):
    mode = 'block'
    verdict = {'action': 'block', 'status': 403, 'response_id': 'f' * 16, 'findings': []}

    def test_refused_requests_never_reach_the_app(self):
        """A request that the collector refuses is answered with 403 and its id; the app is not called."""
        called = []
        server = Server(lambda e, s: called.append(1))
        body = server.read().decode()
        self.assertEqual((called, server.started[0][0][:3]), ([], '403'))
        record = self.ended()
        self.assertIn(record['request_id'], body)
        self.assertEqual((record['status'], record['blocked']['where']), (403, 'request'))


class Stubborn(AgentCase):
    def refused(self, application):
        """What the client hears of an application, and what was begun."""
        server = Server(application)
        body = server.read().decode()
        record = wait_for(lambda: [r for r in self.listener.records('request', phase='end') if r['request_id'] in body])
        self.assertEqual((record[0]['status'], record[0]['blocked']['where']), (403, 'app'))
        return [status[:3] for status, _ in server.started]

    def test_what_is_raised_behind_a_refusal(self):
        """An app that fails on its way out is refused all the same."""

        def application(environ, start_response):
            try:
                sdk.block_request()
            finally:
                raise ValueError('cleaning up failed')

        self.assertEqual(self.refused(application), ['403'])

    def test_answers_in_spite_of_a_refusal(self):
        """Whole, written or in parts, they do not get out; what was begun before is begun again."""

        def whole(environ, start_response):
            caught()
            start_response('200 OK', [])
            return [b'all']

        def written(environ, start_response):
            caught()
            start_response('200 OK', [])(b'some')
            return []

        def begun(environ, start_response):
            start_response('200 OK', [])
            caught()
            return iter([b'all'])

        for application, heard in ((whole, ['403']), (written, ['403']), (begun, ['200', '403'])):
            self.assertEqual(self.refused(application), heard)

    def test_parts_in_spite_of_a_refusal(self):
        """A generator that catches it, and begins its answer behind it."""
        for parts in ([b'one', b'two'], []):

            def application(environ, start_response, parts=parts):
                caught()
                start_response('200 OK', [])
                for part in parts:
                    yield part

            self.assertEqual(self.refused(application), ['403'])


def caught():
    try:
        sdk.block_request()
    except BaseException:
        pass


class Playing(AgentCase):
    mode = 'block'
    verdict = {'action': 'block', 'status': 451, 'headers': [['X-From', 'collector']], 'body': u'caf\xe9'}

    def test_the_answer_of_the_verdict(self):
        """The answer is the collector's, and the record tells the status that was sent."""
        server = Server(hello)
        self.assertEqual(server.read(), b'caf\xc3\xa9')
        self.assertEqual(server.started[0][0], '451 Blocked')
        self.assertEqual(server.started[0][1], [('X-From', 'collector'), ('Content-Length', '5')])
        self.assertEqual(self.ended()['status'], 451)


class NobodyThere(AgentCase):
    def test_the_collector_goes_away(self):
        """Requests are served as before while nobody listens."""
        Server(hello).read()
        wait_for(lambda: self.listener.records('request', phase='end'))
        self.listener.hang_up()
        for _ in range(20):
            self.assertEqual(Server(hello).read(), b'hello')
