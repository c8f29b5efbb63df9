"""Published packages with flaws that have a CVE number, used as people use them: what the exploits do is stopped at the
operation, or confirmed by the kernel where the agent only looks; what the packages are meant for is served."""

from __future__ import annotations

import io
import subprocess
import tarfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT, App, Node, free_port, running_app, short_directory, wait_for
from tests.matrix.environments import AbsentError, environment

FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data; boundary=x"
COLOUR = (
    "<para><font color=\"[[[getattr(pow, Word('__globals__'))['os'].system('touch {}') for Word in [ orgTypeFun("
    " 'Word', (str,), {{ 'mutated': 1, 'startswith': lambda self, x: 1 == 0, '__eq__': lambda self, x: self.mutate()"
    " and self.mutated < 0 and str(self) == x, 'mutate': lambda self: {{ setattr(self, 'mutated', self.mutated - 1) }},"
    " '__hash__': lambda self: hash(str(self)), }}, ) ] ] for orgTypeFun in [type(type(1))] for none in"
    " [[].append(1)]]] and 'red'\">x</font></para>"
)
"""Of the advisory of CVE-2023-33733: out of the checks for names, to the module os."""

UP = "git init -q -b main up && git -C up -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"


class Site:
    """The app in one mode, and the folder that exploits leave something in."""

    def __init__(self, app: App, node: Node, home: Path, service: str) -> None:
        self.app, self.node, self.home, self.service = app, node, home, service

    def get(self, path: str, **query: str) -> int:
        return self.app.get(f"{path}?{urllib.parse.urlencode(query)}")[0]

    def form(self, path: str, **fields: str) -> int:
        return self.post(path, urllib.parse.urlencode(fields).encode(), FORM)

    def post(self, path: str, data: bytes, kind: str) -> int:
        return self.app.answer(urllib.request.Request(self.app.base + path, data, {"Content-Type": kind}))[0]

    def unpack(self, name: str, how: str) -> int:
        """Upload an archive with one member of this name."""
        out, member = io.BytesIO(), tarfile.TarInfo(name)
        member.size = 3
        with tarfile.open(fileobj=out, mode=how) as archive:  # type: ignore[call-overload]
            archive.addfile(member, io.BytesIO(b"abc"))
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.tar"\r\n\r\n'
        return self.post("/unpack", head + out.getvalue() + b"\r\n--x--\r\n", UPLOAD)

    def finding(self, path: str, category: str, stage: str) -> bool:
        """Whether a request for this path has a finding of this category at this stage."""
        return any(
            (finding["category"], finding["stage"]) == (category, stage)
            for trace in self.node.traces()
            for finding in trace["findings"]
            if (trace["request"]["process"]["serviceName"], trace["request"]["urlPath"]) == (self.service, path)
        )


def site(node: Node, mode: str) -> Iterator[Site]:
    try:
        packages = environment("flaws", "3.10")
    except AbsentError as error:
        pytest.skip(str(error))
    with short_directory() as home:
        (home / "unpacked").mkdir()
        subprocess.run(["sh", "-c", f"{UP} && git clone -q up work"], cwd=home, check=True)
        port, service = free_port(), f"flaws-{mode}"
        variables = {"COWITNESS_MODE": mode, "COWITNESS_SERVICE": service, "FLAWS_HOME": str(home)}
        variables["PYTHONPATH"] = packages.variables(ROOT)["PYTHONPATH"]
        words = [packages.python, "-m", "flask", "--app", "tests.e2e.flaws_site", "run", "-p", str(port)]
        with running_app(node, words, port, home, COWITNESS_DEADLINE_MS="1000", **variables) as app:
            yield Site(app, node, home, service)


@pytest.fixture(scope="module")
def looking(witnessed_node: Node) -> Iterator[Site]:
    yield from site(witnessed_node, "monitor")


@pytest.fixture(scope="module")
def blocking(witnessed_node: Node) -> Iterator[Site]:
    yield from site(witnessed_node, "block")


def colour(one: Site, done: Path) -> int:
    return one.form("/letter", text=COLOUR.format(done))


