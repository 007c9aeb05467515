"""The public network: boxes and arrows, run by the kernels."""

from collections.abc import Callable
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from rnnbench.network.arrays import InputError, Loop, State
from rnnbench.network.block import Block
from rnnbench.network.call import checked_call
from rnnbench.network.divergences import Loss
from rnnbench.network.generation import chooser, next_input
from rnnbench.network.objective import objective, of_sequences
from rnnbench.network.parameters import Parameters
from rnnbench.network.passes import Pass
from rnnbench.network.recompute import Stream, in_pieces
from rnnbench.network.structure import Structure

Array = NDArray[Any]


class Network(Structure):
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
        For a cycle whose lags sum to zero or have both signs, a fixed weight between unequal sizes, an
        unknown source, two equal arrows, a missing output box, or a name that is not an identifier.

    Notes
    -----
    Arrays are time-major: x (T, B, I) float of the parameters' type, or (T, B) integer one-hot indices;
    targets (T, B, O) or labels (T, B); weights (T, B). A target of weight 0 or NaN is unknown: it is not
    scored, and in the open loop the network's own output is fed in its place. Calls are re-entrant and
    return new arrays.
    """

    @overload
    def forward(self, params: Parameters, x: Array, target: Array | None = ..., loop: Loop = ..., *,
                weight: Array | None = ..., lengths: Any = ..., state: State | None = ...,
                return_state: Literal[False] = ..., memory: str = ...) -> Array: ...  # fmt: skip

    @overload
    def forward(self, params: Parameters, x: Array, target: Array | None = ..., loop: Loop = ..., *,
                weight: Array | None = ..., lengths: Any = ..., state: State | None = ...,
                return_state: Literal[True], memory: str = ...) -> tuple[Array, State]: ...  # fmt: skip

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
    ) -> Array | tuple[Array, State]:
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
            Values before the first step as returned with `return_state`: {box: (slots, B, size)}, row 0 is
            t = -1, "x" likewise ((slots, B) indices, -1 for none, for one-hot input), "step": (B,) steps of
            the stream already consumed, from which chunks of the gate are counted. Boxes left out start
            from their initial values.
        return_state : bool
            Whether to return the state after each sequence's last step too.
        memory : "full" or "recompute"
            "recompute" goes through time in pieces and keeps only the outputs; for networks that read only
            the past.

        Returns
        -------
        ndarray (T, B, O), or (that, state)
            Probabilities for a softmax output. NaN in x gives NaN out.

        Raises
        ------
        InputError, ValueError
            An array that does not fit; `memory` "recompute" and an arrow that reads the future.
        """
        pieces = in_pieces(self, memory)
        call = checked_call(self, params, x, target, loop, weight, lengths, state)
        if pieces:
            whole = Stream(self, call).forward()
            return whole if return_state else whole[0]
        run = Pass(self, call)
        y = run.value(self.output)
        return (y, run.final_state(x)) if return_state else y

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
        run = Pass(self, checked_call(self, params, x, target, loop, weight, lengths, state))
        return {name: run.value(name) for name in self.names}

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
        params, x, target, loss, lengths, state
            As in `loss_and_grad`; the loss is one between whole sequences.

        Returns
        -------
        ndarray of float64 (B,)
            Not divided by anything. For CTC infinite where the labels cannot be aligned with the steps.
        """
        return of_sequences(self, params, x, target, loss, lengths, state)

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
        given = objective(self, params, x, target, loss, weight, loop, reduction, lengths, state)
        return given.compute().value

    @overload
    def loss_and_grad(self, params: Parameters, x: Array, target: Array, loss: Loss = ...,
                      weight: Array | None = ..., loop: Loop = ..., reduction: str = ..., *,
                      lengths: Any = ..., state: State | None = ..., memory: str = ...,
                      reset: Array | None = ..., return_state: Literal[False] = ...,
                      ) -> tuple[float, Parameters]: ...  # fmt: skip

    @overload
    def loss_and_grad(self, params: Parameters, x: Array, target: Array, loss: Loss = ...,
                      weight: Array | None = ..., loop: Loop = ..., reduction: str = ..., *,
                      lengths: Any = ..., state: State | None = ..., memory: str = ...,
                      reset: Array | None = ..., return_state: Literal[True],
                      ) -> tuple[float, Parameters, State]: ...  # fmt: skip

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
    ) -> tuple[float, Parameters] | tuple[float, Parameters, State]:
        """Compute the loss and its gradient, each arrow's gate as declared.

        Parameters
        ----------
        params, x, loop, lengths, state
            As in `forward`.
        target : ndarray (T, B, O), or labels (T, B) for cross-entropy
            Desired outputs; NaN means unknown. For CTC label sequences (S, B), -1 after the last label; for
            soft-DTW sequences (S, B, O), rows of NaN after the last step.
        loss : "mse", "binary_cross_entropy" or "cross_entropy"; "ctc" or "soft_dtw"; or a function
            l = sum over outputs of (y - d)**2; of the binary cross-entropy (sigmoid output); -log y[label]
            (softmax output). "ctc" (`CTC`, softmax output; "ctc:zero_infinity") and "soft_dtw" (`SoftDTW`;
            "soft_dtw:0.1" with its gamma) compare whole sequences, and so does a function
            ``(y, target) -> (value, dy)`` (`divergences.Own`).
        weight : ndarray (T, B), optional
            Weight of each step, 0 = not scored; 1 by default. For CTC and soft-DTW (B,), of each sequence.
        reduction : "mean" or "sum"
            "mean": sum of w l over (sum of w, times O for mse and binary cross-entropy). "sum": J = sum over
            steps and sequences of w l. `CTC` and `SoftDTW` define their own; a function decides itself.
        memory : "full" or "recompute"
            "full" keeps every value and its gradient. "recompute" keeps about sqrt(T) steps of them and runs
            each piece of the sequences forward twice; for networks that read only the past.
        reset : ndarray of bool (B,), optional
            Sequences that start anew whatever `state` says: initial values (which then get their gradient),
            no earlier input, step 0.
        return_state : bool
            Whether to return the state after the last steps too, for the next chunk of a stream. No gradient
            goes back through it.

        Returns
        -------
        (float, Parameters), or (float, Parameters, dict)
            The loss, and the gradient under the same names; the state.

        Raises
        ------
        InputError, ValueError
            An array that does not fit, no scored step at all, labels that cannot be aligned; `memory`
            "recompute" and an arrow that reads the future, or a state to be returned.
        """
        pieces = in_pieces(self, memory)
        if pieces and (reset is not None or return_state):
            raise ValueError("memory='recompute': carries no state from batch to batch; use 'full'")
        given = objective(self, params, x, target, loss, weight, loop, reduction, lengths, state)
        if pieces:
            return given.in_pieces()
        if reset is None:
            value, gradient, after = given.with_gradient(return_state)
        else:
            value, gradient, after = given.with_reset(reset, return_state)
        return (value, gradient, after) if return_state else (value, gradient)

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
        """Return an empty block for batches like this one, to train on in one compiled call (`Block`).

        Parameters
        ----------
        x, target, loss, weight, loop, reduction, lengths
            As in `loss_and_grad`. The batch itself is not added: `Block.add` does that.
        dtype : float32 or float64
            Type of the parameters.
        capacity : int
            Batches at most.

        Raises
        ------
        InputError, ValueError
            An array that does not fit (values out of range are found by `Block.update`); a loss that compares
            whole sequences.
        """
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
        call = checked_call(self, params, x, target, loop, weight, lengths, state)
        run = Pass(self, call, gates=gates)
        return run.backward(run.checked_dy(dy), fused=False, with_input=True)

    def step(self, params: Parameters, state: State | None, x_t: Array) -> tuple[Array, State]:
        """Advance one step; ValueError for a network that reads the future.

        Parameters
        ----------
        params : Parameters
            From `init`.
        state : mapping or None
            The state returned by the last step; None starts a sequence.
        x_t : ndarray (B, I) or integer (B,)
            Input of this step.

        Returns
        -------
        (y_t (B, O), state)
            The output, and the state for the next step.
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
        params, prefix : Parameters, ndarray (T0, B, I) or integer (T0, B)
            From `init`; the input that comes first, T0 >= 1.
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
        y_t, chosen = y[-1], []
        for number in range(steps):
            chosen.append(next_input(choose, y_t, rng, prefix.dtype))
            if number + 1 < steps:
                y_t, state = self.step(params, state, chosen[-1])
        return np.stack(chosen) if chosen else np.empty((0, *prefix.shape[1:]), prefix.dtype)
