"""Divergences between sequences: CTC, soft-DTW and functions of one's own, as losses of a network."""

import numpy as np
import pytest

from rnnbench.network import CTC, Arrow, Box, InputError, Network, SoftDTW
from rnnbench.network.divergences import between_sequences
from tests import naive
from tests.network import brute, textbook
from tests.network.comparing import assert_gradients, described, random_parameters

EVERY = textbook.every()
#: One network of each kind with a softmax of three outputs.
SOFTMAX = {
    "tdnn": textbook.tdnn(2, 3, 3, 2, "softmax"),
    "narx": textbook.narx(2, 3, 3, 1, 2, "softmax"),
    "jordan": textbook.jordan(2, 3, 3, 0.5, output="softmax"),
    "top_down": textbook.top_down(2, 3, 3, "softmax"),
    "elman": textbook.elman(2, 3, 3, "softmax", "learned"),
    "rnn": textbook.rnn(2, [3], 3, "softmax", "learned"),
    "in_chunks": textbook.rnn(2, [3], 3, "softmax", "learned", cut_every=3),
    "brnn": textbook.brnn(2, 3, 2, 3, "softmax", "learned"),
    "told_the_future": textbook.told_the_future(2, 3, 3, "softmax"),
    "skips": textbook.skips(2, 3, 2, 3, "softmax"),
}
#: Repeated labels, an empty target, one that just fits, one label.
LABELS = np.array([[1, -1, 2, 1], [1, -1, 1, -1], [-1, -1, 2, -1]])
LENGTHS = np.array([6, 2, 3, 4])


def outputs(rng, *shape):
    """Return softmax outputs, all positive."""
    e = np.exp(rng.normal(size=shape))
    return e / e.sum(axis=-1, keepdims=True)


def of_sequence(labels, b):
    """Return the labels of one sequence without its padding."""
    return [int(k) for k in labels[:, b] if k >= 0]


def mean_over_labels(one, y, labels, lengths):
    """Return the mean over sequences of a slow divergence over the number of labels."""
    each = [one(y[: lengths[b], b], of_sequence(labels, b)) for b in range(len(lengths))]
    return np.mean([v / max(1, len(of_sequence(labels, b))) for b, v in enumerate(each)])


def batched(function):
    """Apply a function of y (T, B, O) along the oracle's leading axes."""

    def over(y):
        flat = y.reshape(-1, *y.shape[-3:])
        return np.array([function(one) for one in flat]).reshape(y.shape[:-3])

    return over


def identity(outputs, activation="linear"):
    """Return a network whose output is its input, and its parameters."""
    net = Network([Box("y", outputs, activation, bias=False)], [Arrow("x", "y", weight=1.0)], n_in=outputs)
    return net, net.parameters(np.zeros(net.n_parameters))


