"""Cowitness, the in-app side: `cowitness-run CMD...`, or `import pyagent; pyagent.enable()`."""

from __future__ import absolute_import

from .core.link import VERSION as __version__
from .enable import disable, enable, status
from .middleware import wrap_asgi, wrap_wsgi
from .sdk import (
    block_request, should_block_user, track_custom_event, track_login_failure, track_login_success, track_logout,
    track_signup, track_user,
)  # fmt: skip

__all__ = [
    '__version__', 'block_request', 'disable', 'enable', 'should_block_user', 'status', 'track_custom_event',
    'track_login_failure', 'track_login_success', 'track_logout', 'track_signup', 'track_user', 'wrap_asgi', 'wrap_wsgi',
]  # fmt: skip
