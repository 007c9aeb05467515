"""A SLURM of the tests' own: one node, on loopback, in a folder that is gone afterwards."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.store.servers import Process, free_port

#: Daemons are where an ordinary user's PATH does not look.
PLACES = ("/usr/sbin", "/usr/local/sbin", "/sbin")
DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
#: As little as there can be: no accounting, no control groups, one processor whatever the machine has.
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
KillWait=5
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={host} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
PartitionName=tests Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def program(name):
    """The path of one of SLURM's programs; None if there is none."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))


def missing():
    """The programs a SLURM needs that are not here; "" if all are."""
    return ", ".join(name for name in (*DAEMONS, *COMMANDS) if program(name) is None)


class Slurm:
    """A SLURM that is up.

    `environment` makes every command use it.
    """

    def __init__(self, folder):
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}

    def ask(self, name, *arguments):
        """Run one of its commands and return what it prints."""
        said = subprocess.run(
            [program(name), *arguments], env=os.environ | self.environment,
            check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return said.stdout.strip()

    def jobs(self):
        """Return the states of all jobs by their ids, such as "1_0"; those that have ended too."""
        said = self.ask("squeue", "--noheader", "--array", "--states=all", "--format=%i %T")
        return dict(line.split() for line in said.splitlines())

    def busy(self):
        """Return the ids of the jobs that have not ended."""
        return [
            job
            for job, state in self.jobs().items()
            if state in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING")
        ]

    def empty(self):
        """End what jobs there are, so that no daemon dies with a job in its hands."""
        self.ask("scancel", f"--user={_user()}")
        end = time.monotonic() + 30
        while self.busy() and time.monotonic() < end:
            time.sleep(0.1)

    def kill(self):
        """Kill what is left, of whatever session: all that its daemons start has its environment."""
        mark = f"SLURM_CONF={self.environment['SLURM_CONF']}".encode()
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (place / "environ").read_bytes().split(b"\0"):
                    os.kill(int(place.name), signal.SIGKILL)


@contextmanager
def slurm():
    """Yield a fresh `Slurm` of the user who runs the tests; nothing of it is left afterwards.

    Raises
    ------
    RuntimeError
        A daemon does not come up; the message has the end of what it printed.
    """
    folder = Path(tempfile.mkdtemp(prefix="rnnbench-slurm-"))
    found = Slurm(folder)
    try:
        _configure(folder)
        with ExitStack() as stack:
            for command, is_up in _daemons(folder, found):
                log = folder / f"{Path(command[0]).name}.out"
                process = Process(command, folder, log, is_up, found.environment)
                stack.callback(process.stop)
                process.start()
            stack.callback(found.empty)
            yield found
    finally:
        found.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder):
    # munged refuses a socket that others cannot reach, and a key that they can.
    folder.chmod(0o711)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "munge.key").touch(0o600)
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    ports = {"controller": free_port(), "node": free_port()}
    text = CONFIGURATION.format(folder=folder, host=_host(), user=_user(), **ports)
    (folder / "slurm.conf").write_text(text)


def _daemons(folder, found):
    """The daemons in the order in which they start, in the foreground, each with what says that it is up."""
    files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid"}
    files |= {"log-file": "munged.log", "seed-file": "munged.seed"}
    options = [f"--{option}={folder / name}" for option, name in files.items()]
    yield [program("munged"), "--foreground", *options], (folder / "munge.socket").exists
    yield [program("slurmctld"), "-D"], lambda: "UP" in found.ask("scontrol", "ping")
    yield [program("slurmd"), "-D", "-N", _host()], lambda: found.ask("sinfo", "-h", "-o%T") == "idle"


def _host():
    return socket.gethostname().partition(".")[0]


def _user():
    return pwd.getpwuid(os.geteuid()).pw_name
