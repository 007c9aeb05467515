"""What holds for every task that is found."""

import dataclasses
import json
import math

import numpy as np
import pytest
from omegaconf import OmegaConf

from rnnbench import tasks
from rnnbench.models.rnn import RNN
from rnnbench.tasks.contract import Batch, Floor, mean_loss, scored
from tests.tasks.conftest import FORMS, WHOLE
from tests.tasks.predicting import Knowing, constant, perfect, wild

DRAWN_ONCE = {"example3", "hello", "plan", "sunspots", "xor"}
#: Validation and test data are parts of a file.
OF_A_FILE = {"csv", "text"}


def rng(seed=0):
    return np.random.default_rng(seed)


def batches(task, seed=0):
    return [task.training(rng(seed), 8), task.validation(rng(seed + 1)), task.test(rng(seed + 2))]


def same(a: Batch, b: Batch) -> bool:
    return all(p is q or (p.dtype == q.dtype and np.array_equal(p, q)) for p, q in zip(a, b, strict=True))


def test_every_task_found_is_among_the_forms_tested_here():
    assert set(tasks.found()) == {name for name, _ in FORMS.values()} | WHOLE


def test_shapes_and_types(task):
    for batch in batches(task):
        steps, size = batch.weight.shape
        assert (
            batch.weight.dtype == np.float32 and np.isfinite(batch.weight).all() and (batch.weight >= 0).all()
        )
        if batch.x.ndim == 2:
            assert batch.x.dtype == np.int64 and batch.x.shape == (steps, size)
            assert batch.x.min() >= 0 and batch.x.max() < task.n_in
        else:
            assert batch.x.dtype == np.float32 and batch.x.shape == (steps, size, task.n_in)
            assert np.isfinite(batch.x).all()
        if task.loss == "cross_entropy":
            assert batch.target.dtype == np.int64 and batch.target.shape == (steps, size)
            assert batch.target.min() >= 0 and batch.target.max() < task.n_out
        else:
            assert batch.target.dtype == np.float32 and batch.target.shape == (steps, size, task.n_out)
        assert all(a is None or a.flags.c_contiguous for a in batch)
        assert scored(batch).any()


def test_nothing_lies_beyond_the_end_of_a_sequence(task):
    for batch in batches(task):
        if batch.lengths is None:
            continue
        steps, size = batch.weight.shape
        assert batch.lengths.dtype == np.int64 and batch.lengths.shape == (size,)
        assert batch.lengths.min() >= 1 and batch.lengths.max() <= steps
        beyond = np.arange(steps)[:, None] >= batch.lengths
        assert not batch.weight[beyond].any() and not batch.x[beyond].any() and not batch.target[beyond].any()


def test_size_is_what_was_asked_for_unless_the_data_are_fixed(task):
    sizes = {task.training(rng(), size).weight.shape[1] for size in (1, 3, 8)}
    assert sizes == {1, 3, 8} or len(sizes) == 1


def test_the_same_generator_gives_the_same_data_whatever_was_drawn_before(task):
    first = batches(task)
    task.training(rng(99), 5)
    task.floors(rng(98))
    again = batches(dataclasses.replace(task))
    assert all(same(a, b) for a, b in zip(first, again, strict=True))


def test_other_generators_give_other_data_unless_the_data_are_fixed(task):
    fixed = same(task.training(rng(0), 8), task.training(rng(1), 8))
    whole = "ahead" in task.label or "T=10000" in task.label
    assert fixed == (task.name in DRAWN_ONCE or whole)
    if not fixed and task.name not in OF_A_FILE:
        assert not same(task.test(rng(0)), task.test(rng(1)))


def test_a_batch_may_be_overwritten(task):
    before = task.training(rng(), 4)
    kept = [None if a is None else a.copy() for a in before]
    for array in before:
        if array is not None:
            array[...] = 1
    assert same(task.training(rng(), 4), Batch(*kept))


def test_the_right_answers_score_one_and_solve(task):
    batch = task.validation(rng())
    assert task.score(perfect(task, batch), batch) == pytest.approx(1.0, abs=1e-12)
    assert task.solved(perfect(task, batch), batch)


