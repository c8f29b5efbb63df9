"""What the running kernel lets BPF do: found out by loading, not by asking. Prints JSON; run as root.

`python -m tests.kernels.offers`
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from probes import compile as compiler
from probes import lsm, tracefs
from probes.distribution import load_bcc
from tests.probes.support import probes

ROOT = Path(__file__).resolve().parents[2]
NOTHING = "{ return 0; }"


def _program(bcc: Any, text: str) -> Any:
    return bcc.BPF(text=text, cflags=compiler.flags({}))


def _tracepoint(bcc: Any) -> None:
    _program(bcc, f"TRACEPOINT_PROBE(syscalls, sys_enter_getpid) {NOTHING}")


def _raw_tracepoint(bcc: Any) -> None:
    _program(bcc, f"RAW_TRACEPOINT_PROBE(sys_enter) {NOTHING}")


def _kprobe(bcc: Any) -> None:
    _program(bcc, f"int probe(void *ctx) {NOTHING}").attach_kprobe(event="vfs_open", fn_name="probe")


def _fentry(bcc: Any) -> None:
    _program(bcc, f"KFUNC_PROBE(vfs_open, void *path, void *file) {NOTHING}")


def _lsm(bcc: Any) -> None:
    _program(bcc, f"LSM_PROBE(bprm_check_security, void *program) {NOTHING}")
    lsm.hook("bprm_check_security")


def _uprobe(bcc: Any) -> None:
    program = _program(bcc, f"int probe(void *ctx) {NOTHING}")
    program.attach_uprobe(name="c", sym="getpid", fn_name="probe")


def _cgroup(bcc: Any) -> None:
    program = _program(bcc, "int probe(struct bpf_sock_addr *ctx) { return 1; }")
    program.load_func("probe", bcc.BPF.CGROUP_SOCK_ADDR, attach_type=bcc.BPFAttachType.CGROUP_INET4_CONNECT)


TRIALS: dict[str, Callable[[Any], None]] = {
    "tracepoint": _tracepoint, "raw tracepoint": _raw_tracepoint, "kprobe": _kprobe, "fentry": _fentry,
    "BPF LSM": _lsm, "uprobe": _uprobe, "cgroup sockets": _cgroup,
}  # fmt: skip


def tried() -> dict[str, str]:
    """By kind of program: empty where it works here, else why not."""
    os.environ["BCC_KERNEL_SOURCE"] = str(ROOT / "probes")
    tracefs.ensure()
    bcc, found = load_bcc(), {}
    for name, trial in TRIALS.items():
        try:
            trial(bcc)
        except Exception as error:
            found[name] = str(error).strip().splitlines()[-1][:200]
        else:
            found[name] = ""
    return found


def main() -> int:
    with probes("--cache", "") as (core, _):
        assert core.hello
        ours = {one.name: one.reason if not one.available else "" for one in core.hello.capabilities}
    print(json.dumps({"release": os.uname().release, "kernel": tried(), "probes": ours}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
