"""Blocks of updates in one call give the bits, the errors and the end of one update after another."""

import math
from dataclasses import dataclass

import numpy as np
import pytest

from rnnbench.models.narx import NARX
from rnnbench.models.rnn import RNN
from rnnbench.network import InputError, Network
from rnnbench.tasks.contract import Batch
from rnnbench.training import blocks as blocks_module
from rnnbench.training import descent as descent_module
from rnnbench.training import drain, fit, optimiser
from rnnbench.training.batches import scored_values
from rnnbench.training.blocks import BLOCK_BYTES, Blocks, updates_of_block
from rnnbench.training.descent import Descent
from tests.network import textbook
from tests.training.small_tasks import Changing, Delay, Symbols, Uneven
from tests.training.test_fit import bits

NETWORKS = textbook.every()
COUNT, T, B = 7, 5, 3
#: loss, kind of input, known: "all", "some" (by weight and NaN), "last"; ragged.
DATA = [
    ("mse", "real", "all", False),
    ("mse", "real", "some", True),
    ("mse", "one-hot", "last", False),
    ("binary_cross_entropy", "one-hot", "some", True),
    ("cross_entropy", "real", "some", False),
    ("cross_entropy", "one-hot", "some", True),
]


def with_output(net, loss):
    """The network with the output's activation that belongs to the loss."""
    plain = net.to_dict()
    for box in plain["boxes"]:
        if box["name"] == net.output:
            box["activation"] = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}.get(
                loss, box["activation"]
            )
    return Network.from_dict(plain)


def draw(net, loss, kind, known, ragged, rng, dtype):
    """Draw a batch; some batches know all their targets, some do not."""
    lengths = rng.integers(1, T + 1, B) if ragged and rng.uniform() < 0.7 else None
    one_hot = rng.integers(0, net.n_in, (T, B))
    x = one_hot if kind == "one-hot" else rng.normal(size=(T, B, net.n_in)).astype(dtype)
    weight = rng.choice([0.5, 1.0, 2.0], (T, B)).astype(dtype)
    target = rng.uniform(0.1, 0.9, (T, B, net.n_out)).astype(dtype)
    if known == "last":
        weight[:-1] = 0
    if known == "some" and rng.uniform() < 0.6:
        weight[rng.uniform(size=(T, B)) < 0.3] = 0
        target[rng.uniform(size=(T, B)) < 0.2] = np.nan
    weight[0, 0], target[0, 0] = 1.0, 0.5
    if lengths is not None and kind == "real":
        x[np.arange(T)[:, None] >= lengths] = np.nan
    if loss == "cross_entropy":
        target = rng.integers(0, net.n_out, (T, B))
    return Batch(x, target, weight, lengths)


def one_by_one(net, params, batches, updates, loss, loop, reduction):
    """Loss, norm and whether it was clipped of each update, by the calls of a user."""
    found = []
    for x, target, weight, lengths in batches:
        value, gradient = net.loss_and_grad(params, x, target, loss, weight, loop, reduction, lengths=lengths)
        found.append((value, *updates(params.vector, gradient.vector)))
    return found


def filled(net, batches, loss, loop, reduction, dtype):
    """A block with these batches in it."""
    x, target, weight, lengths = batches[0]
    block = net.training_block(
        x, target, loss, weight, loop, reduction, lengths=lengths, dtype=dtype, capacity=len(batches)
    )
    assert all(block.add(*batch) for batch in batches)
    assert not block.add(*batches[0])
    return block


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_bits_of_one_update_after_another(name, dtype):
    rules = ["sgd", "adam", "rprop", "rmsprop"]
    for number, data in enumerate(DATA):
        net = with_output(NETWORKS[name], data[0])
        rng = np.random.default_rng(number)
        batches = [draw(net, *data, rng, dtype) for _ in range(COUNT)]
        for turn, loop in enumerate(("closed", "open", 2)):
            reduction = ("mean", "sum")[(number + turn) % 2]
            rule = optimiser(rules[(number + turn) % 4], lr=0.05)
            bounds = ((0.3, math.inf), (math.inf, math.inf), (0.5, 0.05))[turn]
            one, other = (net.init(seed=number, dtype=dtype) for _ in range(2))
            each, together = (rule.start(one.vector.size, dtype, *bounds) for _ in range(2))
            expected = one_by_one(net, one, batches, each, data[0], loop, reduction)
            block = filled(net, batches, data[0], loop, reduction, dtype)
            done = block.update(other, together.rule_of_block())
            assert (done.stop, done.finite) == (COUNT, True)
            assert list(zip(*done[2:], strict=True)) == expected, (data, loop)
            assert other.vector.tobytes() == one.vector.tobytes(), (data, loop)
            assert together.state.tobytes() == each.state.tobytes()


