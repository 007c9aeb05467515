"""The disk full in the middle of a sweep: what is stored stays, and the next start goes on."""

import os
import subprocess

import pytest

from tests.faults.sweeping import SHORT, Folder, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults
#: For the kernels' sake a file system of this size holds only the folder of runs.
SIZE = "40m"


class Disk:
    """A small file system on a folder, seen only by processes of one name space."""

    def __init__(self, folder):
        self.folder = folder
        script = f"mount -t tmpfs -o size={SIZE} tmpfs '{folder}' && echo mounted && exec cat"
        flags = "-m" if os.geteuid() == 0 else "-Urm"
        self._holder = subprocess.Popen(
            ["unshare", flags, "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.mounted = self._holder.stdout.readline() == "mounted\n"

    @property
    def inside(self):
        """What brings a command there."""
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        enter = ["nsenter", "-t", str(self._holder.pid), "-m", *user]
        return [*enter, "sh", "-c", f"cd '{self.folder.parent}' && exec \"$@\"", "sh"]

    def do(self, *command):
        """Carry out a command there and return its output."""
        return subprocess.run([*self.inside, *command], capture_output=True, text=True, timeout=60).stdout

    def fill(self):
        """Leave not a byte."""
        self.do("sh", "-c", "cat /dev/zero > runs/ballast; for n in 1 2 3; do echo >> runs/ballast; done")

    def close(self):
        """The file system is gone with the last process of its name space."""
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait(20)


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "runs").mkdir()
    try:
        disk = Disk(tmp_path / "runs")
    except OSError:
        pytest.skip("no small file system can be mounted here: there is no unshare")
    if not disk.mounted or "yes" not in disk.do("echo", "yes"):
        disk.close()
        pytest.skip("no small file system can be mounted here (neither as root nor with unshare -Urm)")
    yield disk
    disk.close()


@pytest.fixture
def there(disk, tmp_path):
    folder = Folder(tmp_path, disk.inside)
    yield folder
    folder.kill_all()


def start(disk, folder):
    process = folder.start(SHORT)
    assert until(lambda: "record.json" in disk.do("find", "runs", "-name", "record.json"))
    return process


def go_on(disk, folder, reference):
    code, _, err = folder.run(SHORT)
    assert code == 0 and " done, " in err, err
    # From outside the name space it is seen as a copy, which is read like any other.
    disk.do("cp", "-a", "runs", "kept")
    folder.runs = folder.path / "kept"
    assert_undisturbed(folder, reference)


def test_a_full_disk_in_mid_sweep(disk, there, short):
    process = start(disk, there)
    disk.fill()
    code, _, err = ended(process)
    assert code == 1 and "Traceback" not in err
    first, *others = err.splitlines()
    assert first == "faults: 2 configurations, 6 runs"
    (error,) = [line for line in others if not line.startswith("rnnbench: checkpoint ")]
    assert error.startswith("rnnbench: study faults cannot be written: No space left on device"), err
    assert len(others) <= 2, "the same of every checkpoint"
    assert not disk.do("sh", "-c", "ls -d runs/faults/.work/*.draft runs/faults/*.new 2> /dev/null")
    disk.do("rm", "runs/ballast")
    go_on(disk, there, short)


def test_a_disk_that_others_fill_again_and_again(disk, there, short):
    process = start(disk, there)
    filling = there.start("while :; do cat /dev/zero >> runs/ballast; done 2>/dev/null", python=None)
    code, _, err = ended(process)
    there.kill(filling)
    assert code == 1 and "Traceback" not in err and len(err.splitlines()) <= 4, err
    disk.do("rm", "runs/ballast")
    go_on(disk, there, short)
