"""A Dask cluster of this machine in a process of its own: `python -m rnnbench.experiment.launchers.host`.

In a session of its own it hears no Ctrl-C, its logs reach no terminal, and its threads take no time from the
process that stores runs. It lives as long as its standard input is open, so it ends with whoever started it.
"""

import json
import os
import sys
import tempfile
from asyncio import wait_for
from contextlib import suppress
from select import select
from time import monotonic
from typing import Any

#: Seconds between two looks at whether every worker is watched over.
HEAL = 1.0
#: Seconds that a worker may take to start.
PATIENCE = 30.0
#: Of Dask: processes are spawned; a task that was on a dying worker is not tried again; nothing is moved.
CONFIGURATION = {
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "logging.distributed": "warning",
}


async def heal(cluster: Any, workers: int, missing: dict[Any, float]) -> None:
    """Replace workers that do not come back: Dask's nanny may give up one that dies while it starts.

    Parameters
    ----------
    cluster : LocalCluster
        What is looked at, on its own thread.
    workers : int
        How many it should have.
    missing : dict of str to float
        Since when each is not known to the scheduler; changed here.
    """
    from distributed.core import Status

    now, known = monotonic(), set(cluster.scheduler.workers)
    for name, nanny in list(cluster.workers.items()):
        if nanny.worker_address in known:
            missing.pop(name, None)
        elif nanny.status in (Status.closed, Status.failed) or now - missing.setdefault(name, now) > PATIENCE:
            print(f"worker {name} is replaced", file=sys.stderr, flush=True)
            del cluster.workers[name]
            missing.pop(name, None)
            with suppress(Exception):
                await wait_for(nanny.close(timeout=1), 5)
    if len(cluster.workers) < workers:
        cluster.scale(workers)


def main() -> None:
    """Read {"workers", "security"} from a line of standard input, write {"address"}, wait for its end."""
    import dask

    dask.config.set(CONFIGURATION)
    from distributed import LocalCluster
    from distributed.security import Security

    order: dict[str, Any] = json.loads(sys.stdin.readline())
    with tempfile.TemporaryDirectory(prefix="rnnbench-", ignore_cleanup_errors=True) as folder:
        cluster = LocalCluster(
            n_workers=order["workers"],
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            # Runs take the memory they take, as in threads: no worker is ended for its size.
            memory_limit=0,
            security=Security(**order["security"]),
            local_directory=folder,
        )
        print(json.dumps({"address": cluster.scheduler_address}), flush=True)
        missing: dict[Any, float] = {}
        while not select([sys.stdin], [], [], HEAL)[0]:
            cluster.sync(heal, cluster, order["workers"], missing)
    # At once: the workers notice the end of this process, and end with it whatever they do.
    os._exit(0)


if __name__ == "__main__":
    main()
