"""What is compared: the cases of the matrix (a framework under an interpreter), and the sides of each."""

from __future__ import annotations

import functools
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.matrix.environments import Environment, declared, environment, lock_path
from tests.matrix.rows import Row, rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SITES = ("wsgi", "django", "flask", "starlette", "fastapi", "django_asgi")
DATADOG = {
    "DD_APPSEC_ENABLED": "true", "DD_TRACE_ENABLED": "true", "DD_IAST_ENABLED": "false",
    "DD_REMOTE_CONFIGURATION_ENABLED": "false", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
    "DD_TRACE_STARTUP_LOGS": "false", "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
}  # fmt: skip
OTEL = {
    "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none",
    "OTEL_SERVICE_NAME": "bench",
}  # fmt: skip
_OTEL_RUN = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
_DATADOG_RUN = "from ddtrace.commands.ddtrace_run import main; main()"


@dataclass(frozen=True)
class Side:
    """A way to run a site: `command` comes between interpreter and site; `sees` is what the site has to say then."""

    name: str
    title: str
    command: tuple[str, ...] = ()
    packages: str = ""
    sees: str = ""
    variables: dict[str, str] = field(default_factory=dict, hash=False)


SIDES = (
    Side("bare", "no agent"),
    Side("cowitness", "Cowitness", ("-m", "pyagent.run"), sees="cowitness"),
    Side("otel", "OpenTelemetry", ("-c", _OTEL_RUN), "peers-otel", "otel", OTEL),
    Side(
        "asm", "ddtrace + ASM", ("-c", _DATADOG_RUN), "peers-ddtrace", "asm",
        {**DATADOG, "DD_APPSEC_RASP_ENABLED": "false"},
    ),
    Side(
        "rasp", "ddtrace + ASM + RASP", ("-c", _DATADOG_RUN), "peers-ddtrace", "asm",
        {**DATADOG, "DD_APPSEC_RASP_ENABLED": "true"},
    ),
)  # fmt: skip


def cases() -> list[Row]:
    """Each framework and interpreter of the matrix once, whatever servers it has there."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows():
        if site(row) in SITES:
            found.setdefault((row.framework, row.version), row)
    return list(found.values())


def site(row: Row) -> str:
    """The site of the bench that stands for a row's framework."""
    words = row.framework.lower().split()
    return "_".join([words[0], *(word for word in words[1:] if word == "asgi")])


def missing(side: Side, version: str) -> str:
    """Why a side does not exist for an interpreter, or nothing."""
    if not side.packages or lock_path(side.packages, version).exists():
        return ""
    if version in declared()[side.packages]["pythons"]:
        return f"not locked for CPython {version}"
    return f"no release for CPython {version}"


@functools.cache
def peer_release(packages: str, version: str) -> str:
    """The version of a peer that an interpreter gets."""
    lock = lock_path(packages, version).read_text()
    found = re.search(r"^(?:ddtrace|opentelemetry-sdk)==(\S+)", lock, re.MULTILINE)
    return found[1] if found else "?"


def variables(side: Side, base: Environment, run_dir: Path) -> dict[str, str]:
    """The environment of a side's process. The site's own packages come first."""
    paths = [base.directory, HERE]
    if side.packages:
        paths.append(environment(side.packages, base.version).directory)
    if side.name == "cowitness":
        paths.append(ROOT)
    mine = {
        **side.variables, "BENCH_SIDE": side.name, "COWITNESS_RUN_DIR": str(run_dir),
        "DJANGO_SETTINGS_MODULE": "django_pages",
    }  # fmt: skip
    return {**base.variables(), **mine, "PYTHONPATH": os.pathsep.join(map(str, paths))}
