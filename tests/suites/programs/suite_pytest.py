"""A pytest plugin (4 and later) that records outcomes."""

from __future__ import absolute_import

import pytest
import suite_record


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    suite_record.begin()
    yield
    suite_record.end()


def pytest_runtest_logreport(report):
    if report.when == 'call' or report.outcome != 'passed':
        outcome = 'xfail ' + report.outcome if hasattr(report, 'wasxfail') else report.outcome
        suite_record.note(report.nodeid, outcome, str(report.longrepr or ''))


def pytest_collectreport(report):
    if report.failed:
        suite_record.note(report.nodeid, 'not collected', str(report.longrepr or ''))
