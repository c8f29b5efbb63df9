"""A front service that passes on what looks like nothing: `/relay?hex=...` asks the service behind it, decoded.

With COWITNESS_TEST_OTEL its tracer is OpenTelemetry's. In the grammar of 2.7.
"""

import binascii
import os

import requests
from flask import Flask, request

from tests.matrix.sites import acts

try:
    from urllib.parse import quote
except ImportError:
    from urllib import quote

app = application = Flask(__name__)
if os.environ.get('COWITNESS_TEST_OTEL'):
    from opentelemetry import trace
    from opentelemetry.instrumentation.flask import FlaskInstrumentor
    from opentelemetry.instrumentation.requests import RequestsInstrumentor
    from opentelemetry.sdk.trace import TracerProvider

    trace.set_tracer_provider(TracerProvider())
    FlaskInstrumentor().instrument_app(app)
    RequestsInstrumentor().instrument()


@app.route('/')
def index():
    return 'ok'


@app.route('/relay')
def relay():
    argument = binascii.unhexlify(request.args['hex']).decode()
    return requests.get(os.environ['BEHIND'] + '/run/word?arg=' + quote(argument)).text


@app.route('/run/<word>')
def run(word):
    return acts.run(request.args['arg'])
