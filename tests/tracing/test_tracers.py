"""Real tracers in one process with the agent, started before it or after: trace and headers are theirs."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from tests.e2e.harness import ROOT
from tests.tracing.programs.traced import PARENT, STATE, TRACE
from tests.tracing.running import environment_or_skip, said

SITES = [
    ("opentelemetry", "3.13", "opentelemetry", "flask"),
    ("opentelemetry", "3.13", "opentelemetry", "django"), ("opentelemetry", "3.13", "opentelemetry", "fastapi"),
    ("datadog", "3.11", "datadog", "flask"), ("datadog", "3.11", "datadog", "fastapi"),
    ("datadog-old", "2.7", "datadog", "flask"),
]  # fmt: skip
QUIET = {
    "DD_TRACE_AGENT_URL": "unix:///nonexistent", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false", "DD_TRACE_STARTUP_LOGS": "false", "PYTHONWARNINGS": "ignore",
}  # fmt: skip
NOT_THEIRS = {"/http.client", "/urllib"}
"""What one of the tracers, or both, do not instrument: there the agent tells their open span."""


@pytest.mark.parametrize("first", ["agent", "tracer"])
@pytest.mark.parametrize(("packages", "version", "tracer", "framework"), SITES)
def test_tracer(packages: str, version: str, tracer: str, framework: str, first: str) -> None:
    """The record has the tracer's trace and server span, each outbound request one header, the tracer's; nothing is
    swallowed; after disable() the tracer is alone."""
    found = said(packages, version, "tests.tracing.programs.traced", tracer, framework, first, **QUIET)
    assert found["problems"] == []
    for name in ("arrived", "new"):
        follows(found[name]["record"], found[name]["tracer"])
        sends(found[name])
        whole(found[name])
    record = found["arrived"]["record"]
    assert (record["trace_id"], record["remote_span_id"]) == (TRACE, PARENT)
    alone = {path: traces(headers) for path, headers in found["disabled"]["sent"]}
    theirs = {path for path, sent in alone.items() if sent}
    assert theirs >= set(alone) - NOT_THEIRS
    assert all(len(alone[path]) == 1 for path in theirs)


def follows(record: dict[str, Any], current: dict[str, str]) -> None:
    """The record is part of the tracer's trace, under the span of its server side."""
    assert record["trace_id"] == current["trace_id"]
    assert record["parent_span_id"] == current["span_id"]
    assert record["route"] == "/ask"


def sends(told: dict[str, Any]) -> None:
    """One header, of their trace, never our own span; what is remembered as sent is just that."""
    record = told["record"]
    parents = []
    for path, headers in told["sent"]:
        sent = traces(headers)
        assert len(sent) == 1, (path, headers)
        _, trace_id, parent, _ = sent[0].split("-")
        assert trace_id == record["trace_id"], path
        parents.append(parent)
    assert record["request_id"] not in parents
    assert set(record["sent_span_ids"]) == set(parents)
    urls = [operation["text"] for operation in record["operations"] if operation["kind"] == "url"]
    assert [url[url.rindex("/") :] for url in urls] == [path for path, _ in told["sent"]]


def whole(told: dict[str, Any]) -> None:
    """Their spans stand as without us: each call once, under the server's; the state that came goes on."""
    kinds = [kind for kind, _, _ in told["spans"]]
    if kinds:
        assert kinds.count("SERVER") == 1
        assert kinds.count("CLIENT") == len([path for path, _ in told["sent"] if path != "/http.client"])
    if told["record"].get("remote_span_id"):
        states = [value for _, headers in told["sent"] for name, value in headers if name == "tracestate"]
        assert len(states) == len(told["sent"])
        assert all(STATE in state for state in states)


def traces(headers: list[list[str]]) -> list[str]:
    return [value for name, value in headers if name == "traceparent"]


@pytest.mark.parametrize(("packages", "version", "launcher"), [
    ("opentelemetry", "3.13", "opentelemetry-instrument"), ("datadog", "3.11", "ddtrace-run"),
    ("datadog-old", "2.7", "ddtrace-run"),
])  # fmt: skip
@pytest.mark.parametrize("outer", ["cowitness", "tracer"])
def test_launchers(packages: str, version: str, launcher: str, outer: str) -> None:
    """`cowitness-run` and a tracer's launcher, either around the other: both are on in the app."""
    found = environment_or_skip(packages, version)
    ours = [found.python, "-m", "pyagent.run"]
    theirs = [found.python, str(found.directory / "bin" / launcher)]
    words = [*ours, *theirs] if outer == "cowitness" else [*theirs, *ours]
    variables = {**found.variables(ROOT), **QUIET, "COWITNESS_RUN_DIR": "/nonexistent", "OTEL_TRACES_EXPORTER": "none",
                 "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}  # fmt: skip
    done = subprocess.run(
        [*words, found.python, "-c", ALIVE], env=variables, capture_output=True, text=True, timeout=60, cwd="/"
    )
    assert done.stdout.split() == ["True", "True", "installed"], done.stdout + done.stderr[-3000:]


ALIVE = """
import sys, flask, pyagent
tracer = 'ddtrace' in sys.modules or type(
    sys.modules['opentelemetry.trace'].get_tracer_provider()).__name__ == 'TracerProvider'
state = [h['state'] for h in pyagent.status()['hooks'] if h['target'] == 'flask.app.Flask.__call__']
sys.stdout.write('%s %s %s' % (pyagent.status()['enabled'], tracer, state[0]))
"""
