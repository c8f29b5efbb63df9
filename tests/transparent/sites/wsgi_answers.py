"""How a request may be answered: `ANSWERS[how](environ, start_response, note)`. In the grammar of 2.7."""

import hashlib
import io
import sys

from tests.transparent.sites.acts import FILE, work

OK = '200 OK'
TEXT = [('Content-Type', 'text/plain')]


class Parts(object):
    """A body of its own kind: iterable again and again, with a length where `sized`, closed aloud."""

    def __init__(self, note, *parts):
        self.note, self.parts = note, parts

    def __iter__(self):
        self.note('iter')
        return iter(self.parts)

    def close(self):
        self.note('close')


class Sized(Parts):
    def __len__(self):
        return len(self.parts)


class Failing(Parts):
    """Raises after its parts, or when it is closed."""

    at = 'end'

    def __iter__(self):
        for part in self.parts:
            yield part
        if self.at == 'end':
            raise ValueError('half-way')

    def close(self):
        self.note('close')
        if self.at == 'close':
            raise ValueError('in close')


class Stubborn(Failing):
    at = 'close'


class OldStyle:
    """On 2.7 an instance of no type of its own."""

    def __init__(self, note):
        self.note, self.left = note, [b'old', b'style']

    def __getitem__(self, index):
        return self.left[index]

    def __len__(self):
        return 2


def _plain(body, headers=TEXT, status=OK):
    def answer(environ, start_response, note):
        start_response(status, list(headers))
        return body

    return answer


def _made(kind, *parts, **options):
    def answer(environ, start_response, note):
        start_response(options.get('status', OK), list(options.get('headers', TEXT)))
        return kind(note, *parts)

    return answer


def _generated(environ, start_response, note):
    """Starts with the first part, and says when it is closed."""
    try:
        start_response(OK, list(TEXT))
        for part in (b'a', b'', b'bc'):
            note('yields')
            yield part
    finally:
        note('close')


def _endless(environ, start_response, note):
    start_response(OK, list(TEXT))

    def parts():
        try:
            while True:
                yield b'x' * 65536
        finally:
            note('close')

    return parts()


def _told(environ, start_response, note):
    """A body whose reading is told part by part, as it comes."""
    start_response(OK, list(TEXT))
    stream = environ['wsgi.input']

    def parts():
        for size in (1024, 1024, 0):
            data = stream.read(size) if size else b''
            note([len(data), data.decode('ascii')])
            yield b'saw:' + data + b'\n'
        note('close')

    return parts()


def _file(source, **options):
    def answer(environ, start_response, note):
        file = source()
        file.seek(options.get('start', 0))
        length = options.get('length')
        start_response(OK, TEXT + ([('Content-Length', str(length))] if length else []))
        wrapper = environ.get('wsgi.file_wrapper')
        if wrapper is None:
            note('no file wrapper')
            return [file.read()]
        return wrapper(file, *options.get('block', ()))

    return answer


def _opened():
    return open(FILE.name, 'rb')


def _written(environ, start_response, note):
    write = start_response(OK, list(TEXT))
    note(write(b'written, '))
    write(b'twice, ')
    return [b'returned']


def _written_then_fails(environ, start_response, note):
    start_response(OK, list(TEXT))(b'written')
    raise ValueError('half-way')


def _restarted(late=False, keyword=False):
    def answer(environ, start_response, note):
        start_response(OK, list(TEXT))
        if late:
            yield b'first'
        try:
            raise ValueError('restarted')
        except ValueError:
            if keyword:
                start_response('502 Bad Gateway', list(TEXT), exc_info=sys.exc_info())
            else:
                start_response('502 Bad Gateway', list(TEXT), sys.exc_info())
        yield b'second'

    return answer


def _twice_started(environ, start_response, note):
    start_response(OK, list(TEXT))
    try:
        start_response('201 Created', list(TEXT))
    except BaseException as error:
        note(['raised', type(error).__name__])
        raise
    return [b'x']


def _raises(environ, start_response, note):
    raise ValueError('before anything')


def _raises_after_start(environ, start_response, note):
    start_response(OK, list(TEXT))
    raise ValueError('after the start')


def _fails_first(environ, start_response, note):
    start_response(OK, list(TEXT))
    raise ValueError('before the first part')
    yield b''


def _lazy_headers(environ, start_response, note):
    try:
        start_response(OK, iter(TEXT))
    except BaseException as error:
        note(['raised', type(error).__name__])
        start_response(OK, list(TEXT))
    return [b'x']


def _hints(environ, start_response, note):
    if 'wsgi.early_hints' in environ:
        environ['wsgi.early_hints']([('Link', '</style.css>; rel=preload')])
    start_response(OK, list(TEXT))
    return [b'hinted']


def _text(environ, start_response, note):
    """What is not bytes is the server's to refuse."""
    start_response(OK, list(TEXT))
    return [u'text']


def _works(environ, start_response, note):
    start_response(OK, list(TEXT))
    yield work()
    yield work()


def _upload(environ, start_response, note):
    """A large body in blocks: only its digest is kept."""
    whole, size, left = hashlib.md5(), 0, int(environ.get('CONTENT_LENGTH') or 1 << 40)
    while left:
        data = environ['wsgi.input'].read(min(65536, left))
        if not data:
            break
        whole.update(data)
        size, left = size + len(data), left - len(data)
    note([size, whole.hexdigest()])
    start_response(OK, list(TEXT))
    return [whole.hexdigest().encode('ascii')]


LONG = [('Content-Length', '10')]
ANSWERS = {
    'list': _plain([b'one']), 'parts': _plain([b'one', b'', b'two']), 'empty': _plain([]),
    'tuple': _plain((b'a', b'b')), 'bytes': _plain(b'abc'), 'none': _plain(None),
    'length': _plain([b'0123456789'], TEXT + LONG), 'short': _plain([b'01234'], TEXT + LONG),
    'long': _plain([b'0123456789abcde'], TEXT + LONG),
    'nocontent': _plain([], [], '204 No Content'), 'unmodified': _plain([], [('ETag', '"a"')], '304 Not Modified'),
    'own': _made(Parts, b'one', b'two'), 'sized': _made(Sized, b'one'), 'sizedtwo': _made(Sized, b'one', b'two'),
    'old': _made(OldStyle), 'generated': _generated, 'endless': _endless, 'told': _told, 'upload': _upload,
    'failing': _made(Failing, b'one'), 'failinglength': _made(Failing, b'one', headers=TEXT + LONG),
    'failingfirst': _made(Failing), 'stubborn': _made(Stubborn, b'one'), 'failsfirst': _fails_first,
    'file': _file(_opened), 'filepart': _file(_opened, start=99990, length=10),
    'filelength': _file(_opened, length=100000), 'fileblock': _file(lambda: io.BytesIO(b'x' * 999), block=(10,)),
    'filelike': _file(lambda: io.BytesIO(b'abc')),
    'written': _written, 'writtenfails': _written_then_fails, 'restarted': _restarted(), 'late': _restarted(late=True),
    'keyword': _restarted(keyword=True), 'twicestarted': _twice_started, 'raises': _raises,
    'raisesafter': _raises_after_start, 'lazyheaders': _lazy_headers, 'hints': _hints, 'text': _text, 'works': _works,
}  # fmt: skip
