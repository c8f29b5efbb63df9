"""A site in Flask whose file is touched: says who serves, and puts its argument into a query as no app should."""

import os
import sqlite3

from flask import Flask, request

app = Flask(__name__)


@app.route('/')
def index():
    sqlite3.connect(':memory:').execute("select '%s'" % request.args.get('q', '')).close()
    return str(os.getpid())