def test_labels_are_fed_back_and_the_plan_changes_within_a_block():
    net = NETWORKS["narx"]
    rng = np.random.default_rng(0)
    batches = [draw(net, "mse", "real", "all", False, rng, np.float32) for _ in range(6)]
    for number in (1, 2, 5):
        batches[number].weight[2, 1] = 0
    one, other = net.init(0), net.init(0)
    each, together = (optimiser("adam").start(one.vector.size, np.float32) for _ in range(2))
    expected = one_by_one(net, one, batches, each, "mse", "open", "mean")
    done = filled(net, batches, "mse", "open", "mean", np.float32).update(other, together.rule_of_block())
    assert list(zip(*done[2:], strict=True)) == expected
    assert other.vector.tobytes() == one.vector.tobytes()


def test_a_block_may_be_continued_and_used_again():
    net = NETWORKS["rnn"]
    rng = np.random.default_rng(1)
    batches = [draw(net, "mse", "real", "all", False, rng, np.float64) for _ in range(5)]
    one, other = (net.init(0, dtype=np.float64) for _ in range(2))
    each, together = (optimiser("adam").start(one.vector.size, np.float64) for _ in range(2))
    block = filled(net, batches[:3], "mse", "closed", "mean", np.float64)
    block.update(other, together.rule_of_block())
    block.clear()
    assert block.add(*batches[3]) and block.add(*batches[4])
    # Another call of the same thread and shape carries values in, in between.
    _, state = net.forward(other, batches[0].x, return_state=True)
    net.forward(other, batches[0].x, state=state)
    block.update(other, together.rule_of_block(), step=4)
    one_by_one(net, one, batches, each, "mse", "closed", "mean")
    assert other.vector.tobytes() == one.vector.tobytes()


def test_it_stops_at_what_is_not_finite_and_leaves_that_update_out():
    net = NETWORKS["rnn"]
    rng = np.random.default_rng(0)
    batches = [draw(net, "mse", "real", "all", False, rng, np.float32) for _ in range(5)]
    batches[2].x[1, 1] = np.nan
    one, other = net.init(0), net.init(0)
    each, together = (optimiser("adam").start(one.vector.size, np.float32) for _ in range(2))
    one_by_one(net, one, batches[:2], each, "mse", "closed", "mean")
    done = filled(net, batches, "mse", "closed", "mean", np.float32).update(other, together.rule_of_block())
    assert (done.stop, done.finite, len(done.loss)) == (3, False, 3)
    assert math.isnan(done.loss[2]) and math.isnan(done.norm[2])
    assert other.vector.tobytes() == one.vector.tobytes()
    assert together.state.tobytes() == each.state.tobytes()


@dataclass
class Spoilt(Symbols):
    """One thing wrong with the fourth batch."""

    what: str = ""
    drawn: int = 0

    def training(self, rng, size):
        """Draw, and spoil the fourth."""
        self.drawn += 1
        x, target, weight, lengths = self.draw(rng, size)
        if self.drawn == 4 and self.what == "weight":
            weight[2, 1] = -1
        elif self.drawn == 4 and self.what == "label":
            target[2, 1] = 3
        elif self.drawn == 4 and self.what == "no weight":
            weight[:] = 0
        elif self.drawn == 4 and self.what == "index":
            x[2, 1] = 3
        elif self.drawn == 4 and self.what == "length":
            lengths = np.full(size, 9)
        elif self.drawn == 4 and self.what == "shape":
            x = x[:-1]
        elif self.drawn == 4 and self.what == "type":
            target = target.astype(np.float32)
        return Batch(x, target, weight, lengths)


