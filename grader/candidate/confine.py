"""Confine this process with what Linux offers to whoever asks; there is no way back.

`landlock(7)` takes the files away, `seccomp(2)` the network, other processes and their signals, resource
limits the rest. Through ctypes, as no maintained package covers both and each call is one line.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import struct
from collections.abc import Iterable

MEMORY = 1 << 30
"""Bytes of address space."""
SECONDS = 900
"""Of processor time."""
FILE = 1_000_000
"""Bytes in one file."""
HEARD = 4_000
"""Characters that are kept of what is printed."""
OPEN = 64
NOBODY = 65_534

_libc = ctypes.CDLL(None, use_errno=True)
_NO_NEW_PRIVILEGES, _SET_SECCOMP, _KEEP_RIGHTS, _DIE_WITH_PARENT = 38, 22, 8, 1
_READ_ALL = 1 << 2  # CAP_DAC_READ_SEARCH


def limit() -> None:
    """Limit memory, time, files and output; no process and no thread may be started."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_NOFILE, OPEN),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # macOS knows no limit of address space
            if what != resource.RLIMIT_AS:
                raise


def become_nobody(read_all: bool) -> None:
    """Give up the rights of root; with `read_all` but for opening what only root may, an interpreter say."""
    if read_all:
        _prctl(_KEEP_RIGHTS, 1)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    if read_all:
        rights = struct.pack("=6I", _READ_ALL, _READ_ALL, 0, 0, 0, 0)
        if _libc.capset(struct.pack("=Ii", 0x20080522, 0), rights) != 0:
            raise OSError(ctypes.get_errno(), "capset")


def die_with_parent() -> None:
    """The process ends when the one that started it does."""
    if hasattr(_libc, "prctl"):
        _prctl(_DIE_WITH_PARENT, 9)


# ---- files

_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, list a folder
_ALL = (1 << 15) - 1  # each right of the third version: to write, cut off, remove, make any kind
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH, _VERSION, _OLDEST = 1, 1, 3


def landlock_is_there() -> bool:
    """Does this kernel know landlock, and may it be used? Before Linux 6.2 it let files be cut off."""
    return platform.system() == "Linux" and int(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION)) >= _OLDEST


def lock_files(readable: Iterable[str], writable: Iterable[str]) -> None:
    """From now on only these files and folders can be opened. Raises OSError when that is refused."""
    rights = struct.pack("=Q", _ALL)
    ruleset = _call(_CREATE_RULESET, rights, len(rights), 0)
    for paths, allowed in ((readable, _READ), (writable, _ALL)):
        for path in paths:
            place = os.open(path, os.O_PATH)
            right = allowed if os.path.isdir(path) else allowed & (1 << 0 | 1 << 1 | 1 << 2 | 1 << 14)
            _call(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", right, place), 0)
            os.close(place)
    _prctl(_NO_NEW_PRIVILEGES, 1)
    _call(_RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


# ---- the network, and other processes

_CALLS = {
    "x86_64": (
        0xC000003E,
        "41 42 49 56 57 58 59 62 101 112 129 200 234 272 297 308 310 311 322 424 425 435 "
        "434 438 440 298 312 321 323 141 142 144 203 251 314 29 30 31 64 65 66 67 68 69 70 71 220 240 "
        "248 249 250 90 91 268 452 92 93 94 260 132 235 261 280 188 189 190 197 198 199 155 165",
        {302: (0,), 72: (8, 10, 15), 16: (0x8901, 0x8902)},
    ),
    "aarch64": (
        0xC00000B7,
        "198 203 200 220 221 129 117 157 138 130 131 97 240 268 270 271 281 424 425 435 "
        "434 438 440 241 272 280 282 140 118 119 122 30 274 194 195 196 190 193 191 197 186 189 188 187 "
        "192 180 217 218 219 52 53 452 55 54 88 5 6 7 14 15 16 41 40",
        {261: (0,), 25: (8, 10, 15), 29: (0x8901, 0x8902)},
    ),
}
"""Of each machine its audit number, and the calls that are refused. Those which reach others: socket,
connect, bind; clone, fork, vfork, execve, execveat, clone3; kill, ptrace, setsid, rt_sigqueueinfo, tkill,
tgkill, unshare, rt_tgsigqueueinfo, setns, process_vm_readv, process_vm_writev, pidfd_send_signal,
io_uring_setup; pidfd_open, pidfd_getfd, process_madvise, perf_event_open, kcmp, bpf, userfaultfd;
setpriority, sched_setparam, sched_setscheduler, sched_setaffinity, ioprio_set, sched_setattr. Those which
keep something that outlives the process: shared memory, semaphores, message queues; keys. Those which
landlock forgets: chmod, chown, utime, setxattr and removexattr in all their forms, pivot_root, mount.
Last, those refused for some arguments: prlimit64 of another process; fcntl and ioctl where they
name somebody to whom signals go, or which."""
_LOAD, _IF_EQUAL, _IF_MORE, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050001, 0x80000000  # REFUSE: with EPERM


def silence_is_possible() -> bool:
    """Is this a kernel and a machine whose calls are known here?"""
    return platform.system() == "Linux" and platform.machine() in _CALLS


def silence() -> None:
    """From now on no network, no signal to anybody, no look into another process. Raises OSError."""
    audit, listed, partly = _CALLS[platform.machine()]
    refused = [int(call) for call in listed.split()]
    own, (second, commands), (third, requests) = partly.items()
    program = [
        (_LOAD, 0, 0, 4),
        (_IF_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        *_refuse_if(_IF_MORE, 0x40000000),  # the x32 doubles of every call
        *(line for call in refused for line in _refuse_if(_IF_EQUAL, call)),
        *_look_at(own[0], 16, [(_IF_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _REFUSE)]),
        *_look_at(second, 24, [line for x in commands for line in _refuse_if(_IF_EQUAL, x)]),
        *_look_at(third, 24, [line for x in requests for line in _refuse_if(_IF_EQUAL, x)]),
        (_RETURN, 0, 0, _ALLOW),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    told = struct.pack("@HP", len(program), ctypes.addressof(code))
    _prctl(_NO_NEW_PRIVILEGES, 1)
    _prctl(_SET_SECCOMP, 2, told)


def _refuse_if(how: int, value: int) -> list[tuple[int, int, int, int]]:
    return [(how, 0, 1, value), (_RETURN, 0, 0, _REFUSE)]


def _look_at(
    call: int, argument: int, lines: list[tuple[int, int, int, int]]
) -> list[tuple[int, int, int, int]]:
    """For one call, these lines about the argument that lies there; then it is allowed."""
    look = [(_LOAD, 0, 0, argument), *lines, (_RETURN, 0, 0, _ALLOW)]
    return [(_IF_EQUAL, 0, len(look), call), *look]


def _prctl(what: int, *args: object) -> None:
    filled = [*args, *[0] * (4 - len(args))]
    if _libc.prctl(what, *(ctypes.c_ulong(x) if isinstance(x, int) else x for x in filled)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({what})")


def _call(number: int, *args: object) -> int:
    filled = [ctypes.c_ulong(x) if isinstance(x, int) else x for x in args]
    result = int(_libc.syscall(number, *filled))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return result