def test_ctc_is_the_sum_over_all_alignments():
    rng = np.random.default_rng(0)
    y = outputs(rng, 6, 4, 3)
    net, params = identity(3, "softmax")
    found = net.sequence_losses(params, np.log(y), LABELS, "ctc", lengths=LENGTHS)
    expected = [brute.ctc(y[: LENGTHS[b], b], of_sequence(LABELS, b)) for b in range(4)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert net.loss(params, np.log(y), LABELS, "ctc", reduction="sum", lengths=LENGTHS) == pytest.approx(
        sum(expected), rel=1e-12
    )
    mean = mean_over_labels(brute.ctc, y, LABELS, LENGTHS)
    np.testing.assert_allclose(net.loss(params, np.log(y), LABELS, "ctc", lengths=LENGTHS), mean, rtol=1e-12)


def test_every_label_sequence_of_three_steps():
    """The probabilities of everything that can be written add up to 1."""
    y = outputs(np.random.default_rng(1), 3, 1, 3)
    net, params = identity(3, "softmax")
    total = 0.0
    for count in range(4):
        for number in range(2**count):
            labels = np.array([[1 + (number >> k & 1)] for k in range(count)], int).reshape(count, 1)
            value = net.sequence_losses(params, np.log(y), labels, "ctc")[0]
            np.testing.assert_allclose(value, brute.ctc(y[:, 0], labels[:, 0]), rtol=1e-12)
            total += np.exp(-value)
    np.testing.assert_allclose(total, 1.0, rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ctc_of_torch(dtype, reduction):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    T, B, K, S = 40, 5, 7, 9
    z = rng.normal(0, 3, (T, B, K)).astype(dtype)
    labels = rng.integers(1, K, (S, B))
    labels[1] = labels[0]
    lengths, counts = np.array([40, 31, 20, 40, 12]), np.array([9, 4, 9, 0, 1])
    padded = np.where(np.arange(S)[:, None] < counts, labels, -1)
    net, params = identity(K, "softmax")
    params = net.parameters(params.vector.astype(dtype))
    loss = net.loss(params, z, padded, "ctc", reduction=reduction, lengths=lengths)
    gradient = between_sequences("ctc").compare(net.forward(params, z), padded, lengths, None, reduction).dy
    theirs = torch.tensor(z, requires_grad=True)
    value = torch.nn.functional.ctc_loss(
        theirs.log_softmax(2), torch.tensor(labels.T), tuple(lengths), tuple(counts), reduction=reduction
    )
    value.backward()
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    np.testing.assert_allclose(loss, value.item(), rtol=tolerance)
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", ["narx", "top_down", "in_chunks", "brnn", "told_the_future"])
def test_gradient_of_ctc(name):
    net = SOFTMAX[name]
    rng = np.random.default_rng(3)
    params, x = random_parameters(net, rng), rng.normal(size=(6, 4, 2))
    _, gradient = net.loss_and_grad(params, x, LABELS, "ctc", lengths=LENGTHS)
    function = batched(lambda y: mean_over_labels(brute.ctc, y, LABELS, LENGTHS))
    short = dict(x=x, function=function, lengths=LENGTHS)
    expected = naive.gate_gradients(*described(net, params), **short)
    assert_gradients(gradient, expected)


def soft_dtw_mean(gamma, target, lengths, counts):
    """Return the brute-force mean over sequences."""

    def function(y):
        return np.mean(
            [
                brute.soft_dtw(y[:n, b], target[:m, b], gamma)
                for b, (n, m) in enumerate(zip(lengths, counts, strict=True))
            ]
        )

    return function


@pytest.mark.parametrize("gamma", [0.1, 1.0, 10.0])
def test_soft_dtw_is_the_soft_minimum_over_all_alignments(gamma):
    rng = np.random.default_rng(4)
    y, target = rng.normal(size=(5, 3, 2)), rng.normal(size=(4, 3, 2))
    lengths, counts = np.array([5, 1, 4]), np.array([4, 3, 1])
    target[np.arange(4)[:, None] >= counts] = np.nan
    net, params = identity(2)
    expected = soft_dtw_mean(gamma, target, lengths, counts)(y)
    for loss in (f"soft_dtw:{gamma}", SoftDTW(gamma)):
        np.testing.assert_allclose(net.loss(params, y, target, loss, lengths=lengths), expected, rtol=1e-12)
    each = net.sequence_losses(params, y, target, SoftDTW(gamma), lengths=lengths)
    np.testing.assert_allclose(each.mean(), expected, rtol=1e-12)


def test_soft_dtw_of_a_small_gamma_is_dtw():
    rng = np.random.default_rng(5)
    y, target = rng.normal(size=(40, 1, 2)), rng.normal(size=(30, 1, 2))
    net, params = identity(2)
    hard = brute.dtw(y[:, 0], target[:, 0])
    errors = [hard - net.loss(params, y, target, SoftDTW(gamma)) for gamma in (1.0, 0.1, 0.001)]
    assert errors[0] > errors[1] > errors[2] >= 0
    assert errors[2] < 1e-6 * hard
    assert net.loss(params, y, y, SoftDTW(1.0)) < 0


@pytest.mark.parametrize("name", ["narx", "rnn_in_chunks", "brnn"])
def test_gradient_of_soft_dtw(name):
    net = EVERY[name]
    rng = np.random.default_rng(6)
    params, x, target = (
        random_parameters(net, rng),
        rng.normal(size=(5, 3, 2)),
        rng.normal(size=(4, 3, net.n_out)),
    )
    lengths, counts = np.array([5, 1, 4]), np.array([4, 3, 1])
    target[np.arange(4)[:, None] >= counts] = np.nan
    _, gradient = net.loss_and_grad(params, x, target, "soft_dtw:0.5", lengths=lengths)
    function = batched(soft_dtw_mean(0.5, target, lengths, counts))
    assert_gradients(gradient, naive.gate_gradients(*described(net, params), x, function, lengths=lengths))


def squared(y, target, lengths, weight):
    """Sum of the squared error of every sequence's summed output: not a sum over steps."""
    inside = (np.arange(len(y))[:, None] < lengths)[..., None]
    error = np.where(inside, y, 0).sum(axis=0) - target
    return float((weight[:, None] * error**2).sum()), np.broadcast_to(2 * weight[:, None] * error, y.shape)


@pytest.mark.parametrize("name", ["tdnn", "narx", "elman", "rnn_order_2", "brnn", "told_the_future"])
def test_gradient_of_a_function_of_ones_own(name):
    net = EVERY[name]
    rng = np.random.default_rng(7)
    params, x, target = (
        random_parameters(net, rng),
        rng.normal(size=(6, 4, 2)),
        rng.normal(size=(4, net.n_out)),
    )
    weight = np.array([1.0, 0.0, 2.0, 0.5])
    call = dict(lengths=LENGTHS)
    value, gradient = net.loss_and_grad(params, x, target, squared, weight=weight, **call)
    function = batched(lambda y: squared(y, target, LENGTHS, weight)[0])
    np.testing.assert_allclose(value, function(net.forward(params, x, **call)), rtol=1e-12)
    np.testing.assert_allclose(net.loss(params, x, target, squared, weight=weight, **call), value, rtol=1e-12)
    assert_gradients(gradient, naive.gate_gradients(*described(net, params), x, function, **call))


def test_a_function_of_ones_own_can_be_a_loss_of_steps():
    """Written by hand, mse gives what "mse" gives, in the open loop too."""
    net = EVERY["narx"]
    rng = np.random.default_rng(8)
    params, x, target = random_parameters(net, rng), rng.normal(size=(6, 4, 2)), rng.normal(size=(6, 4, 2))

    class Mse:
        def __call__(self, y, target):
            return ((y - target) ** 2).mean(), 2 * (y - target) / y.size

    for loop in ("closed", "open", 3):
        value, gradient = net.loss_and_grad(params, x, target, "mse", loop=loop)
        own, its_gradient = net.loss_and_grad(params, x, target, Mse(), loop=loop)
        np.testing.assert_allclose(own, value, rtol=1e-12)
        np.testing.assert_allclose(its_gradient.vector, gradient.vector, rtol=1e-11, atol=1e-14)


def mixed_difference(function, y):
    """Change two steps together and each alone: 0 for every sum of terms of single steps."""
    rng = np.random.default_rng(9)
    early, late = np.zeros_like(y), np.zeros_like(y)
    early[2], late[3] = rng.normal(size=(2, *y.shape[1:]))
    return function(y + early + late) - function(y + early) - function(y + late) + function(y)


def test_the_divergence_is_not_always_a_sum():
    """A poll of the lecture: the divergence of two sequences may be the sum over steps, and need not be."""
    rng = np.random.default_rng(10)
    y, target = rng.normal(size=(6, 1, 3)), rng.normal(size=(6, 1, 3))
    linear, softmax = identity(3), identity(3, "softmax")
    steps = mixed_difference(lambda y: linear[0].loss(linear[1], y, target, "mse", reduction="sum"), y)
    assert abs(steps) < 1e-13
    labels = np.full((6, 1), 1)
    steps = mixed_difference(
        lambda y: softmax[0].loss(softmax[1], y, labels, "cross_entropy", reduction="sum"), y
    )
    assert abs(steps) < 1e-13
    warped = mixed_difference(lambda y: linear[0].loss(linear[1], y, target, "soft_dtw"), y)
    assert abs(warped) > 1e-3
    labelled = mixed_difference(lambda y: softmax[0].loss(softmax[1], y, LABELS[:, :1], "ctc"), y)
    assert abs(labelled) > 1e-3


@pytest.mark.parametrize("filler", [1e3, np.nan])
@pytest.mark.parametrize("name", [*EVERY, *(f"softmax {name}" for name in SOFTMAX)])
def test_padding_changes_nothing(name, filler):
    """What the padding of x and of the targets holds, and how long it is, changes no bit or only the last."""
    softmax = name.startswith("softmax ")
    net = SOFTMAX[name.removeprefix("softmax ")] if softmax else EVERY[name]
    rng = np.random.default_rng(11)
    params, x = random_parameters(net, rng), rng.normal(size=(8, 4, 2))
    wild = x.copy()
    wild[np.arange(8)[:, None] >= LENGTHS] = filler
    target, counts = rng.normal(size=(4, 4, net.n_out)), np.array([4, 1, 2, 3])
    target[np.arange(4)[:, None] >= counts] = np.nan
    cases = [("soft_dtw:0.5", target, counts)]
    if softmax:
        cases.append(("ctc", LABELS, (LABELS > 0).sum(axis=0)))
    for loss, wanted, its_counts in cases:
        value, gradient = net.loss_and_grad(params, x, wanted, loss, reduction="sum", lengths=LENGTHS)
        other, its_gradient = net.loss_and_grad(params, wild, wanted, loss, reduction="sum", lengths=LENGTHS)
        assert value == other
        np.testing.assert_array_equal(gradient.vector, its_gradient.vector)
        values, gradients = [], []
        for b, n in enumerate(LENGTHS):
            alone = (
                np.ascontiguousarray(x[:n, b : b + 1]),
                np.ascontiguousarray(wanted[: its_counts[b], b : b + 1]),
            )
            one, gradient_of_one = net.loss_and_grad(params, *alone, loss, reduction="sum")
            values.append(one)
            gradients.append(gradient_of_one.vector)
        np.testing.assert_allclose(value, sum(values), rtol=1e-11)
        np.testing.assert_allclose(gradient.vector, sum(gradients), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "in_chunks", "narx"])
def test_in_pieces(name, monkeypatch):
    """With memory="recompute" loss and gradient are the same."""
    monkeypatch.setattr("rnnbench.network.recompute.LEAST_ROWS", 8)
    net = SOFTMAX[name]
    rng = np.random.default_rng(12)
    params, x = random_parameters(net, rng), rng.normal(size=(23, 4, 2))
    lengths = np.array([23, 7, 15, 20])
    for loss, target in (("ctc", LABELS), ("soft_dtw", rng.normal(size=(9, 4, 3)))):
        value, gradient = net.loss_and_grad(params, x, target, loss, lengths=lengths)
        other, its_gradient = net.loss_and_grad(params, x, target, loss, lengths=lengths, memory="recompute")
        np.testing.assert_allclose(other, value, rtol=1e-12)
        np.testing.assert_allclose(its_gradient.vector, gradient.vector, rtol=1e-10, atol=1e-13)


def test_impossible_alignments():
    """Two equal labels need a blank between them: they are refused, left out or infinite, as asked for."""
    net = SOFTMAX["rnn"]
    rng = np.random.default_rng(13)
    params, x = random_parameters(net, rng), rng.normal(size=(3, 3, 2))
    labels, lengths = np.array([[1, 1, 1], [1, 2, 1], [-1, 1, -1]]), np.array([2, 3, 3])
    with pytest.raises(InputError, match=r"1 of 3 .* sequence 0: 2 labels need at least 3 steps, it has 2"):
        net.loss_and_grad(params, x, labels, "ctc", lengths=lengths)
    each = net.sequence_losses(params, x, labels, "ctc", lengths=lengths)
    assert np.isinf(each).tolist() == [True, False, False]
    value, gradient = net.loss_and_grad(params, x, labels, CTC(zero_infinity=True), lengths=lengths)
    np.testing.assert_allclose(value, (each[1] / 3 + each[2] / 2) / 3, rtol=1e-12)
    scored = np.array([0.0, 1.0, 1.0])
    _, expected = net.loss_and_grad(params, x, labels, "ctc", weight=scored, lengths=lengths)
    np.testing.assert_allclose(gradient.vector, expected.vector * 2 / 3, rtol=1e-11, atol=1e-15)
    same = net.loss_and_grad(params, x, labels, "ctc:zero_infinity", lengths=lengths)
    assert same[0] == value


def test_probabilities_that_are_zero_leave_the_loss_finite():
    net, params = identity(3, "softmax")
    params = net.parameters(params.vector.astype(np.float32))
    x = np.zeros((4, 1, 3), np.float32)
    x[..., 0] = 200.0
    value, _ = net.loss_and_grad(params, x, LABELS[:, :1], "ctc")
    assert 50 < value < 100


def test_nan_is_not_hidden():
    net, params = identity(3, "softmax")
    x = np.zeros((4, 2, 3))
    x[1, 0] = np.nan
    assert np.isnan(net.loss(params, x, LABELS[:, :2], "ctc"))
    assert not np.isfinite(net.loss(params, x, np.zeros((2, 2, 3)), "soft_dtw"))


LINES = {
    "blank": (
        np.array([[1, 0], [2, 2]]),
        "ctc",
        {},
        r"label 0 at place 0 of sequence 1; .* 1..2 \(0 is the blank",
    ),
    "too high": (np.array([[1, 1], [2, 3]]), "ctc", {}, "label 3 at place 1 of sequence 1"),
    "padding first": (
        np.array([[1, -1], [2, 2]]),
        "ctc",
        {},
        "the padding -1 before a label at place 0 of seq",
    ),
    "floats": (np.ones((2, 2)), "ctc", {}, r"target: expected \(S, 2\) integer labels"),
    "other batch": (np.ones((2, 3), int), "ctc", {}, r"target: expected \(S, 2\) integer"),
    "none": (None, "ctc", {}, "target: needed"),
    "too long": (np.array([[1, 1]] * 5), "ctc", {}, "5 labels need at least 9 steps, it has 4"),
    "longer than T": (
        np.array([[1, 1], [2, 2]]),
        "ctc",
        {"lengths": np.array([4, 5])},
        "lengths: must lie in 1..4",
    ),
    "step weights": (np.array([[1, 1]]), "ctc", {"weight": np.ones((4, 2))}, r"weight: expected \(2,\)"),
    "no weight": (np.array([[1, 1]]), "ctc", {"weight": np.zeros(2)}, "no sequence is scored"),
    "option": (np.array([[1, 1]]), "ctc:zero", {}, "must be 'ctc' or 'ctc:zero_infinity'"),
    "gamma": (np.ones((2, 2, 3)), "soft_dtw:0", {}, "with gamma, a number above 0"),
    "no gamma": (np.ones((2, 2, 3)), "soft_dtw:x", {}, "with gamma, a number above 0"),
    "gap": (
        np.array([[[1.0]], [[np.nan]], [[1.0]]]).repeat(2, 1).repeat(3, 2),
        "soft_dtw",
        {},
        "sequence 0 has no",
    ),
    "empty": (np.full((2, 2, 3), np.nan), "soft_dtw", {}, "sequence 0 has no step"),
    "outputs": (np.ones((2, 2, 2)), "soft_dtw", {}, r"target: expected \(S, 2, 3\) floating"),
    "no tuple": (None, lambda y, d: 1.0, {}, r"must return \(value, dy\); returned a float"),
    "no number": (None, lambda y, d: (y, y), {}, "the value must be one number; returned shape"),
    "no array": (None, lambda y, d: (1.0, 1.0), {}, r"dy must be \(4, 2, 3\) floating.*; returned a float"),
    "wrong shape": (None, lambda y, d: (1.0, y[:1]), {}, r"dy must be .* returned shape \(1, 2, 3\)"),
    "integers": (None, lambda y, d: (1.0, y.astype(int)), {}, r"dy must be .* dtype int64"),
    "no loss": (np.ones((4, 2, 3)), "mae", {}, "must be one of mse, .*, ctc, soft_dtw, or a function"),
    "nothing": (np.ones((4, 2, 3)), 3, {}, "must be a name"),
}


@pytest.mark.parametrize("case", LINES)
def test_bad_input_is_one_line(case):
    target, loss, call, line = LINES[case]
    net = SOFTMAX["rnn"]
    target = np.zeros(0) if target is None and callable(loss) else target
    with pytest.raises(ValueError, match=line) as caught:
        net.loss_and_grad(net.init(dtype=np.float64), np.zeros((4, 2, 2)), target, loss, **call)
    assert "\n" not in str(caught.value)


def test_what_a_divergence_does_not_fit_is_refused():
    net, recurrent = EVERY["rnn"], SOFTMAX["narx"]
    x = np.zeros((4, 2, 2), np.float32)
    with pytest.raises(ValueError, match="needs a softmax output; box y is linear"):
        net.loss(net.init(), x, LABELS[:1, :2], "ctc")
    with pytest.raises(ValueError, match="feeds targets back, but those of loss='ctc' belong to no step"):
        recurrent.loss(recurrent.init(), x, np.array([[1, 1]]), "ctc", loop="open")
    with pytest.raises(ValueError, match="a block is for losses of single steps"):
        recurrent.training_block(x, np.array([[1, 1]]), "ctc")
    with pytest.raises(ValueError, match="is of single steps"):
        net.sequence_losses(net.init(), x, x, "mse")
