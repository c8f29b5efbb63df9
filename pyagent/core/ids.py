"""Random ids. From the kernel, so that forks and threads never share a state."""

from __future__ import absolute_import

import binascii
import os
import struct

_PAIR = struct.Struct('>Q16s')
REQUEST_BITS = (1 << 62) - 1


def new_pair():
    """A request id (int of 62 bits, never 0) and a trace id (32 hexadecimal digits)."""
    number, trace = _PAIR.unpack(os.urandom(24))
    return (number & REQUEST_BITS) or 1, binascii.hexlify(trace).decode('ascii')


def new_id():
    """One id of 62 bits, never 0."""
    return new_pair()[0]


def hexadecimal(number):
    """The 16 digits of a request id."""
    return '%016x' % number
