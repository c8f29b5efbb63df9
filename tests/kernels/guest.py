"""A virtual machine with another kernel and this machine's files: what runs there sees the same disk, changes nothing.

The root file system is this machine's own, read-only through virtiofs beneath an overlay in memory; one folder is
shared for writing. KVM where it is there; emulation is some twenty times slower.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.harness import wait_for
from tests.kernels.packages import Kernel
from tests.packages import UnobtainableError, run

MODULES = ("virtio_pci", "virtiofs", "overlay")
MEMORY = "3G"
BOOTS = 3
"""How often a machine is started that ends before the command began: an emulated processor loses its way now and then
while the kernel rewrites its own code."""

PLACES = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
INIT = """#!/bin/busybox sh
set -e
export PATH=/bin
/bin/busybox mkdir -p /proc /sys /lower /rw /root
/bin/busybox --install -s /bin
mount -t proc proc /proc
for module in {modules}; do modprobe $module || echo "$module: built in?"; done
mount -t virtiofs -o ro files /lower
mount -t tmpfs -o size=2G rw /rw
mkdir /rw/upper /rw/work
mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work root /root
mkdir -p /root{shared}
mount -t virtiofs shared /root{shared}
for each in proc sysfs devtmpfs; do
  place=/root/$(echo $each | sed 's/sysfs/sys/; s/devtmpfs/dev/')
  mount -t $each $each $place
done
mkdir -p /root/dev/pts /root/dev/shm
ln -s /proc/self/fd /root/dev/fd
mount -t devpts devpts /root/dev/pts
for place in /dev/shm /run; do mount -t tmpfs tmpfs /root$place; done
mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
mount -t tracefs tracefs /root/sys/kernel/tracing
mount -t securityfs securityfs /root/sys/kernel/security
ip link set lo up
exec switch_root /root {shared}/start
"""
START = """#!/bin/sh
exec >{shared}/output 2>&1
{variables}
cd {folder}
{command}
echo $? >{shared}/status
sync
busybox poweroff -f
while :; do sleep 1; done
"""


@dataclass(frozen=True)
class Done:
    """What a command came to in the guest; `console` is the kernel's own words."""

    status: int
    output: str
    console: str


@functools.cache
def accelerated(kernel: Kernel) -> bool:
    """Whether this machine's processor runs guests itself: found out by starting one that has no files, and so ends.
    A machine that is a guest itself may have a KVM that runs nothing."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    words = [*_emulator(True), "-kernel", str(kernel.image), "-append", "panic=-1", "-m", "256M"]
    try:
        return subprocess.run(words, capture_output=True, timeout=20).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _emulator(accelerated: bool) -> list[str]:
    """QEMU without any device."""
    words = [f"qemu-system-{os.uname().machine}", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-machine", "q35", "-cpu", "host,arch-capabilities=off" if accelerated else "max"]
    return [*words, "-accel", "kvm" if accelerated else "tcg,thread=multi"]


def run_in(kernel: Kernel, command: Sequence[str], folder: Path, seconds: int, **variables: str) -> Done:
    """Start a machine with this kernel, run the command in the folder, stop. Raises UnobtainableError where there is
    nothing to run it with, AssertionError where it takes longer."""
    server = next((place for place in PLACES if os.access(place, os.X_OK)), None)
    if not shutil.which(_emulator(False)[0]) or server is None:
        raise UnobtainableError(f"needs {_emulator(False)[0]} and virtiofsd, which this machine lacks")
    boots = 0
    while True:
        boots += 1
        with tempfile.TemporaryDirectory(prefix="cw-", dir="/var/tmp") as name:
            scratch, shared = Path(name), Path(name) / "shared"
            shared.mkdir()
            _write_start(shared, command, folder, variables)
            initrd = initial(kernel, shared, scratch)
            with _served(server, Path("/"), scratch / "files"), _served(server, shared, scratch / "shared"):
                _machine(kernel, initrd, scratch, seconds)
            if (shared / "output").exists() or boots == BOOTS:
                return _result(scratch)


def _write_start(shared: Path, command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
    known = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **variables}
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in known.items())
    start = shared / "start"
    start.write_text(START.format(shared=shared, folder=folder, command=shlex.join(command), variables=exports))
    start.chmod(0o755)


def initial(kernel: Kernel, shared: Path, scratch: Path) -> Path:
    """The first file system: busybox, the modules that reach the files, and what to do with them."""
    root = scratch / "initial"
    (root / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", root / "bin" / "busybox")
    modules = Path("lib/modules") / kernel.release
    for name in _needed(kernel.folder / modules):
        (root / modules / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(kernel.folder / modules / name, root / modules / name)
    for table in (kernel.folder / modules).glob("modules.*"):
        shutil.copy(table, root / modules)
    (root / "init").write_text(INIT.format(modules=" ".join(MODULES), shared=shared))
    (root / "init").chmod(0o755)
    archive = scratch / "initrd"
    run("sh", "-c", f"find . | busybox cpio -o -H newc >{shlex.quote(str(archive))}", folder=root)
    return archive


def _needed(modules: Path) -> set[str]:
    """The files of MODULES and of what they need; a module that is built in has none."""
    needs = dict(line.split(":", 1) for line in (modules / "modules.dep").read_text().splitlines())
    found = set[str]()
    for path, others in needs.items():
        if Path(path).name.split(".")[0].replace("-", "_") in MODULES:
            found |= {path, *others.split()}
    return found


@contextlib.contextmanager
def _served(server: str, folder: Path, name: Path) -> Iterator[None]:
    """A folder offered to the guest on the socket NAME.sock."""
    socket = name.with_suffix(".sock")
    words = [server, f"--socket-path={socket}", "-o", f"source={folder}", "-o", "sandbox=chroot", "-o", "cache=auto"]
    with name.with_suffix(".log").open("w") as log, subprocess.Popen(words, stdout=log, stderr=log) as process:
        try:
            wait_for(lambda: socket.exists() or process.poll() is not None, 30, "virtiofsd")
            yield
        finally:
            process.terminate()


def _machine(kernel: Kernel, initrd: Path, scratch: Path, seconds: int) -> None:
    """Run it to its end."""
    words = [*_emulator(accelerated(kernel)), "-smp", "2", "-m", MEMORY]
    words += ["-object", f"memory-backend-memfd,id=mem,size={MEMORY},share=on", "-numa", "node,memdev=mem"]
    for tag in ("files", "shared"):
        words += ["-chardev", f"socket,id={tag},path={scratch / tag}.sock"]
        words += ["-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
    words += ["-kernel", str(kernel.image), "-initrd", str(initrd), "-serial", f"file:{scratch}/console"]
    words += ["-append", "console=ttyS0 panic=-1 quiet"]
    with (scratch / "qemu.log").open("w") as log, subprocess.Popen(words, stdout=log, stderr=log) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            console = (scratch / "console").read_text(errors="replace")[-2000:]
            raise AssertionError(f"{kernel.release}: not done in {seconds} s; its console: {console}") from None
        finally:
            process.kill()


def _result(scratch: Path) -> Done:
    def read(name: str) -> str:
        path = scratch / name
        return path.read_text(errors="replace") if path.exists() else ""

    status, console = read("shared/status"), read("console")
    assert status, f"the guest ended early; qemu: {read('qemu.log')[-1000:]}; its console: {console[-3000:]}"
    return Done(int(status), read("shared/output"), console)
