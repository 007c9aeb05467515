"""Whole blocks of training steps, their data already drawn, in one call."""

import math
from typing import NamedTuple

import numpy as np

from rnnbench.kernels.clipping import global_norm
from rnnbench.kernels.compilation import kernel
from rnnbench.kernels.losses import feed_targets, loss_and_dy, prepare_steps
from rnnbench.kernels.optimisers import clipped_update
from rnnbench.kernels.pointers import call
from rnnbench.kernels.rows import rows_of
from rnnbench.kernels.tables import CROSS_ENTROPY, WIDTH, Adjoint, Batch, Tables

#: Why `training_steps` stopped: nothing is left; the loss or the norm is not finite; the next batch needs
#: the other plan; the next batch is none that can be trained on.
FINISHED, NOT_FINITE, OTHER_PLAN, REFUSED = 0, 1, 2, 3


class Draws(NamedTuple):
    """Batches of one shape, one after another in flat arrays; what is not given is empty.

    Attributes
    ----------
    x, index : ndarray (n * T * B * I,), int64 (n * T * B,)
        Real or one-hot inputs. Beyond a sequence's end they are overwritten: x with 0, indices with -1.
    target, labels : ndarray (n * T * B * O,), int64 (n * T * B,)
        Real targets or labels.
    weight : ndarray of float64 (n * T * B,)
        Step weights.
    lengths : ndarray of int64 (n * B,)
        Steps of each sequence.
    """

    x: np.ndarray
    index: np.ndarray
    target: np.ndarray
    labels: np.ndarray
    weight: np.ndarray
    lengths: np.ndarray


class Objective(NamedTuple):
    """What is minimised.

    Attributes
    ----------
    loss : int
        MSE, BINARY_CROSS_ENTROPY or CROSS_ENTROPY.
    mean : bool
        Whether the loss is a mean over the scored values, not their sum.
    outputs, switch : int
        O; targets are fed before this step.
    plans : int
        Batches whose targets are fed at every step have a plan for those that know all of them (1) and one
        for the others (-1): which one this is; or 0 where one plan serves all.
    """

    loss: int
    mean: bool
    outputs: int
    switch: int
    plans: int


class Engine(NamedTuple):
    """A network compiled into tables, with its scratch for one shape.

    Attributes
    ----------
    forward, backward : int
        Addresses of the kernels (`rnnbench.kernels.pointers`).
    tables : Tables
        The plan.
    packed, values : ndarray
        As `forward` takes them.
    batch : Batch
        Everything of a batch that does not change, and the scratch `known` and `scored`.
    adjoint : Adjoint
        As `backward` takes it.
    w : ndarray of float64 (T * B,)
        Scratch: the weights of known targets.
    gradient : ndarray (P,)
        Scratch: the gradient in the type of the parameters.
    """

    forward: int
    backward: int
    tables: Tables
    packed: np.ndarray
    values: np.ndarray
    batch: Batch
    adjoint: Adjoint
    w: np.ndarray
    gradient: np.ndarray


class Course(NamedTuple):
    """What each update leaves behind, filled: loss, norm of the gradient, whether it was clipped."""

    loss: np.ndarray
    norm: np.ndarray
    clipped: np.ndarray


@kernel
def _possible(lengths, index, steps, inputs):
    """Return whether all lengths and indices lie in their ranges, and whether any length is below T."""
    ragged = False
    for b in range(lengths.size):
        if not 1 <= lengths[b] <= steps:
            return False, False
        ragged = ragged or lengths[b] < steps
    for row in range(index.size):
        if not 0 <= index[row] < inputs:
            return False, False
    return True, ragged