def expression(one: Site, done: Path) -> int:
    return one.form("/picture", expression=f"(lambda: __import__('os').system('touch {done}'))() or a")


def option(one: Site, done: Path) -> int:
    return one.get("/branch", name=f"--upload-pack=touch {done};git-upload-pack")


def tar(one: Site, done: Path) -> int:
    return one.unpack(f"../{done.name}", "w")


def tar_gz(one: Site, done: Path) -> int:
    return one.unpack(f"../{done.name}", "w:gz")


WRITING: dict[Callable[[Site, Path], int], tuple[str, str]] = {
    colour: ("/letter", "command_injection"),
    expression: ("/picture", "code_injection"),
    option: ("/branch", "command_injection"),
    tar: ("/unpack", "path_traversal"),
    tar_gz: ("/unpack", "path_traversal"),
}
READING: dict[str, tuple[str, str, dict[str, str]]] = {
    "a page that shows a file": ("/page.pdf", "path_traversal", {"page": '<p>x</p><img src="/proc/version">'}),
    "a page that shows a host": ("/page.pdf", "ssrf", {"page": '<p>x</p><img src="http://127.0.0.1:9/a.png">'}),
}
STATEMENTS = [
    ("/people", {"by": "people_person.name); SELECT 1 --"}),
    ("/people", {"by": "people_person.name LIKE 1 OR randomblob(1) --"}),
    ("/count", {"as": 'a" FROM people_person UNION SELECT sqlite_version() --'}),
]


@pytest.mark.parametrize("exploit", WRITING, ids=lambda one: one.__name__)
def test_confirmed(looking: Site, exploit: Callable[[Site, Path], int]) -> None:
    """Where the agent only looks the exploit works, and the kernel has seen it."""
    done = looking.home / f"done-{exploit.__name__}"
    exploit(looking, done)
    assert done.exists()
    wait_for(lambda: looking.finding(*WRITING[exploit], "VERDICT_CONFIRMED"), 30, "a confirmed finding")


@pytest.mark.parametrize("exploit", WRITING, ids=lambda one: one.__name__)
def test_stopped(blocking: Site, exploit: Callable[[Site, Path], int]) -> None:
    """Where it blocks the exploit is refused at the operation and does nothing."""
    done = blocking.home / f"done-{exploit.__name__}"
    assert exploit(blocking, done) == 403
    assert not done.exists()
    wait_for(lambda: blocking.finding(*WRITING[exploit], "VERDICT_REACHED"), 30, "a finding that was stopped")


@pytest.mark.parametrize("what", READING)
def test_documents(looking: Site, blocking: Site, what: str) -> None:
    """What a document leads its reader to is confirmed by the kernel, and not read where the agent blocks."""
    path, category, fields = READING[what]
    assert looking.form(path, **fields) == 200
    wait_for(lambda: looking.finding(path, category, "VERDICT_CONFIRMED"), 30, "a confirmed finding")
    assert blocking.form(path, **fields) == 403


@pytest.mark.parametrize(("path", "query"), STATEMENTS)
def test_statements(looking: Site, blocking: Site, path: str, query: dict[str, str]) -> None:
    """Names of columns that are code in a statement are found in it, and refused before the database reads it."""
    looking.get(path, **query)
    wait_for(lambda: looking.finding(path, "sql_injection", "VERDICT_REACHED"), 30, "a reached finding")
    assert blocking.get(path, **query) == 403


def test_what_they_are_meant_for(blocking: Site) -> None:
    """Letters, pictures, branches, pages, archives and columns are served."""
    words = "Dear <b>Ann</b>, <font color='red'>it's</font> at http://127.0.0.1/ or in /proc/version; os.system('x')"
    assert blocking.form("/letter", text=words) == 200
    assert blocking.form("/picture", expression="a*2+1") == 200
    assert blocking.get("/branch", name="main") == 200
    assert blocking.form("/page.pdf", page=f"<h1>Hi</h1><p>{words}</p>") == 200
    assert blocking.unpack("docs/a.txt", "w:gz") == 200
    assert blocking.get("/people", by="-name") == 200
    assert blocking.get("/count", **{"as": "n"}) == 200