def test_steps_that_are_not_scored_change_nothing(task):
    batch = task.test(rng())
    a, b = perfect(task, batch, 1), perfect(task, batch, 2)
    if not scored(batch).all():
        assert not np.array_equal(a, b)
    assert task.score(a, batch) == task.score(b, batch)
    assert mean_loss(a, batch, task.loss) == mean_loss(b, batch, task.loss)


def test_the_best_constant_is_the_zero_of_the_score(task):
    batch = task.test(rng())
    y = constant(task, batch)
    assert mean_loss(y, batch, task.loss) == pytest.approx(task.constant_loss(batch), rel=1e-6)
    floor = task.floors(rng(1))[0]
    if task.loss == "mse" and task.name != "latch":
        assert task.score(y, batch) == pytest.approx(0.0, abs=1e-6) and floor.score == 0.0
    # A larger or smaller constant is worse: the loss is the least a constant can have.
    other = y * 0.9 + (0.1 / task.n_out if task.loss == "cross_entropy" else 0.02)
    assert mean_loss(other, batch, task.loss) > task.constant_loss(batch)
    assert not task.solved(y, batch)


def test_the_first_floor_is_the_constant_that_the_data_show(task):
    floor = next(f for f in task.floors(rng(1)) if f.name in ("best constant", "chance"))
    batch = task.test(rng(2))
    if task.name == "example3" or task.name == "hello":
        floor = task.floors(rng(1))[1]
    if floor.loss is not None:
        tolerance = 1e-9 if floor.loop == "both" else 0.05
        assert floor.loss == pytest.approx(task.constant_loss(batch), rel=max(tolerance, 1e-6))


def test_wild_or_missing_outputs_are_no_solution(task):
    batch = task.validation(rng())
    y = perfect(task, batch)
    y[...] = np.nan
    assert not task.solved(y, batch)
    assert not task.score(y, batch) > 0.0
    assert not task.solved(wild(task, batch), batch) or task.name == "hello"


def test_floors_are_plain_and_repeatable(task):
    floors = task.floors(rng(3))
    assert floors == task.floors(rng(3)) and all(isinstance(f, Floor) for f in floors)
    json.dumps([f._asdict() for f in floors], allow_nan=False)
    for floor in floors:
        assert type(floor.score) is float and floor.score <= 1.0
        assert floor.loss is None or (type(floor.loss) is float and floor.loss >= 0.0)
        assert floor.loop in ("closed", "open", "both")
        assert floor.how and "\n" not in floor.how
        assert floor.loop == "closed" or task.open_loop or task.name == "csv"
    assert len({f.name for f in floors}) == len(floors)


def test_refusals_name_the_task_and_a_way_out(task):
    assert task.refusal(causal=True, loop="closed") == ""
    for causal, loop in ((False, "closed"), (True, "open"), (True, 7)):
        text = task.refusal(causal=causal, loop=loop)
        refused = (loop != "closed" and not task.open_loop) or (not causal and task.causal_only)
        assert bool(text) == refused
        assert not text or (f"task={task.name}" in text and "use " in text and "\n" not in text)


