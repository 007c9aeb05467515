"""The integer tables a network is compiled into, and the arrays of one batch.

Every kernel reads these; none knows an architecture. Columns are named here, once.
"""

from typing import NamedTuple

import numpy as np

#: Source code of the network's input in an arrow's SOURCE column.
INPUT = -1

# Columns of `Tables.boxes`: a row for each box, one for the buffer `fed` where there is output feedback, and
# one for the pre-activations of each square box, whose derivative 2 z is not a function of its value z**2
# alone.
SIZE, ACTIVATION, COMBINE, BIAS_AT = 0, 1, 2, 3
INITIAL_SLOTS, FINAL_SLOTS, INITIAL_AT, FINAL_AT = 4, 5, 6, 7
OUTER_FROM, OUTER_TO, INNER_FROM, INNER_TO = 8, 9, 10, 11
FEEDS, KEEPS = 12, 13
WIDTH, PACKED_BIAS_AT = 14, 15
LEAVING_FROM, LEAVING_TO, PACKED_WIDTH, READ_ELSEWHERE = 16, 17, 18, 19
FEW_IN, FEW_OUT = 20, 21
BOX_COLUMNS = 22

# Columns of `Tables.arrows`.
SOURCE, TARGET, LAG, CUT, WEIGHT_AT = 0, 1, 2, 3, 4
PACKED_AT, TRANSPOSED_AT, THIN = 5, 6, 7
ARROW_COLUMNS = 8

# Columns of `Tables.stages` and `Tables.groups`.
RECURRENT, ORDER_FROM, ORDER_TO, DIRECTION, SCORED_ONLY = 0, 1, 2, 3, 4
STAGE_COLUMNS = 5
STAGE_FROM, STAGE_TO, GROUP_DIRECTION = 0, 1, 2
GROUP_COLUMNS = 3

# Positions in `Tables.functions`.
COVER, COVER_FEW, ACTIVATE, PULL_BACK = 0, 1, 2, 3

# Codes of the activations (the order of `rnnbench.network.description.ACTIVATIONS`), of COMBINE and of the
# losses.
LINEAR, TANH, SIGMOID, RELU, SQUARE, SOFTMAX = 0, 1, 2, 3, 4, 5
SUM = 0
MSE, BINARY_CROSS_ENTROPY, CROSS_ENTROPY = 0, 1, 2


class Tables(NamedTuple):
    """A network's plan (integers; `scales` has the parameters' type).

    Attributes
    ----------
    boxes : ndarray (boxes, BOX_COLUMNS)
        Offsets `*_AT` count elements of the parameter vector; -1 where there is none. WIDTH is the
        length of a row of values. `PACKED_*_AT` and `TRANSPOSED_AT` count elements of the packed copies of
        the weights, whose rows are whole vectors: PACKED_WIDTH elements of the box they lead to (or,
        transposed, from). READ_ELSEWHERE is 1 where a box of another group reads this one, FEW_IN and
        FEW_OUT where it has so few units that dot products waste less than vectors of units: in the sum that
        enters it, and in the gradient that comes back to it.
    arrows : ndarray (arrows, ARROW_COLUMNS)
        CUT is `cut_every`, or -1 - `cut_every` where the source holds nothing but targets.
        THIN is 1 where the target has so few units that products with the matrix transposed waste less.
        Sorted so that the outer and the inner arrows of a box are two contiguous ranges.
    scales : ndarray (arrows + 1,)
        The multiple of the identity of a fixed arrow (WEIGHT_AT = -1), and behind all of them a 1.
    leaving : ndarray
        Rows of the inner arrows again, sorted by source: a range for each box.
    order : ndarray (boxes,)
        Boxes in the order of computation, stage by stage.
    stages, groups : ndarray
        Ranges of `order`, ranges of stages.
    output : int
        Row of the output box.
    fed : int
        Row of the buffer the lagged arrows out of the output read, or -1.
    packed_size, transposed_size : int
        Elements of the packed and of the transposed copies of the weights; they depend on the type.
    outer_segments : int
        Elements of `Batch.segments` that a product over a stretch of steps may use; what follows is for the
        inner arrows of a stage.
    lanes : int
        Numbers in a vector.
    functions : ndarray of int64
        Addresses of the compiled functions COVER, COVER_FEW, ACTIVATE and PULL_BACK.
    """

    boxes: np.ndarray
    arrows: np.ndarray
    scales: np.ndarray
    leaving: np.ndarray
    order: np.ndarray
    stages: np.ndarray
    groups: np.ndarray
    output: int
    fed: int
    packed_size: int
    transposed_size: int
    outer_segments: int
    lanes: int
    functions: np.ndarray


