"""What a worker process runs. At the top nothing but the standard library: its threads are capped first."""

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rnnbench.experiment.configuration import Configuration

#: One run is one thread; more of them would fight for the processors that other runs have.
CAPS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
if "numpy" not in sys.modules:
    os.environ.update(CAPS)


def environment() -> dict[str, str]:
    """Return what a worker process finds in its environment: one thread, and imports from the same places."""
    return {**CAPS, "PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)}


def carry_out(
    order: dict[str, Any],
    may_go_on: Callable[[], Any] = lambda: None,
    on_record: Callable[[dict[str, Any]], Any] | None = None,
) -> bytes:
    """Train one run in this process.

    Parameters
    ----------
    order : dict
        What `Parcel.order` returned.
    may_go_on, on_record : callable
        As of `execute`.

    Returns
    -------
    bytes
        What `sending.unpacked` reads: the result, or the exception that ended it.
    """
    from rnnbench.experiment.execution import execute
    from rnnbench.experiment.launchers import sending

    try:
        configuration = sending.received(order)
        warm(configuration)
        executed = execute(
            configuration, order["seed"], root=Path(order["root"]), on_record=on_record, may_go_on=may_go_on
        )
        return sending.packed(executed)
    except (Exception, SystemExit) as error:
        return sending.packed_error(error)


def warm(configuration: "Configuration") -> None:
    """Compile the kernels or load them; of processes with one empty cache one compiles, the others wait."""
    from rnnbench.kernels.compilation import cache_folder
    from rnnbench.network import divergences, warm_up
    from rnnbench.tracking.lock import locked
    from rnnbench.training import optimisers

    dtype, loss = configuration.train.dtype, configuration.task.loss
    folder = Path(cache_folder() or os.devnull)
    first = folder.is_dir() and not (folder / f"compiled-{dtype}").exists()
    with locked(folder / "compiling.lock") if first else nullcontext():
        warm_up(dtype)
        optimisers.warm_up(dtype)
    divergences.warm_up(divergences.between_sequences(loss), dtype)
