"""A scheduler on one machine, workers on another, and the cable between them pulled in mid-sweep."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.faults.sweeping import SHORT, Folder, assert_undisturbed, ended, until

pytestmark = pytest.mark.faults
#: After so long without an answer Dask's connections count as lost; 30 s unless told, 11 at least.
PATIENCE = "11s"


class Machine:
    """A network and a host name of their own, as a few processes see them; files are those of all."""

    def __init__(self, name, address):
        self.address = address
        script = f"hostname {name} && ip link set lo up && echo up && exec cat"
        self._holder = subprocess.Popen(
            ["unshare", "-nu", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.up = self._holder.stdout.readline() == "up\n"
        self.inside = ["nsenter", "-t", str(self._holder.pid), "-n", "-u"]

    def ip(self, *command):
        """Change its network; returns whether that went well."""
        return not subprocess.run([*self.inside, "ip", *command], capture_output=True, timeout=60).returncode

    def connect(self, other):
        """Lay a cable; returns whether that went well."""
        number = str(other._holder.pid)
        return self.ip(
            "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", number
        ) and all(
            machine.ip("addr", "add", f"{machine.address}/24", "dev", "cable")
            and machine.ip("link", "set", "cable", "up")
            for machine in (self, other)
        )

    def reaches(self, port):
        """Whether something there takes connections."""
        program = f"import socket; socket.create_connection(({self.address!r}, {port}), 1)"
        return not subprocess.run(
            [*self.inside, sys.executable, "-c", program], capture_output=True
        ).returncode

    def close(self):
        """Network and cable are gone with the last process that sees them."""
        self._holder.stdin.close()
        self._holder.stdout.close()
        self._holder.wait(20)


@pytest.fixture
def machines():
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare", "nsenter"))):
        pytest.skip("no networks can be made here: that takes root, ip, unshare and nsenter")
    both = Machine("near", "10.77.0.1"), Machine("far", "10.77.0.2")
    if not (all(machine.up for machine in both) and both[0].connect(both[1])):
        pytest.skip("no networks can be made here")
    yield both
    for machine in both:
        machine.close()


@pytest.fixture
def there(machines, tmp_path):
    folders = [Folder(tmp_path, machine.inside) for machine in machines]
    yield folders
    for folder in folders:
        folder.kill_all()


def test_the_cable_to_the_workers_is_pulled(machines, there, short, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP", PATIENCE)
    (near, far), scheduler = there, f"tcp://{machines[0].address}:8786"
    near.start(
        f"--host {machines[0].address} --port 8786 --no-dashboard",
        python=("-m", "distributed.cli.dask_scheduler"),
    )
    far.start(f"{scheduler} --nthreads 6 --no-dashboard", python=("-m", "distributed.cli.dask_worker"))
    line = f"{SHORT} hydra/launcher=dask hydra.launcher.address={scheduler}"
    assert until(lambda: machines[0].reaches(8786))
    sweep = near.start(line)
    assert until(near.begun)
    machines[1].ip("link", "set", "cable", "down")
    code, _, err = ended(sweep)
    assert code == 1 and "Traceback" not in err, err
    lost = err.count(f"its worker tcp://{machines[1].address}:")
    assert lost >= 1 and err.splitlines()[-1] == f"rnnbench: {lost} of 6 runs failed", err
    # Before another machine goes on with them, no one may train them still.
    far.kill_all()
    code, _, err = near.run(SHORT)
    assert code == 0, err
    assert f"{6 - lost} done, {lost} failed, 0 to run" in err
    assert_undisturbed(near, short)
