"""The site in Flask 0.10 and later, with Flask-Login."""

from flask import Flask, Response, jsonify, request, send_file
from flask_login import LoginManager, UserMixin, login_required, login_user, logout_user

from tests.matrix.sites import acts

app = application = Flask(__name__)
app.secret_key = 'known to all, this is a test'
manager = LoginManager(app)


class User(UserMixin):
    """A user as Flask-Login wants one."""

    def __init__(self, identity):
        self.id = identity
        self.username = acts.USER


@manager.user_loader
def load(identity):
    return User(identity)


@app.route('/')
def index():
    return 'ok'


@app.route('/run/<word>')
def run(word):
    return acts.run(request.args.get('arg', ''))


@app.route('/form', methods=['POST'])
def form():
    names = ' '.join(f.filename for f in request.files.values())
    if request.mimetype == 'application/json':
        return acts.run(request.get_json()['arg'])
    return acts.run(request.form['arg']) + names


@app.route('/go')
def go():
    return acts.go(request.args['url'])


@app.route('/error')
def error():
    acts.fail()


@app.route('/answer/<how>')
def answer(how):
    response = send_file(acts.FILE) if how == 'file' else Response(acts.parts(how))
    response.headers['X-Site'] = how
    return response


@app.route('/login', methods=['POST'])
def login():
    if (request.form['username'], request.form['password']) != (acts.USER, acts.PASSWORD):
        return 'no', 403
    login_user(User(acts.USER_ID))
    return jsonify(ok=True)


@app.route('/logout', methods=['POST'])
@login_required
def logout():
    logout_user()
    return 'bye'
