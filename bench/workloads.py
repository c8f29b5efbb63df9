"""Loads for the kernel side that are made here: what each runs, and which events it makes of itself.

`opens` and `calls` (16 calls, one of them an open) of files, `forks`, `programs` (fork, exec and exit), `connections`
(connect and accept), `datagrams` and `dns` are bench/kernel_load.c; `build` is make over as many C files.
"""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "kernel_load.c"
EVENTS = {
    "opens": ("open",), "calls": ("open",), "forks": ("fork", "exit"), "programs": ("fork", "exec", "exit"),
    "connections": ("connect", "accept"), "datagrams": ("send",), "dns": ("dns",), "build": ("fork", "exec", "exit"),
}  # fmt: skip
"""What one of each makes in a request."""

OUTSIDE = ("exec", "connect", "accept")
"""What is told of a service's processes outside of requests, too."""

A_FILE = 3
"""Programs that compiling a file takes: gcc, cc1 and as."""

UNIT = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
{functions}
"""
FUNCTION = """
int part_{file}_{number}(const char *text) {{ return printf("%zu %s", strlen(text) * {number}, text); }}
"""


@dataclass(frozen=True)
class Workload:
    """`count` of `kind` by each of `workers`, `rate` of them a second (0: as fast as it goes). `pinned`: on one
    processor. Threads that wake each other across two, as both ends of a connection do, take twice the time on a
    virtual machine, and where the scheduler puts them next changes more than whoever watches."""

    kind: str
    count: int
    workers: int = 1
    rate: float = 0
    pinned: bool = False

    def command(self, folder: Path) -> list[str]:
        """To be run; `folder` is prepared."""
        if self.kind == "build":
            return ["make", "-s", "-B", f"-j{self.workers}", "-C", str(folder / "tree"), f"COUNT={self.count}"]
        first = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if self.pinned else []
        return [*first, str(folder / "kernel_load"), self.kind, str(self.count), str(self.workers), str(self.rate)]

    def events(self, outside: bool = False) -> Counter[str]:
        """The events that its work makes, by kind; what begins and ends it (that of no work) comes to that."""
        each = A_FILE * self.count if self.kind == "build" else self.count * self.workers
        kinds = [kind for kind in EVENTS[self.kind] if not outside or kind in OUTSIDE]
        return Counter(dict.fromkeys(kinds, each))


def prepare(folder: Path, files: int = 0) -> Path:
    """Compile the program and write so many files for `build`; gives the folder back."""
    subprocess.run(["gcc", "-O2", "-static", "-pthread", "-o", folder / "kernel_load", SOURCE], check=True)
    tree = folder / "tree"
    tree.mkdir()
    (tree / "Makefile").write_text(
        "COUNT = 0\nall: $(patsubst %,part%.o,$(shell seq $(COUNT)))\n%.o: %.c\n\tgcc -O1 -c -o $@ $<\n"
    )
    for file in range(1, files + 1):
        functions = "".join(FUNCTION.format(file=file, number=number) for number in range(20))
        (tree / f"part{file}.c").write_text(UNIT.format(functions=functions))
    os.chmod(folder, 0o755)
    return folder
