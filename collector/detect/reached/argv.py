"""A program with its arguments: no shell reads them, but some programs do worse. (CWE-88)"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from collector.detect.reached.shell import CommandLine

MIN_INPUT = 2
MAX_ARGUMENTS = 256
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "busybox", "fish", "csh", "tcsh"))
_WRAPPERS = frozenset(("env", "sudo", "nice", "nohup", "timeout", "stdbuf", "setsid", "xargs", "time", "su", "ionice"))
_CODE = re.compile(r"-[a-zA-Z]*[ceErR]$|--(?:command|eval|execute|exec)$")
_INTERPRETERS = re.compile(r"(?:python[\d.]*|perl|ruby|node|php|lua|awk|gawk|mawk|sqlite3|psql|mysql)$")

_OPTIONS = {
    "tar": r"--checkpoint|--to-command|--use-compress-program|-I|--rsh-command|--info-script|-F|--new-volume",
    "find": r"-exec|-execdir|-ok|-okdir|-delete|-fprint|-fls",
    "curl": r"-[^-]*[oOKTFd]|--output|--remote-name|--config|--upload-file|--form|--data|--proxy|-x|--create-file",
    "wget": r"-[^-]*[OiP]|--output|--post-file|--body-file|--use-askpass|--input-file|--execute|-e|--directory-prefix",
    "git": r"--upload-pack|--receive-pack|--exec|-c|--config|-u|--output|--open-files-in-pager|-O|--ext-diff",
    "hg": r"--config|--debugger", "svn": r"--config-option|--editor-cmd|--diff-cmd",
    "ssh": r"-o|-F|-E|-L|-R|-D|-w", "scp": r"-o|-F|-S", "sftp": r"-o|-F|-S|-b|-D", "rsync": r"-e|--rsh|--rsync-path|-M",
    "zip": r"-T|-TT|--unzip-command|--test", "sed": r"-e|-i|--in-place|--expression|-f", "ping": r"-I",
    "sort": r"-o|--output|--compress-program|-T", "man": r"-P|--pager|-H", "less": r"-o|-O|-k",
    "tcpdump": r"-z|-w|-r", "nmap": r"--script|-oN|-oX|-oG|-oA|-iL", "sendmail": r"-O|-X|-C|-oQ|-be", "mail": r"-a|-E",
    "ffmpeg": r"-i|-filter_complex|-f", "convert": r"-write|-format|-authenticate",
    "pandoc": r"-F|--filter|--lua-filter|-o",
    "wkhtmltopdf": r"--enable-local-file-access|--run-script|--post-file|--allow", "dig": r"-f", "file": r"-f|-m|-C",
    "openssl": r"-out|-engine|-in|-config", "7z": r"-o|@|-i|-si|-so", "xargs": r"-I|-a",
    "docker": r"-v|--volume|--privileged",
    "mysqldump": r"--result-file|-r|--tab|--defaults|--plugin-dir", "pg_dump": r"-f|--file",
    "gpg": r"--output|-o|--options",
}  # fmt: skip
_DANGEROUS = {name: re.compile(f"(?:{options})") for name, options in _OPTIONS.items()}


def reached(value: str, argv: Sequence[str]) -> str:
    """The part of the input that decides what runs, or an empty text."""
    value = value.strip()
    words = list(argv[:MAX_ARGUMENTS])
    if len(value) < MIN_INPUT or not words:
        return ""
    if words[0] == value:
        return value
    at = _program(words)
    name = posixpath.basename(words[at]).lower() if at < len(words) else ""
    if at and words[at : at + 1] == [value]:
        return value
    if name in _SHELLS or _INTERPRETERS.match(name):
        return _in_code(value, words, at, name in _SHELLS)
    return value if _is_option(value, words, at, name) else ""


def reached_line(value: str, line: str) -> str:
    """The same of a line that a shell reads: what acts in it, or an option that the input brought as a word."""
    read = CommandLine(line)
    if code := read.reached(value):
        return code
    return next(filter(None, map(_brought, read.words_in(value))), "") if "-" in value else ""


def _brought(found: tuple[list[str], int, int]) -> str:
    words, first, last = found
    at = _program(words[:MAX_ARGUMENTS])
    name = posixpath.basename(words[at]).lower() if at < first else ""
    runs = name in _SHELLS or _INTERPRETERS.match(name)
    for word in words[first:last] if name else ():
        if _CODE.match(word) if runs else _is_option(word, words, at, name):
            return word
    return ""


def _program(words: list[str]) -> int:
    """Where the program's name stands behind env, sudo and kin."""
    at = 0
    while at < len(words) and posixpath.basename(words[at]) in _WRAPPERS:
        at += 1
        while at < len(words) and (words[at].startswith("-") or "=" in words[at] or words[at].isdigit()):
            at += 1
    return at


def _in_code(value: str, words: list[str], at: int, is_shell: bool) -> str:
    """The text after `sh -c`, or a program's text after `-c` or `-e`."""
    for option, code in zip(words[at + 1 :], words[at + 2 :], strict=False):
        if _CODE.match(option):
            if value == code:
                return value
            return reached_line(value, code) if is_shell else ""
    return ""


def _is_option(value: str, words: list[str], at: int, name: str) -> bool:
    dangerous = _DANGEROUS.get(name)
    if dangerous is None or value not in words[at + 1 :] or not dangerous.match(value):
        return False
    place = words.index(value, at + 1)
    return "--" not in words[at + 1 : place]
