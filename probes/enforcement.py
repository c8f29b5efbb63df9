"""Policies as the kernel's maps hold them (bpf/policy.h, bpf/connections.c, bpf/paths.h), and the attachments that
connections need.

Everything is in the kernel's memory and held by this process: when it ends, however it ends, nothing is enforced.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from probes import files_policy, syscalls
from probes.files_policy import Tree, files
from probes.kernel import Kernel
from probes.vocabulary import MODES, Enforce, Policy

AT_RETURN, AT_HOOK = 1, 2
"""Where opens and changes of files are judged: bpf/paths.h."""

SCOPES = ("requests", "processes")
EXECUTE = ("any", "none", "no-shells", "listed")
"""In the order of the enums of policy.h."""

ANY, LISTED = 0, 3
MAX_POLICIES = 63
SHELLS = (
    "sh", "bash", "dash", "ash", "rbash", "zsh", "ksh", "ksh93", "mksh", "pdksh", "yash", "posh", "fish", "csh", "tcsh",
    "busybox", "toybox", "pwsh", "xonsh", "elvish", "nu",
)  # fmt: skip
METADATA = (
    "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::254/128",
    "fe80::a9fe:a9fe/128",
)  # fmt: skip
"""Where clouds tell machines their secrets."""

PRIVATE = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "::/128", "::1/128", "fc00::/7", "fe80::/10", "fec0::/10",
)  # fmt: skip
DENIED = {"no-metadata": METADATA, "no-private": METADATA + PRIVATE}
MAPPED, TRANSLATED = ("::ffff:0:0",), ("::ffff:0:0", "64:ff9b::", "::")
"""What IPv6 writes before an IPv4 address: mapped; translated (NAT64) and compatible, too."""

ALLOW, DENY, DNS_ONLY = 1, 2, 3
PROGRAM_SIZE, NETWORK_KEY = 124, struct.Struct("=II16s")
HOOKS = {"on_connect4": 10, "on_connect6": 11, "on_sendmsg4": 14, "on_sendmsg6": 15}
"""Programs of connections.c, and where the kernel attaches them (enum bpf_attach_type)."""

NO_PATHS = "files cannot be judged here: this kernel does not tell where it keeps names and mounts"
MOUNTS, RESOLVERS = Path("/proc/self/mountinfo"), Path("/etc/resolv.conf")
ROOT_INODE = 1


class Enforcement:
    """What is in force. Numbers of policies stay theirs as long as this lives: processes carry them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._knows_paths = "HAS_PATHS" in kernel.features  # without it the programs have no such maps
        self._numbers: dict[str, int] = {}
        self._policies: list[Policy] = []
        self._links: list[int] = []
        self._hooks: dict[str, int] = {}
        self._tree = Tree(lambda key, value: False)

    def take(self, wanted: Enforce) -> str:
        """Put this in force instead of what was; empty, or what of it could not be."""
        if wanted.policies != self._policies or wanted.mode == "off":
            self._cap("off")
        failures = self._write(wanted.policies) if wanted.policies != self._policies else []
        live = [policy for policy in wanted.policies if "off" not in (policy.mode, wanted.mode)]
        failures += [self._judge_connections(any(policy.connect != "any" for policy in live))]
        self._hook("on_execution", any(policy.execute != "any" for policy in live))
        failures += [self._judge_files(any(any(files(policy)) for policy in live))]
        self._cap(wanted.mode)
        return "; ".join(filter(None, failures))

    def number(self, name: str, pid: int) -> int:
        """The kernel's number of the policy for a process; 0 for none. One that it is under already stays, as long as
        there is such a policy: a process could call itself by another service's name."""
        current = self._kernel.policy(pid)
        if self.name(current) in [policy.name for policy in self._policies]:
            return current
        return self._numbers.get(name, 0)

    def name(self, number: int) -> str:
        """The policy with this number; empty for none."""
        return next((name for name, known in self._numbers.items() if known == number), "")

    def _cap(self, mode: str) -> None:
        self._kernel.update("enforcement", struct.pack("=I", 0), struct.pack("=I", MODES.index(mode)))

    def _write(self, policies: list[Policy]) -> list[str]:
        """All tables anew; nothing is in force meanwhile."""
        self._kernel.clear("programs", len(program_key(0, "")))
        self._kernel.clear("networks", NETWORK_KEY.size)
        if self._knows_paths:
            self._kernel.clear("file_tree", files_policy.KEY.size)
        self._tree = Tree(lambda key, value: self._kernel.update("file_tree", key, value))
        for number in self._numbers.values():
            self._kernel.update("policies", struct.pack("=I", number), bytes(20))
        for shell in SHELLS:
            self._kernel.update("programs", program_key(0, shell), struct.pack("=I", 1))
        self._policies = policies
        return [failure for policy in policies if (failure := self._add(policy))]

    def _add(self, policy: Policy) -> str:
        number = self._numbers.setdefault(policy.name, len(self._numbers) + 1)
        if number > MAX_POLICIES:
            return f"{policy.name}: more than {MAX_POLICIES} policies since the probes began"
        for path in policy.programs:
            if not self._kernel.update("programs", program_key(number, path), struct.pack("=I", 1)):
                return f"{policy.name}: {path} finds no room"
        for network, rule in rules(policy, resolvers()).items():
            if not self._kernel.update("networks", network_key(number, network), struct.pack("=I", rule)):
                return f"{policy.name}: {network} finds no room"
        if self._knows_paths and (failure := self._tree.add(number, policy)):
            return failure
        words = (
            MODES.index(policy.mode), SCOPES.index(policy.scope), EXECUTE.index(policy.execute),
            LISTED if policy.connect == "listed" else ANY, int(any(files(policy))),
        )  # fmt: skip
        self._kernel.update("policies", struct.pack("=I", number), struct.pack("=5I", *words))
        return ""

    def _judge_files(self, wanted: bool) -> str:
        """Have opens and changes looked at, where a policy has files; empty, or why that cannot be."""
        if not self._knows_paths:
            return NO_PATHS if wanted else ""
        opens = self._hook("on_file_open", wanted)
        hooked = [hook for hook in files_policy.HOOKS if self._hook(f"on_{hook}", wanted)]
        for what, denies in enumerate((opens, set(hooked) >= set(files_policy.NEEDED))):
            how = 0 if not wanted else AT_HOOK if denies else AT_RETURN
            self._kernel.update("files_judged", struct.pack("=I", what), struct.pack("=I", how))
        return ""

    def _hook(self, program: str, wanted: bool) -> bool:
        """Have the kernel's LSM deny, where it takes such programs, or stop that; whether it does.

        Elsewhere a signal ends what is denied (bpf/policy.h, bpf/paths.h)."""
        if not wanted:
            _let_go([self._hooks.pop(program)] if program in self._hooks else [])
        elif program not in self._hooks:
            with contextlib.suppress(OSError):
                self._hooks[program] = syscalls.open_raw_tracepoint("", self._kernel.program(program))
        return program in self._hooks

    def _judge_connections(self, wanted: bool) -> str:
        """Attach the programs of connections or take them away; empty, or why that cannot be."""
        if not wanted:
            _let_go(self._links)
        if not wanted or self._links:
            return ""
        try:
            with unified_root() as root:
                for name, hook in HOOKS.items():
                    self._links.append(syscalls.link_cgroup(self._kernel.program(name), root, hook))
        except OSError as error:
            _let_go(self._links)
            return f"connections cannot be judged here: {error.strerror}"
        return ""

    def close(self) -> None:
        """Detach."""
        _let_go(self._links)
        for program in list(self._hooks):
            self._hook(program, False)


