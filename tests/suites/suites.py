"""The suites: what is run of each, and on which interpreter. COWITNESS_SUITES=all runs the larger choice."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

ALL = os.environ.get("COWITNESS_SUITES") == "all"


@dataclass(frozen=True)
class Suite:
    """A framework's own tests. `labels` are what a run of CI chooses, `more` is added by the larger choice.

    `floor`: so many tests of CI's choice must pass. `refused`: tests that are attacks, with what is refused in block
    mode; `excluded`: tests that have no constant outcome without the agent, with the reason.
    """

    name: str
    environment: str
    python: str
    source: str
    labels: tuple[str, ...]
    floor: int
    more: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("monitor",)
    refused: Mapping[str, str] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)

    @property
    def django(self) -> bool:
        return self.source.startswith("django")

    def command(self) -> list[str]:
        """What follows the interpreter, in the folder of the suite's tests."""
        if self.django:
            chosen = self.labels + (self.more if ALL else ())
            return ["runtests.py", "--settings=suite_settings", "--parallel=1", *chosen]
        return ["-m", "pytest", "-q", "-p", "suite_pytest", "-p", "no:cacheprovider", *self.labels]


FLASK = ("tests",)
AUTH = (
    "admin_multidb", "auth_backends", "basic", "context_processors", "decorators", "forms", "handlers", "management",
    "middleware", "mixins", "remote_user", "signals", "tokens", "views",
)  # fmt: skip
DJANGO = (
    *(f"auth_tests.test_{name}" for name in AUTH), "backends", "csrf_tests", "file_storage", "file_uploads", "files",
    "handlers", "httpwrappers", "middleware", "middleware_exceptions", "responses", "servers", "sessions_tests",
    "signals", "signed_cookies_tests", "staticfiles_tests", "test_client", "test_utils", "transaction_hooks",
    "transactions", "wsgi",
)  # fmt: skip
OLD, NEW = (*DJANGO, "requests"), (*DJANGO, "requests_tests", "asgi", "async")
MORE = (
    "admin_scripts", "auth_tests.test_hashers", "auth_tests.test_models", "cache", "context_processors", "db_functions",
    "decorators", "dispatch", "logging_tests", "mail", "queries", "raw_query", "serializers", "template_loader",
    "test_client_regress", "test_runner", "urlpatterns_reverse", "user_commands", "utils_tests", "view_tests",
)  # fmt: skip
FORGERY = "the view opens the URL that the request names, on the server itself: server-side request forgery"
LIVE = "servers.tests.LiveServerThreadedTests."
REFUSED = {LIVE + name: FORGERY for name in ("test_check_model_instance_from_subview", "test_view_calls_subview")}
RACE = {
    "view_tests.tests.test_debug.ExceptionReporterTests.test_reporting_frames_for_cyclic_reference": (
        "a thread must warn before start() returns to the one that waits for the warning: without the agent it fails "
        "110 times in 600 at sys.setswitchinterval(1e-6)"
    )
}
COUNTS = {
    "tests/test_regression.py::test_memory_consumption": (
        "counts all objects of the process, those of any thread that is at work meanwhile included"
    )
}
SUITES = (
    Suite("Flask 0.12.5", "suite-flask-0.12", "2.7", "flask==0.12.5", FLASK, 380, excluded=COUNTS),
    Suite("Flask 1.1.4", "suite-flask-1.1", "3.8", "flask==1.1.4", FLASK, 530, excluded=COUNTS),
    Suite(
        "Flask 3.1.2", "suite-flask-3.1", "3.13", "flask==3.1.2", FLASK, 480, modes=("monitor", "block"),
        excluded=COUNTS,
    ),
    Suite("Django 1.11.29", "suite-django-1.11", "2.7", "django==1.11.29", OLD, 1650, MORE),
    Suite("Django 3.2.25", "suite-django-3.2", "3.8", "django==3.2.25", (*OLD, "asgi", "async"), 2100, MORE),
    Suite(
        "Django 5.2.8", "suite-django-5.2", "3.11", "django==5.2.8", NEW, 3000, MORE, modes=("monitor", "block"),
        refused=REFUSED, excluded=RACE,
    ),
    Suite("Django 6.0", "suite-django-6.0", "3.13", "django==6.0", NEW, 3000, MORE, excluded=RACE),
)  # fmt: skip
