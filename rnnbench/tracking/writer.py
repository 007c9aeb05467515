"""Who is writing a run, so that one whose writer was killed is known at once."""

import hashlib
import os
import socket
import sys
from pathlib import Path

UNKNOWN = "unknown"


def this_writer() -> str:
    """Return what tells this process from all others: machine, process and when it began."""
    return f"{_machine()}; process {os.getpid()} {_began(os.getpid())}"


def is_gone(writer: str) -> bool:
    """Whether the process that `this_writer` named is dead for certain.

    Parameters
    ----------
    writer : str
        As `this_writer` returned it, in any process of any machine; "" if that is not known.

    Returns
    -------
    bool
        False for processes of other machines and containers, and where the system does not tell.
    """
    return is_there(writer) is False


def is_there(writer: str) -> bool | None:
    """Whether the process that `this_writer` named is there; None where nobody can know (see `is_gone`)."""
    machine, _, rest = writer.rpartition("; process ")
    process, _, began = rest.partition(" ")
    if machine != _machine() or not process.isdecimal() or not began.isdecimal():
        return None
    # Numbers of processes are given again: only one that began at the same moment is the same.
    now = _began(int(process))
    return None if now == UNKNOWN else now == began


def _machine() -> str:
    """Return a digest of this machine since its start, and of this container; no host is named."""
    known = [socket.gethostname()]
    try:
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        known.append(os.readlink("/proc/self/ns/pid"))
    except OSError:
        pass
    return hashlib.sha256(" ".join(known).encode()).hexdigest()[:16]


def _began(process: int) -> str:
    """Return when a process of this machine began, in ticks since the start of the machine.

    "" where there is no such process, or it has ended and waits for its parent; `UNKNOWN` where the system
    does not tell.
    """
    if not sys.platform.startswith("linux"):
        return UNKNOWN
    try:
        # Of another user's processes /proc may show nothing; this is then an error of another kind.
        os.kill(process, 0)
        # The name, in brackets, may hold anything.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    except OSError:
        return UNKNOWN
    return "" if fields[0] in "ZX" else fields[19]