def old_descent(net, task, params, updates, count, batch=4, loop="closed"):
    """The parameters after so many updates one by one, or the message of the error that ends them."""
    rng = np.random.default_rng(3)
    try:
        for _ in range(count):
            x, target, weight, lengths = task.training(rng, batch)
            _, gradient = net.loss_and_grad(params, x, target, task.loss, weight, loop, lengths=lengths)
            updates(params.vector, gradient.vector)
    except InputError as error:
        return str(error)
    return params.vector.tobytes()


@pytest.mark.parametrize("what", ["weight", "label", "no weight", "index", "length", "shape", "type"])
def test_a_bad_batch_is_the_error_it_was(what):
    net = RNN(hidden=4).build(3, 3, "softmax")
    one, other = net.init(0), net.init(0)
    each, together = (optimiser("adam").start(one.vector.size, np.float32) for _ in range(2))
    message = old_descent(net, Spoilt(what=what), one, each, 8)
    assert isinstance(message, str)
    run = descent(net, Spoilt(what=what), other, together)
    with pytest.raises(InputError) as refusal:
        run.advance(8)
    assert str(refusal.value) == message
    # What was right before it has been learned.
    assert other.vector.tobytes() == one.vector.tobytes()


def descent(net, task, params, updates, constant_loss=0.0, **keywords):
    return Descent(
        net, params, task, updates, np.random.default_rng(3),
        **{"batch": 4, "loop": "closed", "reduction": "mean", "memory": "full"}
        | {"constant_loss": constant_loss} | keywords,
    )  # fmt: skip


@pytest.mark.parametrize(("task", "loop"), [(Changing(), "closed"), (Uneven(), "open"), (Uneven(), 2)])
def test_shapes_and_knowledge_may_change_from_batch_to_batch(task, loop):
    net = NARX(hidden=4).build(1, 1)
    one, other = net.init(0), net.init(0)
    each, together = (optimiser("adam").start(one.vector.size, np.float32) for _ in range(2))
    expected = old_descent(net, task, one, each, 30, loop=loop)
    run = descent(net, task, other, together, loop=loop)
    for count in (1, 9, 20):
        run.advance(count)
    assert run.done == 30 and together.step == each.step == 30
    assert other.vector.tobytes() == expected


def smoothed_losses(net, task, params, updates, most, highest=math.inf):
    """The smoothed losses of update after update, by the rule written out, up to a divergence."""
    rng, smoothed, too_high = np.random.default_rng(3), [], 0
    while len(smoothed) < most and too_high < 100:
        batch = task.training(rng, 4)
        loss, gradient = net.loss_and_grad(params, batch.x, batch.target, "mse", batch.weight)
        updates(params.vector, gradient.vector)
        smoothed.append(smoothed[-1] + 0.1 * (loss - smoothed[-1]) if smoothed else loss)
        too_high = too_high + 1 if smoothed[-1] > highest else 0
    return smoothed


