"""A test runner of Django's (1.8 and later) that records outcomes."""

from __future__ import absolute_import

import unittest

import suite_record
from django.test.runner import DiscoverRunner


class Recording(object):
    """In front of a unittest result."""

    def startTest(self, test):  # noqa: N802 - unittest's names
        super(Recording, self).startTest(test)
        suite_record.begin()

    def stopTest(self, test):  # noqa: N802
        suite_record.end()
        super(Recording, self).stopTest(test)

    def addSubTest(self, test, subtest, error):  # noqa: N802
        super(Recording, self).addSubTest(test, subtest, error)
        if error is not None:
            suite_record.note(test.id(), 'subtest failed', self._exc_info_to_string(error, test))


def _recorded(name, outcome):
    def method(self, test, *details):
        getattr(super(Recording, self), name)(test, *details)
        detail = details[0] if details else ''
        if isinstance(detail, tuple):
            detail = self._exc_info_to_string(detail, test)
        suite_record.note(test.id(), outcome, detail)

    method.__name__ = name
    return method


for _name, _outcome in (
    ('addSuccess', 'passed'), ('addError', 'error'), ('addFailure', 'failed'), ('addSkip', 'skipped'),
    ('addExpectedFailure', 'xfail skipped'), ('addUnexpectedSuccess', 'xfail passed'),
):  # fmt: skip
    setattr(Recording, _name, _recorded(_name, _outcome))


class Runner(DiscoverRunner):
    """Django's own, its result recorded."""

    def get_resultclass(self):
        base = super(Runner, self).get_resultclass() or unittest.TextTestResult
        return type('Result', (Recording, base), {})
