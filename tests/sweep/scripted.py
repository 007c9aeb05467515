"""The adding problem, which fails and interrupts as it is told; copied into the tests' ./rnnbench_plugins."""

import builtins
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rnnbench.tasks.adding import Adding

#: Draws of training data that are left before Ctrl-C comes; None where none shall come.
_left = [None]
_lock = threading.Lock()


@dataclass
class Scripted(Adding):
    """Adding.

    Parameters
    ----------
    fails : str
        The method that raises; "" for none.
    error : str
        The name of the exception.

    Notes
    -----
    Files of the working folder: `interrupt` holds after how many draws of training data Ctrl-C comes; while
    there is `hold`, trainings of seed 0 wait; `begun` gets a line with length and seed for each training.
    """

    VERSION: ClassVar[int] = 1

    fails: str = ""
    error: str = "RuntimeError"

    def _act(self, method):
        if self.fails == method:
            raise getattr(builtins, self.error)(f"{method} is broken")

    def _draw(self, rng, size):
        return super().training(rng, size)

    def training(self, rng, size):
        self._act("training")
        of = rng.bit_generator.seed_seq
        # `columns` draws too, from a stream of its own.
        while Path("hold").exists() and (of.entropy, of.spawn_key) == (0, (1,)):
            time.sleep(0.01)
        interrupt()
        return self._draw(rng, size)

    def validation(self, rng):
        self._act("validation")
        with open("begun", "a") as file:
            file.write(f"{self.length} {rng.bit_generator.seed_seq.entropy}\n")
        return self._draw(rng, self.validation_size)

    def test(self, rng):
        self._act("test")
        return self._draw(rng, self.test_size)

    def score(self, y, batch):
        self._act("score")
        return super().score(y, batch)

    def solved(self, y, batch):
        self._act("solved")
        return super().solved(y, batch)

    def columns(self):
        self._act("columns")
        return super().columns()

    def floors(self, rng):
        self._act("floors")
        return super().floors(rng)


def interrupt():
    """Press Ctrl-C when it is due."""
    with _lock:
        path = Path("interrupt")
        if path.exists():
            _left[0] = int(path.read_text())
            path.unlink()
        if _left[0] is not None:
            _left[0] -= 1
            if _left[0] <= 0:
                _left[0] = None
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