def _let_go(links: list[int]) -> None:
    while links:
        os.close(links.pop())


def program_key(number: int, name: str) -> bytes:
    return struct.pack(f"=I{PROGRAM_SIZE}s", number, name.encode()[: PROGRAM_SIZE - 1])


def network_key(number: int, network: ipaddress.IPv6Network) -> bytes:
    return NETWORK_KEY.pack(32 + network.prefixlen, number, network.network_address.packed)


def rules(policy: Policy, servers: list[str]) -> dict[ipaddress.IPv6Network, int]:
    """What each network is to a policy. Those that it names are allowed, whatever the rest says; of the host's name
    `servers` that would be denied, port 53 is allowed."""
    found = {network: DENY for text in DENIED.get(policy.connect, ()) for network in spelled(text, TRANSLATED)}
    if policy.connect == "no-private":
        found |= {network: DNS_ONLY for text in servers for network in spelled(text)}
    return found | {network: ALLOW for text in policy.networks for network in spelled(text)}


def spelled(text: str, ways: Sequence[str] = MAPPED) -> Iterator[ipaddress.IPv6Network]:
    """An IPv6 network as it is, an IPv4 one in these ways of IPv6 to write it.

    >>> [str(network) for network in spelled("10.0.0.0/8", TRANSLATED)][:2]
    ['::ffff:10.0.0.0/104', '64:ff9b::a00:0/104']
    """
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network):
        yield network
        return
    for before in ways:
        address = int(ipaddress.IPv6Address(before)) + int(network.network_address)
        yield ipaddress.IPv6Network((address, 96 + network.prefixlen))


def resolvers(path: Path = RESOLVERS) -> list[str]:
    """The host's name servers."""
    with contextlib.suppress(OSError):
        words = [line.split() for line in path.read_text(errors="replace").splitlines()]
        servers = [line[1].partition("%")[0] for line in words if len(line) > 1 and line[0] == "nameserver"]
        return [server for server in servers if _is_address(server)]
    return []


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


@contextlib.contextmanager
def unified_root(mounts: Path = MOUNTS) -> Iterator[int]:
    """The root of the unified hierarchy, the host's own; raises OSError where it cannot be seen from here."""
    for line in mounts.read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            descriptor = os.open(before.split()[4], os.O_RDONLY | os.O_DIRECTORY)
            try:
                if os.fstat(descriptor).st_ino == ROOT_INODE:
                    yield descriptor
                    return
            finally:
                os.close(descriptor)
    raise OSError(errno.ENOENT, "the host's unified cgroup hierarchy is not mounted")
