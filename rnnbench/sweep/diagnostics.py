"""What is looked at while a run trains, and once it has trained: the numbers of `diagnostics=on`.

Nothing here draws from the streams of the training or changes its parameters: a run that is watched has the
weights, and the key, of one that is not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rnnbench import diagnostics
from rnnbench.config.configuration import Configuration
from rnnbench.diagnostics.gradients import LOSSES
from rnnbench.network import Parameters
from rnnbench.tasks.contract import Batch
from rnnbench.training import stream
from rnnbench.training.batches import cast

#: Validation sequences that are looked at, and of longer ones the last so many steps.
SEQUENCES, STEPS = 8, 1000
#: An influence below this share of the largest does not count as memory.
SHARE = 0.01
#: Steps of random input in which memory capacity is measured.
MEMORY_STEPS = 4000
#: Boxes of more units than this have no memory capacity computed: it would take longer than the training.
MOST_UNITS = 400


class Diagnostics:
    """Looks at one run on the first of its validation sequences, in float64.

    Parameters
    ----------
    configuration : Configuration
        What is run.
    seed : int
        The seed of the run.
    """

    def __init__(self, configuration: Configuration, seed: int) -> None:
        self._network, self._seed = configuration.network, seed
        self._loss, self._reduction = configuration.task.loss, configuration.train.reduction
        self._looks: list[dict[str, Any]] = []
        # Drawn from a stream of their own.
        whole = cast(configuration.task.validation(stream(seed, "validation")), np.dtype(np.float64))
        self._batch, self._loop = _looked_at(whole), configuration.loop
        if isinstance(self._loop, int):
            # The step from which the network's own outputs are fed, in what is left of the sequences.
            self._loop = max(0, self._loop - max(0, len(whole.x) - STEPS))

    def __call__(self, update: int, params: Parameters) -> None:
        """Keep what is to be seen of the parameters after so many updates."""
        exact, batch = self._exact(params), self._batch
        found = {
            "update": update,
            "spectral_radius": diagnostics.spectral_radius(self._network, exact),
            "saturation": {
                name: box._asdict()
                for name, box in diagnostics.saturation(
                    self._network, exact, batch.x, lengths=batch.lengths
                ).items()
            },
        }
        if self._loss in LOSSES:
            norms = diagnostics.gradient_norms(
                self._network, exact, batch.x, batch.target, self._loss,
                weight=batch.weight, loop=self._loop, reduction=self._reduction, lengths=batch.lengths,
            )  # fmt: skip
            found["gradient_norm"] = {name: norm.mean(axis=1).tolist() for name, norm in norms.items()}
        self._looks.append(found)

    def state(self) -> list[dict[str, Any]]:
        """Return what was seen so far, for a checkpoint."""
        return self._looks

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Go on from what an interrupted run had seen."""
        self._looks = list(state)

    def end(self, params: Parameters) -> dict[str, Any]:
        """Return all that was seen, with the influence and the memory of the parameters that were kept.

        Returns
        -------
        dict
            "training": a list of {"update", "spectral_radius": {loop: number}, "saturation": {box: {"share",
            "derivative"}}, "gradient_norm": {box: mean over sequences at each step}}; "influence": {"at",
            "lags", "open", "declared"}; "effective_memory": {"share", "open", "declared"}; "memory_capacity":
            {"total", "by_lag", "units"} or None.
        """
        net, exact, batch = self._network, self._exact(params), self._batch
        lengths = batch.lengths
        # A network that sees the future is looked at from the middle.
        shortest = len(batch.x) if lengths is None else int(np.min(lengths))
        at = None if net.causal else shortest // 2
        true = diagnostics.influence(net, exact, batch.x, at=at, lengths=lengths)
        # What training sees, it sees in its own loop.
        trained = diagnostics.influence(
            net, exact, batch.x, at=at, lengths=lengths, gates="declared",
            target=None if self._loop == "closed" else batch.target, loop=self._loop, weight=batch.weight,
        )  # fmt: skip
        return {
            "training": self._looks,
            "influence": {
                "at": "last step" if at is None else at,
                "lags": true.lags.tolist(),
                "open": true.mean.tolist(),
                "declared": trained.mean.tolist(),
            },
            "effective_memory": {
                "share": SHARE,
                "open": diagnostics.effective_memory(true, SHARE),
                "declared": diagnostics.effective_memory(trained, SHARE),
            },
            "memory_capacity": self._memory(exact),
        }

    def _memory(self, params: Parameters) -> dict[str, Any] | None:
        units = sum(box.size for box in self._network.boxes)
        if units > MOST_UNITS:
            return None
        steps = max(MEMORY_STEPS, 20 * units)
        found = diagnostics.memory_capacity(self._network, params, steps=steps, seed=self._seed)
        return {"total": found.total, "by_lag": found.by_lag.tolist(), "units": found.units}

    def _exact(self, params: Parameters) -> Parameters:
        return self._network.parameters(params.vector.astype(np.float64))


def _looked_at(batch: Batch) -> Batch:
    """Return the last `STEPS` steps of each of the first sequences."""
    steps, sequences = min(STEPS, len(batch.x)), min(SEQUENCES, batch.x.shape[1])
    lengths = np.full(sequences, len(batch.x)) if batch.lengths is None else batch.lengths[:sequences]
    rows = np.maximum(lengths - steps, 0) + np.arange(steps)[:, None]
    x, target, weight = (np.ascontiguousarray(part[rows, np.arange(sequences)]) for part in batch[:3])
    return Batch(x, target, weight, None if batch.lengths is None else np.minimum(lengths, steps))


def numbers(seen: Mapping[str, Any]) -> Iterator[tuple[str, float, int]]:
    """Yield what was seen as (name, value, step) for a record: the step is an update, or a lag."""
    for look in seen["training"]:
        update = look["update"]
        for loop, radius in look["spectral_radius"].items():
            yield f"spectral_radius.{loop}", radius, update
        for box, found in look["saturation"].items():
            yield f"saturation.{box}", found["share"], update
            yield f"mean_derivative.{box}", found["derivative"], update
        for box, norms in look.get("gradient_norm", {}).items():
            yield f"gradient_norm.{box}.first_step", norms[0], update
            yield f"gradient_norm.{box}.largest", max(norms), update
    last = seen["training"][-1]["update"] if seen["training"] else 0
    found = seen["influence"]
    for kind in ("open", "declared"):
        yield f"effective_memory.{kind}_gates", seen["effective_memory"][kind], last
        for lag, influence in zip(found["lags"], found[kind], strict=True):
            side = "" if lag >= 0 else "_of_the_future"
            yield f"influence{side}.{kind}_gates", influence, abs(lag)
    if seen["memory_capacity"] is not None:
        yield "memory_capacity", seen["memory_capacity"]["total"], last
