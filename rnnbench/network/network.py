"""The public network: a description with its plan, run by the kernels."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.network.arrays import InputError, Loop, Shape, State
from rnnbench.network.block import Block
from rnnbench.network.description import Arrow, Box
from rnnbench.network.divergences import Loss
from rnnbench.network.generation import chooser
from rnnbench.network.graph import INPUT_NAME
from rnnbench.network.objective import Objective, check_loss
from rnnbench.network.parameters import Parameters
from rnnbench.network.parametrised import Parametrised
from rnnbench.network.recompute import MEMORIES, Stream, refusal
from rnnbench.network.run import Run, Workspace
from rnnbench.network.schedule import Plan

Array = NDArray[Any]


class Network(Parametrised):
    """Boxes and arrows that compute.

    ``value_t = activation(bias + sum over incoming arrows of source_{t-lag} @ W)`` for every box, at every
    step.

    Parameters
    ----------
    boxes : sequence of Box
        The layers. The input "x" is not declared.
    arrows : sequence of Arrow
        The interconnections.
    n_in : int
        Inputs per step, I.
    output : str
        Name of the output box; its size is O.
    initial : "zero" or "learned"
        Values before the first step (and, for lags into the future, after the last one).

    Raises
    ------
    ValueError
        A cycle whose lags sum to zero or have both signs, a fixed weight between unequal sizes, an unknown
        source, two equal arrows, a missing output box, a name that is no identifier: each by name, with the
        reason.

    Notes
    -----
    Arrays are time-major: x (T, B, I) float of the parameters' type, or (T, B) integer one-hot indices;
    targets (T, B, O) or labels (T, B); weights (T, B). A target of weight 0 or NaN is not known: not scored,
    and in the open loop the net's own output is fed in its place. Calls are re-entrant and return arrays of
    their own.
    """

    def __init__(
        self,
        boxes: Sequence[Box],
        arrows: Sequence[Arrow],
        n_in: int,
        output: str = "y",
        initial: str = "zero",
    ) -> None:
        super().__init__(boxes, arrows, n_in, output, initial)
        self._plans: dict[tuple[str, str], Plan] = {}
        self._workspace = Workspace()

    def _plan(self, loop: str, gates: str = "declared") -> Plan:
        if gates not in ("declared", "open"):
            raise ValueError(f"gates={gates!r}: must be 'declared' or 'open'")
        plan = self._plans.get((loop, gates))
        if plan is None:
            plan = Plan(self.boxes, self.arrows, self.layout, self.n_in, self.output, loop, gates)
            # Two threads may build it at once; all must use the same one.
            plan = self._plans.setdefault((loop, gates), plan)
        return plan

    def _state_shapes(
        self, shape: Shape, dtype: np.dtype[Any]
    ) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        integers = np.dtype(np.int64)
        shapes: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {"step": ((shape.sequences,), integers)}
        for name, count in self._slots.items():
            if count and name == INPUT_NAME and shape.one_hot:
                shapes[name] = (count, shape.sequences), integers
            elif count:
                shapes[name] = (count, shape.sequences, self._sizes[name]), dtype
        return shapes

    def forward(
        self,
        params: Parameters,
        x: Array,
        target: Array | None = None,
        loop: Loop = "closed",
        *,
        weight: Array | None = None,
        lengths: Any = None,
        state: State | None = None,
        return_state: bool = False,
        memory: str = "full",
    ) -> Any:
        """Compute the output at every step.

        Parameters
        ----------
        params : Parameters
            From `init` or `parameters`.
        x : ndarray (T, B, I) or integer (T, B)
            Input; C-contiguous, floats in the parameters' type.
        target : ndarray (T, B, O) or labels (T, B), optional
            Fed back in the open loop.
        loop : "closed", "open" or int
            Whether lagged arrows out of the output box read the net's own output, the targets, or the targets
            before that step and its own output from there on.
        weight : ndarray (T, B), optional
            A target of weight 0 is not known and not fed.
        lengths : (B,) integers, optional
            Steps of each sequence. Outputs beyond them are the final values of the output box, else 0.
        state : mapping, optional
            Values before the first step as `return_state` gave them: {box: (slots, B, size)}, row 0 is t =
            -1, "x" likewise ((slots, B) indices, -1 for none, for one-hot input), "step": (B,) steps of the
            stream already consumed, from which chunks of the gate are counted. Boxes left out start from
            their initial values.
        return_state : bool
            Whether to return the state behind each sequence's last step too.
        memory : "full" or "recompute"
            "recompute" goes through time piece by piece and keeps the outputs only; for networks that read
            only the past.

        Returns
        -------
        ndarray (T, B, O), or (that, state)
            Probabilities for a softmax output. NaN in x gives NaN out.

        Raises
        ------
        InputError
            An array that does not fit, with the shape expected.
        ValueError
            `memory` is "recompute" and an arrow reads the future.
        """
        if self._in_pieces(memory):
            outside = {"weight": weight, "lengths": lengths, "state": state}
            whole = Stream(self, params, x, target, loop, **outside).forward()
            return whole if return_state else whole[0]
        run = Run(self, params, x, target, loop, weight=weight, lengths=lengths, state=state)
        y = run.value(self.output)
        return (y, run.final_state(x)) if return_state else y

    def _in_pieces(self, memory: str) -> bool:
        if memory not in MEMORIES:
            raise ValueError(f"memory={memory!r}: must be one of {', '.join(MEMORIES)}")
        if refusal(self, memory):
            raise ValueError(refusal(self, memory))
        return memory == "recompute"

    def values(
        self,
        params: Parameters,
        x: Array,
        target: Array | None = None,
        loop: Loop = "closed",
        *,
        weight: Array | None = None,
        lengths: Any = None,
        state: State | None = None,
    ) -> dict[str, Array]:
        """Compute the value of every box at every step, {name: (T, B, size)}; arguments as in `forward`."""
        run = Run(self, params, x, target, loop, weight=weight, lengths=lengths, state=state)
        return {name: run.value(name) for name in self._names}

    def sequence_losses(
        self,
        params: Parameters,
        x: Array,
        target: Array,
        loss: Loss,
        *,
        lengths: Any = None,
        state: State | None = None,
    ) -> Array:
        """Compute the divergence of each sequence alone.

        Parameters
        ----------
        params, x, target, lengths, state
            As in `loss_and_grad`.
        loss : str, CTC or SoftDTW
            "ctc" or "soft_dtw".

        Returns
        -------
        ndarray of float64 (B,)
            Not divided by anything. For CTC infinite where the labels cannot be aligned with the steps.
        """
        return Objective(self, params, x, target, loss, lengths=lengths, state=state).of_sequences()

    def loss(
        self,
        params: Parameters,
        x: Array,
        target: Array,
        loss: Loss = "mse",
        weight: Array | None = None,
        loop: Loop = "closed",
        reduction: str = "mean",
        *,
        lengths: Any = None,
        state: State | None = None,
    ) -> float:
        """Compute the loss alone. Arguments as in `loss_and_grad`."""
        objective = Objective(
            self, params, x, target, loss, weight, loop, reduction, lengths=lengths, state=state
        )
        return objective.run().value

    def loss_and_grad(
        self,
        params: Parameters,
        x: Array,
        target: Array,
        loss: Loss = "mse",
        weight: Array | None = None,
        loop: Loop = "closed",
        reduction: str = "mean",
        *,
        lengths: Any = None,
        state: State | None = None,
        memory: str = "full",
        reset: Array | None = None,
        return_state: bool = False,
    ) -> Any:
        """Compute the loss and its gradient, each arrow's gate as declared.

        Parameters
        ----------
        params, x, loop, lengths, state
            As in `forward`.
        target : ndarray (T, B, O), or labels (T, B) for cross-entropy
            Desired outputs; a NaN means not known. For CTC label sequences (S, B), -1 behind the last label;
            for soft-DTW sequences (S, B, O), rows of NaN behind the last step.
        loss : "mse", "binary_cross_entropy" or "cross_entropy"; "ctc" or "soft_dtw"; or a function
            l = sum over outputs of (y - d)**2; of the binary cross-entropy (sigmoid output); -log y[label]
            (softmax output). "ctc" (`CTC`, softmax output; "ctc:zero_infinity") and "soft_dtw" (`SoftDTW`;
            "soft_dtw:0.1" with its gamma) compare whole sequences, and so does a function
            ``(y, target) -> (value, dy)`` (`divergences.Own`).
        weight : ndarray (T, B), optional
            Weight of each step, 0 = not scored; 1 by default. For CTC and soft-DTW (B,), of each sequence.
        reduction : "mean" or "sum"
            "mean": sum of w l over (sum of w, times O for mse and binary cross-entropy). "sum": J = sum over
            steps and sequences of w l. `CTC` and `SoftDTW` say what it is to them; a function has its own.
        memory : "full" or "recompute"
            "full" keeps every value and its gradient. "recompute" keeps about the root of T steps of them and
            runs each piece of the sequences forward a second time; for networks that read only the past.
        reset : ndarray of bool (B,), optional
            Sequences that start anew whatever `state` says: initial values (which then get their gradient),
            no earlier input, step 0.
        return_state : bool
            Whether to return the state behind the last steps too, for the next chunk of a stream. No gradient
            goes back through it.

        Returns
        -------
        (float, Parameters), or (float, Parameters, dict)
            The loss, and the gradient under the same names; the state.

        Raises
        ------
        InputError
            An array that does not fit, no scored step at all, or labels that cannot be aligned.
        ValueError
            `memory` is "recompute" and an arrow reads the future, or state is to be returned.
        """
        objective = Objective(
            self, params, x, target, loss, weight, loop, reduction, lengths=lengths, state=state, reset=reset
        )
        if self._in_pieces(memory):
            if reset is not None or return_state:
                raise ValueError("memory='recompute': carries no state from batch to batch; use 'full'")
            return objective.in_pieces()
        value, gradient, behind = objective.with_gradient(return_state)
        return (value, gradient, behind) if return_state else (value, gradient)

    def training_block(
        self,
        x: Array,
        target: Array,
        loss: str = "mse",
        weight: Array | None = None,
        loop: Loop = "closed",
        reduction: str = "mean",
        *,
        lengths: Any = None,
        dtype: DTypeLike = np.float32,
        capacity: int = 16,
    ) -> Block:
        """Return room for batches like this one, to train on in one compiled call: see `Block`.

        Parameters
        ----------
        x, target, loss, weight, loop, reduction, lengths
            As in `loss_and_grad`. The batch is not put into the block: `Block.add` does that.
        dtype : float32 or float64
            Type of the parameters.
        capacity : int
            Batches at most.

        Raises
        ------
        InputError
            An array that does not fit. Values that are out of range are found later.
        ValueError
            The loss compares whole sequences.
        """
        if check_loss(self, loss, reduction, target) is not None:
            raise ValueError(f"loss={loss!r}: a block is for losses of single steps")
        return Block(self, x, target, loss, weight, loop, reduction, lengths, np.dtype(dtype), capacity)

    def backward(
        self,
        params: Parameters,
        x: Array,
        dy: Array,
        target: Array | None = None,
        loop: Loop = "closed",
        *,
        weight: Array | None = None,
        lengths: Any = None,
        state: State | None = None,
        gates: str = "declared",
    ) -> tuple[Parameters, Array, State]:
        """Back-propagate the gradient of any divergence between output and target sequences.

        Parameters
        ----------
        params, x, target, loop, weight, lengths, state
            As in `forward`.
        dy : ndarray (T, B, O)
            Gradient of the divergence with respect to every output; beyond a sequence's end it is not read.
        gates : "declared" or "open"
            "open" passes every gate: the true derivative of the computation, for influence.

        Returns
        -------
        gradient : Parameters
            With respect to the parameters.
        dx : ndarray (T, B, I)
            With respect to the input (for one-hot indices: to the one-hot vectors).
        dstate : dict
            With respect to the values before the first step, {box: (slots, B, size)} and "x", whether they
            were given by `state`, learned or zero. Values carried over from earlier steps of a stream (by
            "step" of the state) were computed, so a closed gate cuts them: going chunk by chunk gives the
            gradient of the whole.
        """
        run = Run(self, params, x, target, loop, weight=weight, lengths=lengths, state=state, gates=gates)
        expected = (run.shape.steps, run.shape.sequences, self.n_out)
        if not isinstance(dy, np.ndarray) or dy.shape != expected or dy.dtype.kind != "f":
            given = f"{dy.shape} {dy.dtype}" if isinstance(dy, np.ndarray) else type(dy).__name__
            raise InputError(f"dy: expected {expected} floating, (T, B, O); given {given}")
        return run.backward(run.own_dy(dy), False, with_input=True)

    def step(self, params: Parameters, state: State | None, x_t: Array) -> tuple[Array, State]:
        """Advance one step.

        Parameters
        ----------
        params : Parameters
            From `init`.
        state : mapping or None
            What the last step returned; None starts a sequence.
        x_t : ndarray (B, I) or integer (B,)
            Input of this step.

        Returns
        -------
        (y_t (B, O), state)
            Output, and what the next step needs.

        Raises
        ------
        ValueError
            If the network reads the future.
        """
        if not self.causal:
            ahead = next(arrow.name for arrow in self.arrows if arrow.lag < 0)
            raise ValueError(f"step: arrow {ahead} reads the future; this network needs the whole sequence")
        if not isinstance(x_t, np.ndarray):
            raise InputError(f"x_t: expected (B, {self.n_in}) or integer (B,); given a {type(x_t).__name__}")
        y, state = self.forward(params, x_t[None], state=state, return_state=True)
        return y[0], state

    def generate(
        self,
        params: Parameters,
        prefix: Array,
        steps: int,
        feed: str | Callable[[Array, np.random.Generator | None], Array],
        rng: np.random.Generator | None = None,
    ) -> Array:
        """Run freely: after a prefix, each next input is chosen from the last output.

        Parameters
        ----------
        params : Parameters
            From `init`.
        prefix : ndarray (T0, B, I) or integer (T0, B)
            Input the net is started with, T0 >= 1.
        steps : int
            How many inputs to choose.
        feed : callable, "output", "sample", "sample:TEMPERATURE" or "argmax"
            ``feed(y_t (B, O), rng)`` returns x_{t+1}, (B, I) or (B,). "output": the output itself; "sample":
            an index drawn from the output taken as probabilities, "sample:0.8" from these to the power 1 /
            0.8, normalised (the softmax of z / 0.8); "argmax", "sample:0": the most probable index.
        rng : numpy Generator
            Passed to `feed`; needed for "sample".

        Returns
        -------
        ndarray (steps, B, I) or (steps, B)
            The inputs chosen: with "output" the outputs, with "sample" the drawn indices.
        """
        choose = chooser(feed, rng)
        if not hasattr(steps, "__index__") or steps < 0:
            raise ValueError(f"steps={steps!r}: must be a whole number of at least 0")
        if not self.causal:
            raise ValueError("generate: this network reads the future; it cannot run freely")
        y, state = self.forward(params, prefix, return_state=True)
        chosen: list[Array] = []
        last = y[-1]
        for number in range(steps):
            x_t = np.ascontiguousarray(choose(last, rng))
            x_t = x_t if prefix.dtype.kind in "iu" else x_t.astype(prefix.dtype, copy=False)
            chosen.append(x_t)
            if number + 1 < steps:
                last, state = self.step(params, state, x_t)
        return np.stack(chosen) if chosen else np.empty((0, *prefix.shape[1:]), prefix.dtype)
