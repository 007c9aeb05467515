"""Launchers: where runs are trained. Threads of this process, Dask workers, jobs of SLURM.

Nothing heavy is imported here: worker processes import this package before their threads are capped.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnbench.experiment.launchers.contract import Launcher
    from rnnbench.experiment.launchers.settings import Settings


def launcher(settings: "Settings", threads: int, root: Path) -> "Launcher":
    """Return the launcher that settings describe, to be used as a context.

    Parameters
    ----------
    settings : Basic, Dask, SubmititLocal or SubmititSlurm
        What `settings.read` returned.
    threads : int
        Runs at a time where the settings do not say: `Configuration.threads`.
    root : Path
        The folder of runs; made absolute. Logs and checkpoints lie below it.

    Raises
    ------
    Refused
        The extra that the launcher needs is not installed.
    """
    from rnnbench.experiment.launchers import settings as kinds

    if isinstance(settings, kinds.Basic):
        from rnnbench.experiment.launchers.local import Local

        return Local(threads, root)
    if isinstance(settings, kinds.Dask):
        from rnnbench.experiment.launchers.dask import Dask

        return Dask(settings, threads, root)
    from rnnbench.experiment.launchers.submitit import Submitit

    return Submitit(settings, threads, root)
