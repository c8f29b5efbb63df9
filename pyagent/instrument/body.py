"""What an app reads of a request's body, copied as it passes by (PEP 3333's `wsgi.input`)."""

from __future__ import absolute_import

import types

from ..core import guard, lifecycle
from .proxy import Proxy, class_for


class Tee(Proxy):
    """`wsgi.input` with a copy of what is read from it; everything else, the methods it lacks too, is the original's."""

    __slots__ = ('_cowitness_request',)

    def __init__(self, stream, request):
        Proxy.__init__(self, stream)
        object.__setattr__(self, '_cowitness_request', request)

    def __getattr__(self, name):
        found = getattr(self._cowitness_inner, name)
        if name in _READS:
            return types.MethodType(_READS[name], self)
        return found

    def _cowitness_saw(self, data):
        try:
            if data:
                lifecycle.saw_body(self._cowitness_request, data)
        except Exception:
            guard.swallow('body')
        return data


def _reading(name):
    """A method that returns what it reads."""

    def method(self, *args, **kwargs):
        return self._cowitness_saw(getattr(self._cowitness_inner, name)(*args, **kwargs))

    return method


def _filling(name):
    """A method that reads into a buffer and returns how many bytes."""

    def method(self, buffer, *args, **kwargs):
        count = getattr(self._cowitness_inner, name)(buffer, *args, **kwargs)
        _saw_buffer(self, buffer, count)
        return count

    return method


@guard.guarded
def _saw_buffer(tee, buffer, count):
    if count:
        tee._cowitness_saw(_bytes_of(buffer)[:count])


def _bytes_of(buffer):
    try:
        return memoryview(buffer).tobytes()
    except TypeError:  # 2.7: an array has the old kind of buffer only
        return buffer.tostring()


def _readlines(self, *args, **kwargs):
    lines = self._cowitness_inner.readlines(*args, **kwargs)
    _saw_lines(self, lines)
    return lines


@guard.guarded
def _saw_lines(tee, lines):
    if isinstance(lines, list):
        for line in lines:
            tee._cowitness_saw(line)


def _iter(self):
    lines = iter(self._cowitness_inner)
    return self if lines is self._cowitness_inner else tee(lines, self._cowitness_request)


def _next(self):
    return self._cowitness_saw(next(self._cowitness_inner))


_READS = {
    'read': _reading('read'), 'read1': _reading('read1'), 'readline': _reading('readline'), 'readlines': _readlines,
    'readinto': _filling('readinto'), 'readinto1': _filling('readinto1'), '__iter__': _iter, '__next__': _next,
    'next': _next,
}  # fmt: skip


def tee(stream, request):
    """`stream`, watched."""
    return class_for(Tee, stream, _READS)(stream, request)
