"""What the demo puts up: a node, and the bookshops under the agent, through the commands that anybody would use."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from examples.children import Child, DemoError, free_port, listener

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SHOPS = {"flask": ("examples.bookshop_flask:app", 8000), "django": ("examples.bookshop_django.wsgi:application", 8001)}
WORKERS = ["-w", "2", "-k", "gthread", "--threads", "4"]
METRICS_PORT = 9464


class Node:
    """A running daemon, asked through the command line as anybody would."""

    def __init__(self, run_dir: Path, state_dir: Path, scratch: Path) -> None:
        self.run_dir, self.since = run_dir, datetime.now(UTC).isoformat()
        self.environment = {**os.environ, "COWITNESS_RUN_DIR": str(run_dir), "PATH": f"{BIN}:{os.environ['PATH']}"}
        self.metrics = free_port(METRICS_PORT)
        config = scratch / "cowitness.toml"
        config.write_text(f'[metrics]\nlisten = "127.0.0.1:{self.metrics}"\n')
        places = ["--run-dir", str(run_dir), "--state-dir", str(state_dir), "--config", str(config)]
        command = [str(BIN / "cowitness"), "up", *places]
        self.child = Child("cowitness up", command, scratch / "node.log", self.environment, Path("/"))

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "cowitness"), *words], env=self.environment, capture_output=True, text=True, timeout=60
        )

    def json(self, *words: str) -> list[dict[str, Any]]:
        """The documents of `cowitness WORDS --json`; raises DemoError where it fails."""
        done = self.cli(*words, "--json")
        if done.returncode:
            raise DemoError(f"cowitness {' '.join(words)}: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def show(self, *words: str) -> None:
        """A command, and what it prints, in this terminal."""
        print("\n=== cowitness", *words, flush=True)
        subprocess.run([str(BIN / "cowitness"), *words], env=self.environment, timeout=60)

    def answers(self) -> bool:
        self.child.must_live()
        return self.cli("agents", "--json").returncode == 0

    def probes_spoke(self) -> bool:
        """Whether the probes have said what they can do, if only that they can do nothing."""
        self.child.must_live()
        host = self.json("hosts")[0]
        return bool(host["probesRunning"] or host["capabilities"])

    def probes(self) -> tuple[bool, str]:
        """Whether the kernel side runs, and why not."""
        host = self.json("hosts")[0]
        return host["probesRunning"], host["probesReason"]

    def traces(self, verdict: str) -> list[dict[str, Any]]:
        """What was seen since this demo began, at least this far."""
        return self.json("traces", "--limit", "1000", "--since", self.since, "--verdict", verdict)

    def services(self) -> set[str]:
        return {agent["process"]["serviceName"] for agent in self.json("agents") if agent["connected"]}


def places(run_dir: Path | None, state_dir: Path | None, scratch: Path) -> tuple[Path, Path]:
    """Run and state directory: those asked for, else the system's for root, else this user's own; all short paths.

    `scratch` is the last resort: it goes when the demo ends.
    """
    if run_dir:
        return run_dir.absolute(), (state_dir or scratch / "state").absolute()
    own = Path(tempfile.gettempdir()) / f"cowitness-{os.getuid()}"
    candidates = [(own / "run", own / "state"), (scratch / "run", scratch / "state")]
    if os.geteuid() == 0:
        candidates.insert(0, (Path("/run/cowitness"), Path("/var/lib/cowitness")))
    free, store = next((pair for pair in candidates if ours(pair[0].parent) and unused(pair[0])), candidates[-1])
    return free, (state_dir or store).absolute()


def ours(directory: Path) -> bool:
    """Whether this directory is there (or can be made) and belongs to this user: /tmp has other people's too."""
    with contextlib.suppress(OSError):
        directory.mkdir(mode=0o755, exist_ok=True)
        return directory.lstat().st_uid == os.geteuid() and not directory.is_symlink()
    return False


def unused(run_dir: Path) -> bool:
    """Whether no daemon holds this run directory's lock."""
    try:
        with (run_dir / "cowitness.lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


class Shop:
    """A bookshop under gunicorn, under the agent."""

    def __init__(self, name: str, node: Node, scratch: Path) -> None:
        application, port = SHOPS[name]
        self.name = name
        environment = {"COWITNESS_USER_MODE": "identification", **node.environment}  # its customers are nobody's
        environment |= {"COWITNESS_SERVICE": f"shop-{name}", "BOOKSHOP_DATA": str(scratch / "shop")}
        log = scratch / f"{name}.log"
        with listener(port) as door:
            self.base = f"http://127.0.0.1:{door.getsockname()[1]}"
            server = ["gunicorn", *WORKERS, "-b", f"fd://{door.fileno()}", application]
            command = [str(BIN / "cowitness-run"), *server]
            self.child = Child(f"the {name} shop", command, log, environment, ROOT, (door.fileno(),))

    def answers(self) -> bool:
        self.child.must_live()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.base + "/", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
