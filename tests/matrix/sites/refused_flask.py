"""A site in Flask 0.10 and later that tells how far each request came. In the grammar of 2.7."""

import os

from flask import Flask, Response, request, session

import pyagent
from tests.matrix.sites import acts
from tests.matrix.sites.diary import did

app = application = Flask(__name__)
app.secret_key = 'known to all, this is a test'


@app.before_request
def who():
    if 'X-Name' in request.headers:
        pyagent.track_user(request.headers['X-Name'])


@app.teardown_request
def ended(error=None):
    if request.path != '/':
        did('ended', type(error).__name__)


@app.route('/')
def index():
    return str(os.getpid())


@app.route('/item/<path:word>')
def item(word):
    did('view')
    return word


@app.route('/other/<path:other>')
def other(other):
    return item(other)


@app.route('/run')
def run():
    did('view')
    session['seen'] = 'much'
    try:
        acts.run(request.args['arg'])
        did('went on')
    except Exception:
        did('caught')
    finally:
        did('left')
    return 'done'


@app.route('/stubborn')
def stubborn():
    """Catches everything, and answers."""
    did('view')
    session['seen'] = 'much'
    try:
        acts.run(request.args['arg'])
    except BaseException:
        did('caught')
    return 'done'


@app.route('/stream')
def stream():
    """Refused when its answer has begun, and before its first part."""
    argument = request.args['arg']

    def parts():
        did('view')
        yield acts.run(argument).encode('utf-8')

    return Response(parts(), content_type='text/plain', headers={'Content-Length': '4'})


@app.route('/form', methods=['POST'])
def form():
    """Refused when it has answered: what it was sent is judged then."""
    did('view')
    session['seen'] = 'much'
    return request.form['word']


@app.route('/layered')
def layered():
    did('view')
    return request.headers['X-Name']
