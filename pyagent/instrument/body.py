"""What an app reads of a request's body, copied as it passes by (PEP 3333's `wsgi.input`)."""

from __future__ import absolute_import

from ..core import guard, lifecycle


class Tee(object):
    """`wsgi.input` with a copy of what is read from it; everything else, the methods it lacks too, is the original's."""

    def __init__(self, stream, request):
        self._stream, self._request = stream, request

    @property
    def __class__(self):
        return self._stream.__class__

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def _saw(self, data):
        try:
            lifecycle.saw_body(self._request, data)
        except Exception:
            guard.swallow('body')
        return data


def _read(self, *args, **kwargs):
    return self._saw(self._stream.read(*args, **kwargs))


def _read1(self, *args):
    return self._saw(self._stream.read1(*args))


def _readline(self, *args, **kwargs):
    return self._saw(self._stream.readline(*args, **kwargs))


def _readlines(self, *args, **kwargs):
    lines = self._stream.readlines(*args, **kwargs)
    for line in lines:
        self._saw(line)
    return lines


def _readinto(self, buffer):
    count = self._stream.readinto(buffer)
    if count:
        self._saw(memoryview(buffer)[:count].tobytes())
    return count


def _readinto1(self, buffer):
    count = self._stream.readinto1(buffer)
    if count:
        self._saw(memoryview(buffer)[:count].tobytes())
    return count


def _iter(self):
    for line in self._stream:
        yield self._saw(line)


def _next(self):
    return self._saw(next(self._stream))


_READS = {
    'read': _read, 'read1': _read1, 'readline': _readline, 'readlines': _readlines, 'readinto': _readinto,
    'readinto1': _readinto1, '__iter__': _iter, '__next__': _next, 'next': _next,
}  # fmt: skip
_tees = {}


def tee(stream, request):
    """`stream`, watched. The class has the reading methods of the stream's and no other: apps look which there are."""
    kind = type(stream)
    if kind not in _tees:
        members = dict((n, f) for n, f in _READS.items() if hasattr(stream, n))
        _tees[kind] = type('Tee', (Tee,), members)
    return _tees[kind](stream, request)