@kernel
def _blank_beyond(lengths, x, index, inputs):
    # Beyond its own end a sequence's input is 0, whatever the padding holds (NaN included).
    sequences = lengths.size
    for row in range(max(index.size, x.size // inputs)):
        if row // sequences >= lengths[row % sequences]:
            if index.size > 0:
                index[row] = -1
            else:
                for j in range(row * inputs, (row + 1) * inputs):
                    x[j] = 0


@kernel(ordered=True)
def training_steps(engine, parameters, draws, objective, rule, step, first, last, course):
    """Update the parameters with one batch after another: forward, loss, backward, clipping, rule.

    Parameters
    ----------
    engine : Engine
        The network.
    parameters : ndarray (P,)
        Changed in place.
    draws : Draws
        The batches.
    objective : Objective
        What is minimised.
    rule : Rule
        How the parameters follow the gradient.
    step : int
        Number of the first of these updates in the life of the rule, from 1.
    first, last : int
        The batches to take.
    course : Course
        Filled.

    Returns
    -------
    stop : int
        The batch after the last one whose loss was computed.
    reason : int
        FINISHED; NOT_FINITE: the loss or the norm of batch `stop` - 1 is not finite, and its update was left
        out; OTHER_PLAN, REFUSED: batch `stop` was not begun.
    """
    fixed, adjoint, tables, values = engine.batch, engine.adjoint, engine.tables, engine.values
    steps, sequences, inputs, outputs = fixed.steps, fixed.sequences, fixed.inputs, objective.outputs
    rows = steps * sequences
    y = rows_of(values, tables, fixed, tables.output, 0, steps)
    dy = adjoint.dy.reshape((rows, tables.boxes[tables.output, WIDTH]))
    for i in range(first, last):
        x = draws.x[i * rows * inputs : (i + 1) * rows * inputs]
        index = draws.index[i * rows : (i + 1) * rows]
        target = draws.target[i * rows * outputs : (i + 1) * rows * outputs]
        labels = draws.labels[i * rows : (i + 1) * rows]
        weight = draws.weight[i * rows : (i + 1) * rows]
        lengths = draws.lengths[i * sequences : (i + 1) * sequences]
        possible, ragged = _possible(lengths, index, steps, inputs)
        if not possible:
            return i, REFUSED
        total, unknown, bad = prepare_steps(
            target, labels, weight, lengths, objective.switch, outputs, engine.w, fixed.known, fixed.scored
        )
        if bad >= 0 or total == 0.0:
            return i, REFUSED
        if (objective.plans > 0 and unknown > 0) or (objective.plans < 0 and unknown == 0):
            return i, OTHER_PLAN
        if ragged:
            _blank_beyond(lengths, x, index, inputs)
        batch = Batch(
            steps, sequences, inputs, fixed.block, fixed.regions, x, index, fixed.x_before,
            fixed.index_before, lengths, ragged, fixed.offset, fixed.known, fixed.scored, not ragged,
            fixed.carried, fixed.segments,
        )  # fmt: skip
        if tables.fed >= 0:
            fed = rows_of(values, tables, fixed, tables.fed, 0, steps)
            feed_targets(target, labels, fixed.known, lengths, fed, outputs)
        call(
            engine.forward,
            (tables, parameters, engine.packed, fixed, values),
            (tables, parameters, engine.packed, batch, values),
        )
        terms = total * (1 if objective.loss == CROSS_ENTROPY else outputs)
        scale = 1.0 / terms if objective.mean else 1.0
        loss = loss_and_dy(objective.loss, y, outputs, target, labels, engine.w, scale, dy)
        call(
            engine.backward,
            (tables, parameters, fixed, values, adjoint),
            (tables, parameters, batch, values, adjoint),
        )
        gradient = engine.gradient
        for j in range(gradient.size):
            gradient[j] = adjoint.gradient[j]
        course.loss[i], course.clipped[i] = loss, False
        # A loss that is not finite may come with a finite gradient, which would lead nowhere.
        if not math.isfinite(loss):
            course.norm[i] = global_norm(gradient)
            return i + 1, NOT_FINITE
        norm, course.clipped[i] = clipped_update(
            rule.code, parameters, gradient, rule.state, rule.settings, step + i - first,
            rule.norm_bound, rule.value_bound,
        )  # fmt: skip
        course.norm[i] = norm
        if not math.isfinite(norm):
            return i + 1, NOT_FINITE
    return last, FINISHED
