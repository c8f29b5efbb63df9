"""A Flask site with Flask-Login, asked over HTTP; prints answers and what the agent said. In the grammar of 2.7."""

import json
import os
import tempfile

import pyagent
from tests.pyagent.support import Listener, wait_for
from tests.users.programs import visits

os.chdir(tempfile.mkdtemp(prefix='cw-'))
listener = Listener(os.getcwd())
os.environ['COWITNESS_RUN_DIR'] = os.getcwd()
pyagent.enable()

from flask import Flask, request, session  # noqa: E402
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user  # noqa: E402

app = Flask(__name__)
app.secret_key = 'known to all, this is a test'
manager = LoginManager(app)


class User(UserMixin):
    """Known by an address; `bob` is not active."""

    def __init__(self, identity):
        self.id = identity
        self.email = identity + '@example.org'
        self.password = visits.PASSWORD

    @property
    def is_active(self):
        return self.id != 'bob'


if callable(UserMixin().is_active):  # before 0.3
    User.is_active = lambda self: self.id != 'bob'
manager.user_loader(User)


@app.route('/login', methods=['POST'])
def login():
    done = login_user(User(request.form['username']))
    return session.get('_id', '') if done else 'inactive'


@app.route('/me')
def me():
    return current_user.get_id() or 'nobody'


@app.route('/quiet')
def quiet():
    return 'ok'


@app.route('/logout', methods=['POST'])
def logout():
    logout_user()
    return 'bye'


@app.route('/sdk', methods=['POST'])
def sdk():
    """What an app tells itself."""
    pyagent.track_login_failure('ada', exists=True, user_id=7, metadata={'reason': 'locked'})
    pyagent.track_login_success('ada', user_id=7, session_id='s3cr3t')
    pyagent.track_signup('eve', user_id=8)
    pyagent.track_logout('ada', 7)
    pyagent.track_custom_event('payment.failure', {'card': 'none'})
    pyagent.track_user(7, 'ada', metadata={'role': 'admin', 'email': 'ada@example.org'})
    assert pyagent.should_block_user(7, 'ada') is False
    return 'ok'


def application(environ, start_response):
    visits.QUERIES.append(0)
    return app(environ, start_response)


def main():
    site = visits.Site(application)
    site.ask('nobody', '/me')
    site.ask('inactive', '/login', {'username': 'bob', 'password': visits.PASSWORD})
    site.ask('login', '/login', {'username': 'ada', 'password': visits.PASSWORD})
    site.ask('me', '/me')
    site.ask('quiet', '/quiet')
    site.ask('logout', '/logout', {})
    site.ask('sdk', '/sdk', {})
    wait_for(lambda: len(listener.records('request', phase='end')) == len(site.answers))
    pyagent.disable()
    records = [r for kind in ('login', 'request') for r in listener.records(kind)]
    print(json.dumps({'answers': site.answers, 'records': records, 'problems': pyagent.core.guard.errors()}))


if __name__ == '__main__':
    main()
