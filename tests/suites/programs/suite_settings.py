"""Django's example settings for its own tests, with a runner that records outcomes."""

from __future__ import absolute_import

from test_sqlite import *  # noqa: F403

TEST_RUNNER = 'suite_django.Runner'