class Batch(NamedTuple):
    """The arrays of one batch of B sequences of T steps; all flat and C-ordered, time first.

    Attributes
    ----------
    steps, sequences, inputs, block : int
        T, B, I, and the number of steps a group of stages runs at a time.
    regions : ndarray of int64 (boxes,)
        Offset of each box's region in a buffer of values.
    x : ndarray (T * B * I,)
        Real inputs, or empty.
    index : ndarray (T * B,)
        One-hot inputs as indices (-1: no unit is on), or empty.
    x_before, index_before : ndarray (slots * B * I,), (slots * B,)
        The input before the first step, oldest first, or empty: zero.
    lengths : ndarray (B,)
        Steps of each sequence.
    ragged : bool
        Whether any length is below T.
    offset : ndarray (B,)
        Steps of the stream before this batch.
    known : ndarray of uint8 (T * B,)
        1 where the fed value is a constant (a target, or beyond the end).
    scored : ndarray of uint8 (T,)
        1 where some sequence's step is scored.
    alike : bool
        Whether all sequences have T steps and the same offset, so that a gate opens for all at once.
    carried : ndarray of uint8 (boxes,)
        1 where the values before the first step were given and lie in place.
    segments : ndarray of int64
        Scratch: a segment table long enough for all arrows into or out of one box, and behind it the moves
        of one stage (`rnnbench.kernels.moves`).
    """

    steps: int
    sequences: int
    inputs: int
    block: int
    regions: np.ndarray
    x: np.ndarray
    index: np.ndarray
    x_before: np.ndarray
    index_before: np.ndarray
    lengths: np.ndarray
    ragged: bool
    offset: np.ndarray
    known: np.ndarray
    scored: np.ndarray
    alike: bool
    carried: np.ndarray
    segments: np.ndarray


class Adjoint(NamedTuple):
    """The arrays of one backward pass; the last three may be empty (not wanted, nothing given).

    Attributes
    ----------
    dvalues : ndarray
        Same layout as the values: gradient of each value, overwritten by that of its pre-activation.
    dy : ndarray (T * B * O,)
        Gradient of the divergence with respect to the output's value, or (`fused`) to its pre-activation.
    fused : bool
        Whether `dy` already includes the output's activation.
    gradient : ndarray of float64 (n,)
        Gradient of the public vector.
    packed, transposed : ndarray
        Scratch: the gradient in the layout of the packed weights and, behind it, in that of the transposed
        ones, where thin arrows have theirs; the weights of each arrow, transposed.
    dx, dx_before : ndarray (T * B * I,), (slots * B * I,)
        Gradient of the input, and of the input before the first step.
    later : ndarray (sum over boxes of slots * B * width,)
        Gradient that steps after the last one pass back to the last INITIAL_SLOTS values of every box, box by
        box in the order of the tables, oldest first: what `dvalues` holds before the first step when the
        steps that follow have been passed.
    """

    dvalues: np.ndarray
    dy: np.ndarray
    fused: bool
    gradient: np.ndarray
    packed: np.ndarray
    transposed: np.ndarray
    dx: np.ndarray
    dx_before: np.ndarray
    later: np.ndarray
