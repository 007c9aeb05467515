"""Processes of Dask's `distributed`: on this machine, or wherever the workers of a scheduler are."""

import logging
import sys
import threading
import uuid
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from rnnbench.experiment.launchers import dask_worker, remote
from rnnbench.experiment.launchers.cluster import Cluster
from rnnbench.experiment.launchers.contract import LauncherError, Training, WorkerDied
from rnnbench.experiment.launchers.dispatching import Distant, Run
from rnnbench.experiment.launchers.settings import Dask as Settings
from rnnbench.experiment.refusals import Refused
from rnnbench.training.seeds import Interrupted

#: Seconds in which a scheduler must answer.
ANSWER = 8.0
#: Seconds between two looks at which workers there are.
LOOK = 0.5
#: Seconds after which a worker that is not seen is gone, so is a scheduler, and new workers must be there.
GONE, LOST, NONE = 2.0, 15.0, 60.0
#: So many times a run is sent to workers that are gone before they begin it, and a cluster is started.
ATTEMPTS = 3
_LOGGERS = (
    "distributed",
    "distributed.client",
    "distributed.gc",
    "tornado",
    "tornado.application",
    "asyncio",
)


class Dask(Distant):
    """Trains each seed as a task of Dask, on the worker it is sent to and on no other.

    Parameters
    ----------
    settings : settings.Dask
        Address and number of workers.
    threads : int
        Workers of a cluster on this machine where the settings do not say.
    root : Path
        The folder of runs; `dask.log` in it holds what Dask and the workers say.

    Raises
    ------
    Refused
        Dask is not installed.
    """

    name = "dask"

    def __init__(self, settings: Settings, threads: int, root: Path) -> None:
        try:
            import distributed
        except ImportError as error:
            raise Refused("hydra/launcher=dask: needs distributed: pip install 'rnnbench[dask]'") from error
        super().__init__(root)
        self._distributed = distributed
        self._settings = settings
        self._own = settings.workers or threads
        self._slots = self._own if settings.address is None else 1
        self._token = f"rnnbench-{uuid.uuid4().hex}"
        self._cluster: Cluster | None = None
        self._client: Any = None
        self._workers: dict[str, int] = {}
        self._missed: dict[str, float] = {}
        self._seen = self._looked = self._idle = monotonic()
        self._said = False
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)

    @property
    def slots(self) -> int:
        """Runs at a time: threads of all workers, as far as the setting `workers` allows."""
        return self._slots

    def start(self, *arguments: Any, **keywords: Any) -> Training:
        """Queue seeds of a configuration; see `Launcher`."""
        if self._cluster is not None:
            # The workers of this machine find compiled kernels in the cache instead of all compiling them.
            remote.warm(arguments[0])
        return super().start(*arguments, **keywords)

    def _open(self) -> None:
        address, security = self._settings.address, None
        if address is None:
            self._cluster = self._start_cluster()
            address, security = self._cluster.address, self._cluster.security
        try:
            with warnings.catch_warnings():
                # Other versions of libraries there are noted in each run's provenance.
                warnings.simplefilter("ignore")
                self._client = self._distributed.Client(
                    address, timeout=ANSWER, set_as_default=False, security=security, name="rnnbench"
                )
            self._client.subscribe_topic(self._token, self._recorded)
            self._find_workers()
        except BaseException as error:
            self._close()
            given = f"hydra.launcher.address={address}"
            if isinstance(error, OSError | ValueError | TypeError | ImportError | RuntimeError):
                raise Refused(f"{given}: no Dask scheduler answers there") from error
            if isinstance(error, AssertionError):
                # So Dask refuses settings of its own, such as a time that is too short.
                raise Refused(f"{given}: Dask refuses its settings: {error}") from error
            raise

    def _start_cluster(self) -> Cluster:
        """Start workers on this machine; once more where they ended at once, as when one was killed."""
        for left in reversed(range(ATTEMPTS)):
            began = monotonic()
            try:
                return Cluster(self._own, self.root / "dask.log")
            except LauncherError as error:
                if not left or monotonic() - began > LOST:
                    raise Refused(str(error)) from error
        raise AssertionError

    def _close(self) -> None:
        try:
            if self._client is not None:
                self._client.close(timeout=2)
        except Exception as error:
            logging.getLogger("distributed").debug("closing: %s", error)
        finally:
            if self._cluster is not None:
                self._cluster.close()

    def _recorded(self, event: tuple[float, dict[str, Any]]) -> None:
        """Take what a worker says of a run; on the client's thread."""
        self.tell(partial(self._heard, event[1]))

    def _heard(self, said: dict[str, Any]) -> None:
        run = self.running.get(said["number"])
        if run is not None:
            run.stage = said.get("stage", run.stage)
        if "record" in said:
            self.show(said["number"], said["record"])

    def _find_workers(self) -> None:
        identity = self._client.sync(self._client.scheduler.identity, n_workers=-1, callback_timeout=ANSWER)
        found = identity["workers"].items()
        self._workers = {
            address: worker["nthreads"] for address, worker in found if worker["status"] == "running"
        }
        self._seen = monotonic()
        if self._settings.address is not None:
            total = sum(self._workers.values())
            self._slots = max(1, min(total, self._settings.workers or total))

    def _places(self) -> list[str]:
        busy = Counter(run.place for run in self.running.values())
        free = {address: threads - busy[address] for address, threads in self._workers.items()}
        # The first free thread of every worker, then the second: runs spread over the machines.
        places = [
            address for n in range(max(free.values(), default=0)) for address in free if n < free[address]
        ]
        return places[: max(0, self._slots - len(self.running))]

    def _send(self, runs: Sequence[Run]) -> None:
        for run in runs:
            order = {**run.order(self.root), "token": self._token}
            run.handle = self._client.submit(
                dask_worker.carry_out,
                order,
                key=f"{self._token}-{run.number}-{run.sent}",
                workers=[run.place],
                allow_other_workers=False,
                retries=0,
                pure=False,
            )
            run.handle.add_done_callback(lambda future, run=run: self.tell(partial(self._came_back, run)))

    def _came_back(self, run: Run) -> None:
        """Take what a task has given, or the reason why it has given nothing."""
        future, run.handle = run.handle, None
        if future is None:
            return
        try:
            content = self._content(run, future)
        finally:
            future.release()
        if isinstance(content, WorkerDied):
            self._died(run, content)
        else:
            self.settle(run, content)

    def _content(self, run: Run, future: Any) -> bytes | Exception:
        try:
            if future.status == "finished":
                return bytes(future.result(timeout=ANSWER))
            error = future.exception(timeout=ANSWER) if future.status == "error" else None
        except Exception as why:
            # The worker died between the end of the task and the fetching of its result.
            error = why
            if future.status == "finished":
                error = None
        if self._stopping and error is None:
            return Interrupted(f"seed {run.seed} was stopped")
        if error is None or isinstance(error, self._distributed.KilledWorker):
            return self._gone(run)
        return LauncherError(
            f"the worker {run.place} cannot train: {type(error).__name__}: {error}; "
            "rnnbench must be installed there in the same version"
        )

    def _died(self, run: Run, why: WorkerDied) -> None:
        """End a run with its worker, or send it elsewhere where the worker had not begun it."""
        self._workers.pop(run.place, None)
        if run.stage or run.sent >= ATTEMPTS or run.number not in self.running:
            self.settle(run, why)
        else:
            self.send_again(run)

    def _gone(self, run: Run) -> WorkerDied:
        hint = f"; see {self.root / 'dask.log'}" if self._cluster is not None else ""
        return WorkerDied(f"seed {run.seed}: its worker {run.place} is gone, and this run with it{hint}")

    def _look(self) -> None:
        now = monotonic()
        if now - self._looked < LOOK:
            return
        self._looked = now
        try:
            self._find_workers()
        except Exception:
            ended = self._cluster is not None and not self._cluster.alive
            if ended or now - self._seen > LOST:
                self._give_up(f"the Dask scheduler {self._settings.address or ''} is gone".replace("  ", " "))
            return
        self._find_dead(now)
        self._find_none(now)

    def _find_dead(self, now: float) -> None:
        """End the runs of workers that are gone, where the scheduler does not do so itself."""
        places = {run.place for run in self.running.values()} - set(self._workers)
        self._missed = {place: self._missed.get(place, now) for place in places}
        for run in list(self.running.values()):
            if now - self._missed.get(run.place, now) > GONE:
                self._abandon([run])
                self._died(run, self._gone(run))

    def _find_none(self, now: float) -> None:
        """Say that workers are waited for; on this machine, give up when none comes back."""
        if self._workers:
            self._idle = now
        elif self._cluster is not None and now - self._idle > NONE:
            self._give_up(f"no Dask worker starts; see {self.root / 'dask.log'}")
        elif self._cluster is None and now - self._idle > LOOK and not self._said and self._waiting:
            self._said = True
            print(f"waiting for workers at {self._settings.address} ...", file=sys.stderr, flush=True)

    def _give_up(self, why: str) -> None:
        """End every run that is here: there is nobody to train it."""
        for run in list(self.running.values()):
            run.handle = None
            self.settle(run, WorkerDied(f"seed {run.seed}: {why}"))
        while self._waiting:
            run = self._waiting.popleft()
            if not run.future.cancelled():
                run.settle(WorkerDied(f"seed {run.seed}: {why}"))

    def _halt(self) -> None:
        # What has no update behind it has nothing to write down.
        early = [run for run in self.running.values() if run.stage != "training"]
        self._abandon(early)
        for run in early:
            self.settle(run, Interrupted(f"seed {run.seed} was stopped"))
        if self.running:
            # A worker that does not answer must not keep the others waiting.
            threading.Thread(target=self._stop_workers, daemon=True).start()

    def _stop_workers(self) -> None:
        with suppress(Exception):
            self._client.run(dask_worker.stop, self._token, wait=False, on_error="ignore")

    def _abandon(self, runs: Sequence[Run]) -> None:
        handles = [run.handle for run in runs if run.handle is not None]
        for run in runs:
            run.handle = None
        if handles:
            self._client.cancel(handles, force=True)
