"""Launchers: threads of this process, Hydra's published launchers, and Dask."""

import sys

from rnnbench.config.launcher import LauncherChoice
from rnnbench.sweep.launchers.contract import Launcher, LauncherError, PlannedRun
from rnnbench.sweep.launchers.threads import Threads

__all__ = ["Launcher", "LauncherError", "PlannedRun", "make_launcher"]


def make_launcher(choice: LauncherChoice, threads: int) -> Launcher:
    """Return the launcher that a configuration chooses.

    Parameters
    ----------
    choice : LauncherChoice
        The option of `hydra/launcher` and its settings; its library is installed.
    threads : int
        Runs trained at a time by the launcher `threads`.
    """
    if choice.name == "threads":
        return Threads(threads)
    if choice.name == "basic":
        print("hydra/launcher=basic trains one run after another", file=sys.stderr)
        return Threads(1)
    if choice.name == "dask":
        from rnnbench.sweep.launchers.dask import Dask

        return Dask(choice.settings)
    from rnnbench.sweep.launchers.published import Published

    return Published(choice)
