"""Stand-ins: what Python itself asks of an object's class is answered as the object would."""

from __future__ import absolute_import

import copy

from pyagent.instrument.proxy import Proxy, class_for

from .support import Case


class Response(object):
    """An answer as Django has them: also a mapping of headers and a string of bytes."""

    def __init__(self, content):
        self.content, self.headers = content, {}

    def __bytes__(self):
        return self.content

    __str__ = __bytes__ if bytes is str else lambda self: self.content.decode()

    def __iter__(self):
        return iter([self.content])

    def __getitem__(self, name):
        return self.headers[name]

    def __setitem__(self, name, value):
        self.headers[name] = value

    def __delitem__(self, name):
        del self.headers[name]

    def __call__(self, more=b''):
        return self.content + more


class Unhashable(object):
    def __eq__(self, other):
        return True

    __hash__ = None


class Proxies(Case):
    def setUp(self):
        super(Proxies, self).setUp()
        self.response = Response(b'fine')
        self.proxy = class_for(Proxy, self.response, {})(self.response)

    def test_special_methods(self):
        """Those that the class has work, through the syntax and functions that ask for them."""
        self.proxy['a'] = 1
        self.assertEqual((self.proxy['a'], self.response.headers), (1, {'a': 1}))
        del self.proxy['a']
        self.assertEqual((bytes(self.proxy), str(self.proxy), list(self.proxy)), (b'fine', 'fine', [b'fine']))
        self.assertEqual((self.proxy(more=b'!'), dir(self.proxy)), (b'fine!', dir(self.response)))
        self.assertIsInstance(self.proxy, Response)

    def test_those_that_are_not_there(self):
        """What the class does not have is missed as it would be."""
        self.assertRaises(TypeError, len, self.proxy)
        self.assertRaises(TypeError, next, self.proxy)
        self.assertTrue(self.proxy)
        self.assertFalse(hasattr(self.proxy, '__enter__'))
        self.assertRaises(TypeError, hash, class_for(Proxy, Unhashable(), {})(Unhashable()))

    def test_copies(self):
        """A copy is one of the object, and no stand-in."""
        twin = copy.copy(self.proxy)
        self.assertIs(type(twin), Response)
        self.assertEqual(twin.content, b'fine')

    def test_watched(self):
        """A method that is watched takes the place of the object's."""
        kind = class_for(type('Watching', (Proxy,), {'__slots__': ()}), self.response, {'__call__': lambda self: 5})
        self.assertEqual(kind(self.response)(), 5)
