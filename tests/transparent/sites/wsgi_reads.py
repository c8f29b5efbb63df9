"""How a body may be read: `READS[how](stream, saw, length)`. In the grammar of 2.7."""

import io

METHODS = (
    'read', 'read1', 'readline', 'readlines', 'readinto', 'readinto1', '__iter__', '__next__', 'next', 'seek', 'tell',
)  # fmt: skip


def _until_empty(read):
    def reads(stream, saw, length):
        while saw(read(stream)):
            pass

    return reads


def _lines(stream, saw, length):
    for line in stream.readlines():
        saw(line)


def _hinted(stream, saw, length):
    lines = stream.readlines(10)
    for line in lines:
        saw(line)
    saw(stream.read())


def _iterated(stream, saw, length):
    for line in stream:
        saw(line)


def _mixed(stream, saw, length):
    lines = iter(stream)
    saw(next(lines))
    saw(stream.readline())
    saw(next(lines))
    saw(stream.read(length))


def _into(stream, saw, length):
    buffer = bytearray(1000)
    while True:
        count = stream.readinto(buffer)
        if not count:
            break
        saw(bytes(buffer[:count]))


def _wrapped(stream, saw, length):
    saw(io.BufferedReader(stream).read(length))


def _managed(stream, saw, length):
    with stream as same:
        saw(same.read(length))


def _twice(stream, saw, length):
    saw(stream.read(length))
    saw(stream.read(0))
    saw(stream.read(1))


READS = {
    'all': lambda stream, saw, length: saw(stream.read()),
    'exact': lambda stream, saw, length: saw(stream.read(length)),
    'keyword': lambda stream, saw, length: saw(stream.read(size=length)),
    'half': lambda stream, saw, length: saw(stream.read(length // 2)),
    'nothing': lambda stream, saw, length: None,
    'sevens': _until_empty(lambda stream: stream.read(7)),
    'blocks': _until_empty(lambda stream: stream.read(65536)),
    'parts': _until_empty(lambda stream: stream.read1(4096)),
    'line': _until_empty(lambda stream: stream.readline()),
    'shortline': _until_empty(lambda stream: stream.readline(5)),
    'lines': _lines, 'hinted': _hinted, 'iterated': _iterated, 'mixed': _mixed, 'into': _into, 'wrapped': _wrapped,
    'managed': _managed, 'twice': _twice,
}  # fmt: skip
