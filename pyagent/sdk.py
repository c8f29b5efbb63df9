"""What an app may tell of its users itself, where no hook can know it. Nothing here raises,
except that `block_request`, and a user whom the policy refuses, stop the request under way.

`metadata` is a dict of text, at most 64 entries. Event names others use: users.delete, users.password_reset,
payment.failure, activity.sensitive.
"""

from __future__ import absolute_import

from .core import asking, users
from .core.guard import guarded


def track_login_success(login, user_id=None, session_id='', metadata=None):
    """Somebody logged in as `login` (what was typed); `user_id` is what never changes of a user."""
    _tell('success', user_id, login, session_id, metadata)


def track_login_failure(login, exists, user_id=None, metadata=None):
    """Somebody failed to log in; `exists` says whether there is such a user."""
    _tell('failure', user_id, login, '', metadata, exists=exists)


def track_logout(login='', user_id=None, session_id='', metadata=None):
    """Somebody logged out."""
    _tell('logout', user_id, login, session_id, metadata)


def track_signup(login, user_id=None, session_id='', metadata=None):
    """A user was created by whom it stands for."""
    _tell('signup', user_id, login, session_id, metadata)


def track_user(user_id, login='', session_id='', metadata=None):
    """The request under way is served for this user; `metadata` may hold email, name, role, scope and others."""
    users.set_user(user_id, login, session_id, told=True, metadata=metadata)


def track_custom_event(name, metadata=None):
    """Something worth remembering happened."""
    _tell('custom', None, '', '', metadata, name=name)


def should_block_user(user_id, login='', session_id=''):
    """Whether this user is to be refused, as the collector says; False where nothing may be refused or nobody answers."""
    users.note_user(user_id, login, session_id, told=True)
    return bool(asking.would_block())


def block_request(status=403):
    """Stop the request under way: it is answered with the blocking page. Does nothing outside of a request."""
    asking.block(status)


@guarded
def _tell(outcome, user_id, login, session_id, metadata, **details):
    user_id = '' if user_id is None else user_id
    details['metadata'] = metadata
    users.event(outcome, user_id, login, session_id, 'sdk', told=True, **details)
