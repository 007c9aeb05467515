"""Hydra's published launchers, unchanged: `joblib`, `submitit_local`, `submitit_slurm`, `ray`."""

import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from rnnbench.config.launcher import LauncherChoice
from rnnbench.store.errors import reason
from rnnbench.sweep.command import Command, Figures
from rnnbench.sweep.launchers import slurm
from rnnbench.sweep.launchers.batches import MOST, remove, stop, write_batches
from rnnbench.sweep.launchers.contract import Launcher, LauncherError, PlannedRun
from rnnbench.sweep.launchers.job import train_batch
from rnnbench.sweep.launchers.threads import compile_kernels
from rnnbench.training.threads import processors


class Published(Launcher):
    """Trains batches of runs as jobs of one of Hydra's launchers.

    Parameters
    ----------
    choice : LauncherChoice
        Its name and settings, `_target_` included.
    """

    def __init__(self, choice: LauncherChoice) -> None:
        self._name, self._settings = choice.name, choice.settings

    def launch(self, runs: Sequence[PlannedRun], command: Command) -> str:
        """Train runs; see `Launcher.launch`."""
        on_slurm = self._name == "submitit_slurm"
        if on_slurm:
            from submitit.slurm.slurm import SlurmJob

            # Without a command it does not call `sacct`, which complains where SLURM keeps no accounts.
            SlurmJob.watcher._make_command = lambda: None
        else:
            # The workers of this machine find compiled kernels in the cache instead of all compiling them.
            compile_kernels(runs)
        setting = int(self._settings.get("n_jobs") or self._settings.get("array_parallelism") or -1)
        workers = setting if setting > 0 else processors()
        # submitit starts all jobs that it is given at once on this machine, as many as there may be.
        files = write_batches(runs, command, workers, workers if self._name == "submitit_local" else MOST)
        with _only_hydras_options():
            launched = _start(self._settings, files, command.figures)
            try:
                if on_slurm:
                    slurm.wait_for_jobs(launched, files[0].parent)
                else:
                    wait([launched])
            except KeyboardInterrupt:
                stop(files)
                if on_slurm:
                    slurm.cancel(files[0].parent)
                else:
                    wait([launched])
                remove(files)
                raise
        stop(files)
        try:
            reasons = [job.return_value for job in launched.result(0) if job.status.name == "COMPLETED"]
        except Exception as error:
            return self._explain(error, files)
        remove(files)
        for given in filter(None, reasons):
            raise LauncherError(given)
        return ""

    def _explain(self, error: Exception, files: Sequence[Path]) -> str:
        """Return why jobs were lost; where submitit could not start any, this is raised."""
        lines = str(error).strip().splitlines() or ["a job left no result"]
        lost = f"hydra/launcher={self._name}: {lines[-1]}"
        if any(files[0].parent.glob("*/*_log.err")):
            print(f"rnnbench: a job died; its log is in {files[0].parent}", file=sys.stderr)
            return lost
        remove(files)
        if self._name.startswith("submitit"):
            raise LauncherError(lost) from error
        return lost


@contextmanager
def _only_hydras_options() -> Iterator[None]:
    """Let Hydra know its own options only.

    Launchers send all that it knows to every job, which could not read the classes of plugins there: it finds
    plugins once it is in the working folder.
    """
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    known = store.repo
    store.repo = {n: known[n] for n in known if n == "hydra" or n.startswith("_dummy_empty")}
    try:
        yield
    finally:
        store.repo = known


def _start(settings: Mapping[str, Any], files: Sequence[Path], figures: Figures | None) -> "Future[Any]":
    """Call a launcher of Hydra's on a thread of its own, so that this one is free to stop its jobs."""
    folder = files[0].parent
    launcher = _hydra_launcher(settings, folder, partial(_train, folder, figures))
    overrides = [[f"+batch={path.stem}"] for path in files]
    launched: Future[Any] = Future()

    def call() -> None:
        # Inherited by the jobs: a terminal sends Ctrl-C to all processes, and they are stopped otherwise.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            launched.set_result(launcher.launch(overrides, initial_job_idx=0))
        except BaseException as error:
            launched.set_exception(error)

    # A daemon: submitit may wait forever for a job that was killed.
    threading.Thread(target=call, daemon=True).start()
    return launched


def _hydra_launcher(settings: Mapping[str, Any], folder: Path, function: Any) -> Any:
    """Return a launcher of Hydra's that calls a function with each job's configuration."""
    from hydra._internal.callbacks import Callbacks
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.core.plugins import Plugins
    from hydra.types import HydraContext, RunMode

    loader = ConfigLoaderImpl(config_search_path=create_config_search_path(None))
    # Given as overrides, because each job composes Hydra's configuration anew.
    own = [
        "hydra.output_subdir=null",
        "hydra/job_logging=none",
        "hydra/hydra_logging=none",
        "hydra.job.chdir=false",
        "hydra.job.name=rnnbench",
        "hydra.sweep.dir=.",
        "hydra.sweep.subdir=.",
    ]
    config = loader.load_configuration(None, own, run_mode=RunMode.MULTIRUN)
    OmegaConf.set_struct(config, False)
    logs = {"submitit_folder": str(folder / "%j")} if "submitit_folder" in settings else {}
    config.hydra.launcher = {**settings, **logs}
    try:
        return Plugins.instance().instantiate_launcher(
            hydra_context=HydraContext(config_loader=loader, callbacks=Callbacks()),
            task_function=function,
            config=config,
        )
    except (ImportError, RuntimeError) as error:
        raise LauncherError(f"hydra.launcher._target_={settings['_target_']}: {reason(error)}") from error


def _train(folder: Path, figures: Figures | None, config: DictConfig) -> str:
    return train_batch(folder / f"{config.batch}.json", figures)