@pytest.mark.parametrize("stretch", [7, 1000])
def test_the_watch_ends_at_the_same_update(stretch):
    net, task = RNN(hidden=4).build(1, 1), Delay()
    sgd = optimiser("sgd", lr=1e-4)
    params = net.init(0)
    all_of_them = smoothed_losses(net, task, params, sgd.start(params.vector.size, np.float32), 200)
    ends = set()
    # Only a loss that is not above the bound begins the count anew: its minima, rounding left out.
    for minimum in sorted(set(np.minimum.accumulate(all_of_them)))[::2]:
        constant_loss = float(minimum) * 1.000001 / 100
        one, other = net.init(0), net.init(0)
        each, together = (sgd.start(one.vector.size, np.float32) for _ in range(2))
        end = len(smoothed_losses(net, task, one, each, 200, 100 * constant_loss))
        run = descent(net, task, other, together, constant_loss)
        while run.done < 200 and not run.diverged:
            run.advance(min(stretch, 200 - run.done))
        assert (run.done, run.diverged) == (end, end < 200)
        assert other.vector.tobytes() == one.vector.tobytes()
        ends.add(end)
    assert len(ends - {100, 200}) >= 1, ends


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_size_of_a_block_changes_no_bit(monkeypatch, reduction):
    results = []
    for count in (1, 3, 1000):
        monkeypatch.setattr(blocks_module, "updates_of_block", lambda net, batch, count=count: count)
        task = Uneven()
        net = NARX(hidden=4).build(1, 1)
        results.append(
            drain(fit(net, task, updates=35, batch=4, evaluate_every=10, lr=0.02, reduction=reduction))
        )
    assert bits(results[0]) == bits(results[1]) == bits(results[2])


def test_a_sum_is_recorded_as_a_mean():
    task, net = Uneven(), RNN(hidden=3).build(1, 1)
    params = net.init(0)
    run = descent(
        net, task, params, optimiser("sgd", lr=0.0).start(params.vector.size, np.float32), reduction="sum"
    )
    rng, losses = np.random.default_rng(3), []
    for _ in range(5):
        batch = task.training(rng, 4)
        loss = net.loss(
            params, batch.x, batch.target, "mse", batch.weight, reduction="sum", lengths=batch.lengths
        )
        losses.append(loss / scored_values(batch))
    assert run.advance(5).loss == sum(losses) / 5


def test_blocks_keep_to_their_size_and_never_cross_what_was_asked_for():
    net, task = RNN(hidden=4).build(1, 1), Delay()
    drawn = Blocks(
        net, task, np.random.default_rng(0), batch=4, loop="closed", reduction="mean", dtype=np.dtype("f4")
    )
    assert len(drawn.draw(9).batches) == 9
    assert len(drawn.draw(1).batches) == 1
    block, batches = drawn.draw(100_000)
    assert len(batches) == block.filled == block.capacity == updates_of_block(net, batches[0])
    assert 100 < block.capacity * sum(array.nbytes for array in batches[0][:3]) < BLOCK_BYTES
    long = Delay(length=1000).training(np.random.default_rng(0), 60)
    assert updates_of_block(RNN(hidden=8).build(1, 1), long) > 1
    assert updates_of_block(RNN(hidden=512).build(1, 1), long) == 1


def test_data_and_training_are_timed_apart(monkeypatch):
    now = [0.0]

    class Slow(Delay):
        def training(self, rng, size):
            now[0] += 1.0
            return super().training(rng, size)

    monkeypatch.setattr(descent_module, "perf_counter", lambda: now[0])
    net = RNN(hidden=3).build(1, 1)
    params = net.init(0)
    run = descent(net, Slow(), params, optimiser("sgd").start(params.vector.size, np.float32))
    run.advance(7)
    assert (run.data_seconds, run.train_seconds) == (7.0, 0.0)


def test_a_block_wants_parameters_it_can_write():
    net = NETWORKS["rnn"]
    rng = np.random.default_rng(0)
    block = filled(net, [draw(net, *DATA[0], rng, np.float32)], "mse", "closed", "mean", np.float32)
    rule = optimiser("sgd").start(net.n_parameters, np.float32).rule_of_block()
    fixed = net.init(0)
    fixed.vector.flags.writeable = False
    for params in (fixed, net.init(0, dtype=np.float64)):
        with pytest.raises(InputError, match="params: expected a writable float32 vector"):
            block.update(params, rule)
    for other in (optimiser("adam").start(3, np.float32), optimiser("adam").start(net.n_parameters, float)):
        with pytest.raises(InputError, match="rule: expected the state of"):
            block.update(net.init(0), other.rule_of_block())
