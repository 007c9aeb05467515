"""The mirror at work beside a training: one thread, which never makes the training wait or fail."""

import sys
import threading
from types import TracebackType
from typing import Self

from rnnbench.base.wording import counted
from rnnbench.store.errors import StoreError
from rnnbench.store.mirror.mirror import PATIENCE, Mirror
from rnnbench.store.mirror.runs import in_training

#: Seconds between two looks at the folders.
LOOK = 1.0
#: Seconds to wait for the run that is being written after Ctrl-C.
ENDING = 2.0
#: Seconds at the end after which a line says what is waited for.
TOLD = 5.0


class Beside:
    """Mirrors the runs of a study while they are trained; a context manager.

    Parameters
    ----------
    mirror : Mirror
        The mirror.
    study : str
        The study that is trained.
    later : bool
        Leave it to `rnnbench sync`: nothing is imported, one line at the end says how many runs wait.

    Notes
    -----
    MLflow is imported once a run of this command was committed, or has trained for ten seconds: not before
    the first update. On leaving, everything is in MLflow, or one line on standard error says what is not.
    """

    def __init__(self, mirror: Mirror, study: str, later: bool = False) -> None:
        self._mirror, self._study, self._later = mirror, study, later
        self._own, self._over = mirror.store.study(study), threading.Event()
        self._thread = threading.Thread(target=self._work, name="rnnbench-mirror", daemon=True)
        self._waiting, self._trouble = 0, ""

    def __enter__(self) -> Self:
        """Begin to look for runs."""
        if not self._later:
            self._waiting = self._mirror.pending(self._study)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until everything is in MLflow; after Ctrl-C only for one run. Say in one line what is not."""
        cancelled = self._mirror.cancelled
        self._over.set()
        if kind is not None and not issubclass(kind, Exception):
            cancelled.set()
        try:
            if self._thread.is_alive():
                self._thread.join(ENDING if cancelled.is_set() else TOLD)
            if self._thread.is_alive() and not cancelled.is_set():
                waiting = counted(self._mirror.pending(self._study), "run")
                print(f"rnnbench: {waiting} on the way to MLflow", file=sys.stderr)
                self._thread.join()
        except KeyboardInterrupt:
            cancelled.set()
            self._thread.join(ENDING)
            raise
        finally:
            if left := self._mirror.pending(self._study):
                why = f" ({self._trouble})" if self._trouble else ""
                are = "is" if left == 1 else "are"
                line = f"{counted(left, 'run')} {are} not in MLflow yet: rnnbench sync{why}"
                print(f"rnnbench: {line}", file=sys.stderr)

    def _work(self) -> None:
        while not self._over.wait(LOOK):
            if self._mirror.pending(self._study) > self._waiting or any(in_training(self._own)):
                # Whatever waited before this command goes along from now on.
                self._waiting = 0
                self._attempt(0.0)
        if not self._mirror.cancelled.is_set():
            self._attempt(PATIENCE)

    def _attempt(self, patience: float) -> None:
        try:
            self._mirror.sync([self._study], patience=patience, verify=False)
            self._trouble = ""
        except StoreError as error:
            self._trouble = str(error)
