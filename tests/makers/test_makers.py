"""Template engines and readers of objects, old and new: what they make of text is seen, what lies in files is not."""

from __future__ import annotations

import pytest

from tests.tracing.running import said

TEXT = "seven {{ 7 }}"
TEMPLATES = {
    "jinja": [["template", TEXT, "jinja2", "jinja"]],
    "jinja from_string": [["template", TEXT, "jinja2", "jinja"]],
    "jinja expression": [["template", "{{3 + 4}}", "jinja2", "jinja"]],
    "jinja file": [],
    "django": [["template", TEXT, "django", "django"]],
    "django file": [],
    "mako": [["template", "seven ${ 7 }", "mako", "mako"]],
    "tornado": [["template", TEXT, "tornado", "tornado"]],
}
OBJECTS = {
    "yaml": [],
    "yaml apply": [["deserialize", "os.getpid", "yaml", ""]],
    "yaml name": [["deserialize", "eval", "yaml", ""]],
    "yaml C apply": [["deserialize", "os.getpid", "yaml", ""]],
    "pickle own": [["deserialize", "posix.getpid", "pickle", ""]],
    "pickle derived": [["deserialize", "posix.getpid", "pickle", ""]],
    "pickle python": [["deserialize", "posix.getpid", "pickle", ""]],
    "pickle harmless": [],
    "shelve": [["deserialize", "posix.getpid", "pickle", ""]],
    "shelve good": [],
    "marshal": [["deserialize", "<evil>.<module>", "marshal", ""]],
    "marshal good": [],
    "dill": [["deserialize", "posix.getpid", "pickle", ""]],
    "cloudpickle": [["deserialize", "posix.getpid", "pickle", ""]],
    "numpy": [["deserialize", "posix.getpid", "pickle", ""]],
    "jsonpickle": [],
    "jsonpickle name": [["deserialize", "os.system", "jsonpickle", ""]],
}


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.13"])
def test_makers(version: str) -> None:
    """Each template made of text is one operation with its engine; of objects only the names that no data need are; of
    documents those that declare something, which are read as ever."""
    found = said("makers", version, "tests.makers.program")
    assert found["problems"] == []
    seen = {name: operations for name, (_, operations) in found["found"].items()}
    assert {name: seen[name] for name in TEMPLATES} == TEMPLATES
    assert {name: seen[name] for name in OBJECTS} == OBJECTS
    for name in ("xml entity", "xml file", "xml wide"):
        assert [(kind, "<!ENTITY x SYSTEM" in text, system) for kind, text, system, _ in seen[name]] == [
            ("xml", True, "lxml")
        ]
    assert seen["xml"] == []
    answers = {name: answer for name, (answer, _) in found["found"].items()}
    assert {answers[name] for name in ("xml", "xml entity", "xml file", "xml wide")} == {"7"}
    assert {answers[name] for name in TEMPLATES if name != "jinja expression"} == {"seven 7"}
