"""`confined.py UNIT PROGRAM …` runs a program behind the filters of a systemd unit, as the kernel would apply them.

What is read from the unit: SystemCallFilter, SystemCallErrorNumber, RestrictAddressFamilies, MemoryDenyWriteExecute and
NoNewPrivileges, and that the user is none. libseccomp and the lists of system calls are systemd's own.
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

NOBODY = 65532
ALLOW = 0x7FFF0000
ERRNO = 0x00050000
EQUAL, MASKED_EQUAL = 4, 7
WRITE, EXECUTE = 2, 4
PR_SET_NO_NEW_PRIVS = 38


class Comparison(ctypes.Structure):
    """libseccomp's scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def settings(path):
    """Key → all words of all its lines."""
    found = {}
    for line in Path(path).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).extend(value.split())
    return found


def calls(name):
    """The system calls of a set such as @system-service."""
    if not name.startswith("@"):
        return {name}
    shown = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True)
    words = [line.strip() for line in shown.stdout.splitlines()[1:]]
    return set().union(*(calls(word) for word in words if word and not word.startswith("#")))


def allowed(words):
    """Those of the first words, without those of the words that begin with `~`."""
    sets = {False: set(), True: set()}
    for word in words:
        sets[word.startswith("~")] |= calls(word.removeprefix("~"))
    return sets[False] - sets[True]


def confine(unit):
    """Filter this process, and what it becomes."""
    seccomp, libc = ctypes.CDLL("libseccomp.so.2"), ctypes.CDLL(None)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    number = getattr(errno, unit["SystemCallErrorNumber"][0])
    context = ctypes.c_void_p(seccomp.seccomp_init(ERRNO | number))

    def allow(name, *comparison):
        call = seccomp.seccomp_syscall_resolve_name(name.encode())
        if call >= 0:  # not every name is a call of this machine
            where = ctypes.byref(Comparison(*comparison)) if comparison else None
            assert seccomp.seccomp_rule_add_array(context, ALLOW, call, len(comparison) // 4, where) == 0, name

    for name in sorted(allowed(unit["SystemCallFilter"]) - {"socket", "mmap", "mprotect", "pkey_mprotect", "shmat"}):
        allow(name)
    for family in unit["RestrictAddressFamilies"]:
        allow("socket", 0, EQUAL, getattr(socket, family), 0)
    assert unit["MemoryDenyWriteExecute"] == unit["NoNewPrivileges"] == ["yes"]
    for protection in (0, WRITE, EXECUTE):  # never both
        allow("mmap", 2, MASKED_EQUAL, WRITE | EXECUTE, protection)
    allow("mprotect", 2, MASKED_EQUAL, EXECUTE, 0)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert seccomp.seccomp_load(context) == 0


def main(path, *command):
    unit = settings(path)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    confine(unit)
    os.execv(command[0], command)


main(*sys.argv[1:])
