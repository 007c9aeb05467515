"""What a Dask worker runs; light at the top, as `remote`."""

from time import monotonic
from typing import Any

from rnnbench.experiment.launchers import remote

#: Seconds between two records that a run sends back.
PAUSE = 0.25
#: States in which Dask means a task to go on; it is "cancelled" once its client is gone.
_WANTED = ("executing", "long-running")
#: Launchers that have stopped their runs.
_STOPPED: set[str] = set()


async def stop(token: str) -> None:
    """Let the runs of a launcher in this process end at their next block (Dask awaits nothing else)."""
    _STOPPED.add(token)


def carry_out(order: dict[str, Any]) -> bytes:
    """Train one run as a task of Dask; see `remote.carry_out`.

    The run ends at its next block when its launcher stops it, and when Dask no longer wants its result: a
    sweep that was killed leaves no run behind that would train beside its own repetition.
    """
    from distributed import get_worker

    from rnnbench.training.seeds import Interrupted

    worker = get_worker()
    key, token = worker.get_current_task(), order["token"]
    sent, training = -PAUSE, False

    def say(**what: Any) -> None:
        worker.log_event(token, {"number": order["number"], **what})

    def may_go_on() -> None:
        nonlocal training
        task = worker.state.tasks.get(key)
        if token in _STOPPED or task is None or task.state not in _WANTED:
            raise Interrupted(f"seed {order['seed']} was stopped")
        if not training:
            training = True
            say(stage="training")

    def on_record(record: dict[str, Any]) -> None:
        nonlocal sent
        if monotonic() - sent >= PAUSE:
            sent = monotonic()
            say(record=_plain(record))

    say(stage="begun")

    return remote.carry_out(order, may_go_on, on_record)


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of a record without NumPy's types, which are not sent."""
    plain = {name: getattr(value, "item", lambda value=value: value)() for name, value in record.items()}
    return {
        name: value for name, value in plain.items() if isinstance(value, bool | int | float | str | None)
    }