def test_the_loss_has_its_activation(task):
    expected = {"mse": "linear", "binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}
    assert task.output_activation == expected[task.loss]


def test_labels_are_short_and_tell_forms_apart(files):
    labels = []
    for name, fields in FORMS.values():
        labels.append(tasks.found()[name](**fields, **files.get(name, {})).label)
    assert len(set(labels)) == len(labels) and max(map(len, labels)) < 40


def test_whole_number_fields_are_checked_by_name(task):
    for field in dataclasses.fields(task):
        if field.type is int:
            for value in (-(10**9), 1.5, "many", None, True):
                with pytest.raises(
                    ValueError, match=rf"^task\.{field.name}=.*must be.*(at least|between)"
                ) as error:
                    dataclasses.replace(task, **{field.name: value})
                assert "\n" not in str(error.value)


def test_fields_are_what_a_structured_config_can_hold(task):
    config = OmegaConf.merge(OmegaConf.structured(type(task)), dataclasses.asdict(task))
    made = OmegaConf.to_object(config)
    assert type(made) is type(task) and dataclasses.asdict(made) == dataclasses.asdict(task)
    json.dumps(dataclasses.asdict(task))


def test_docstrings_say_what_is_needed(task):
    text = type(task).__doc__
    for section in ("Parameters", "Examples"):
        assert f"    {section}\n    ---" in text
    for field in dataclasses.fields(task):
        assert f" {field.name}" in text.split("Parameters\n")[1]
    if task.name != "csv":
        assert "    References\n    ---" in text
    assert isinstance(type(task).VERSION, int)


def test_extra_scores_are_floats_by_name(task):
    batch = task.test(rng())
    y = perfect(task, batch)
    first = int(np.flatnonzero(scored(batch)[:, 0])[0])
    net = params = Knowing(y, batch.target if task.loss == "cross_entropy" else y[first:])
    if task.name == "text":  # is not content with the outputs on this batch
        net = RNN(hidden=4).build(task.n_in, task.n_out, task.output_activation)
        params = net.init()
    for name, value in task.extra_scores(net, params, batch).items():
        assert name.isidentifier() and type(value) is float and math.isfinite(value)


def test_columns_say_what_a_file_must_hold(task):
    columns = json.loads(json.dumps(task.columns(), allow_nan=False))
    inputs, targets = columns["inputs"], columns["targets"]
    symbols = task.training(rng(), 1).x.ndim == 2
    assert len(inputs) == (1 if symbols else task.n_in)
    assert len(targets) == (1 if task.loss == "cross_entropy" else task.n_out)
    assert columns["horizon"] == (1 if task.name == "sunspots" else getattr(task, "horizon", 0))
    if "alphabet" in columns:
        assert len(set(columns["alphabet"])) == len(columns["alphabet"]) == task.n_in == task.n_out
        assert columns["start"] in columns["alphabet"] and len(columns["start"]) == 1
    for column in [*inputs, *targets]:
        assert set(column) in ({"name", "symbols"}, {"name", "mean", "unit"})
        assert column.get("unit", 1.0) > 0.0


def test_an_example_needs_no_file_of_the_users(task, tmp_path):
    made = type(task).example(tmp_path)
    assert type(made) is type(task)
    assert (made.name in OF_A_FILE) == bool(list(tmp_path.iterdir()))


#: The field that says how long it is, of those tasks that can be had longer.
SPANS = {
    "adding": "length",
    "copy": "length",
    "echo": "length",
    "flipflop": "evaluated",
    "latch": "length",
    "spoken": "most",
    "temporal_order": "length",
    "text": "length",
    "window": "length",
}


def test_spans_are_known():
    assert {name: kind.SPAN for name, kind in tasks.found().items() if kind.SPAN} == SPANS


def test_at_another_span_only_the_span_is_another(task):
    if not task.SPAN:
        assert task.span is None
        with pytest.raises(
            ValueError, match=f"^task={task.name}: has no length or span that could be changed$"
        ):
            task.at(50)
        return
    assert task.span == getattr(task, task.SPAN)
    longer = task.at(2 * task.span)
    assert type(longer) is type(task) and longer.span == 2 * task.span
    fields = {field.name for field in dataclasses.fields(task)} - {task.SPAN}
    assert all(getattr(longer, name) == getattr(task, name) for name in fields)
    assert (longer.n_in, longer.n_out, longer.loss) == (task.n_in, task.n_out, task.loss)
    longest = [len(one.test(rng()).x) for one in (task, longer)]
    assert longest[0] < longest[1] or "T=10000" in task.label
    assert same(task.at(task.span).test(rng()), task.test(rng()))
    with pytest.raises(ValueError, match=rf"^task\.{task.SPAN}=0: must be at least \d+$"):
        task.at(0)


def test_a_longer_span_of_a_whole_sequence_task():
    task = tasks.found()["spoken"]()
    assert task.at(9).most == 9 and task.at(9).fewest == task.fewest
    assert task.at(9).test(rng()).target.shape[0] == 9
    with pytest.raises(ValueError, match=r"^task\.most=1: must be at least 2$"):
        task.at(1)
