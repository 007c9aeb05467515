"""What holds for every task that is found."""

import dataclasses
import json
import math

import numpy as np
import pytest
from omegaconf import OmegaConf

from rnnbench import tasks
from rnnbench.checking import check_task
from rnnbench.models.rnn import RNN
from rnnbench.tasks.contract import Batch, mean_loss, scored
from tests.tasks.conftest import FORMS, WHOLE
from tests.tasks.predicting import Knowing, constant, perfect, wild

DRAWN_ONCE = {"example3", "hello", "plan", "sunspots", "xor"}
#: Validation and test data are parts of a file.
OF_A_FILE = {"csv", "text"}


def rng(seed=0):
    return np.random.default_rng(seed)


def same(a: Batch, b: Batch) -> bool:
    return all(p is q or (p.dtype == q.dtype and np.array_equal(p, q)) for p, q in zip(a, b, strict=True))


def test_every_task_found_is_among_the_forms_tested_here():
    assert set(tasks.found()) == {name for name, _ in FORMS.values()} | WHOLE


# The whole text at once cannot be had longer.
@pytest.mark.parametrize("form", [form for form in (*FORMS, *WHOLE) if form != "text-long"])
def test_every_task_keeps_the_contracts(form, files):
    name, fields = FORMS.get(form, (form, {}))
    task = tasks.found()[name](**fields, **files.get(name, {}))
    findings = check_task(task)
    assert [str(finding) for finding in findings if not finding.holds] == []
    assert len(findings) == 12 + task.streams


def test_other_generators_give_other_data_unless_the_data_are_fixed(task):
    fixed = same(task.training(rng(0), 8), task.training(rng(1), 8))
    whole = "ahead" in task.label or "T=10000" in task.label
    assert fixed == (task.name in DRAWN_ONCE or whole)
    if not fixed and task.name not in OF_A_FILE:
        assert not same(task.test(rng(0)), task.test(rng(1)))


def test_another_constant_is_worse_than_the_best(task):
    batch = task.test(rng())
    y = constant(task, batch)
    assert mean_loss(y, batch, task.loss) == pytest.approx(task.constant_loss(batch), rel=1e-6)
    other = y * 0.9 + (0.1 / task.n_out if task.loss == "cross_entropy" else 0.02)
    assert mean_loss(other, batch, task.loss) > task.constant_loss(batch)


def test_wild_outputs_are_no_solution(task):
    batch = task.validation(rng())
    assert not task.solved(wild(task, batch), batch) or task.name == "hello"


def test_floors_can_be_written_as_json_and_name_a_loop_of_the_task(task):
    floors = task.floors(rng(3))
    json.dumps([f._asdict() for f in floors], allow_nan=False)
    assert all(f.loop == "closed" or task.open_loop or task.name == "csv" for f in floors)


def test_refusals_name_the_task_and_a_way_out(task):
    assert task.refusal(causal=True, loop="closed") == ""
    for causal, loop in ((False, "closed"), (True, "open"), (True, 7)):
        text = task.refusal(causal=causal, loop=loop)
        refused = (loop != "closed" and not task.open_loop) or (not causal and task.causal_only)
        assert bool(text) == refused
        assert not text or (f"task={task.name}" in text and "use " in text and "\n" not in text)


def test_labels_are_short_and_tell_forms_apart(files):
    labels = []
    for name, fields in FORMS.values():
        labels.append(tasks.found()[name](**fields, **files.get(name, {})).label)
    assert len(set(labels)) == len(labels) and max(map(len, labels)) < 40


def test_whole_number_fields_are_checked_by_name(plain_task):
    for field in dataclasses.fields(plain_task):
        if field.type is int:
            for value in (-(10**9), 1.5, "many", None, True):
                with pytest.raises(
                    ValueError, match=rf"^task\.{field.name}=.*must be a whole number (of at least|from)"
                ) as error:
                    dataclasses.replace(plain_task, **{field.name: value})
                assert "\n" not in str(error.value)


def test_fields_are_what_a_structured_config_can_hold(plain_task):
    config = OmegaConf.merge(OmegaConf.structured(type(plain_task)), dataclasses.asdict(plain_task))
    made = OmegaConf.to_object(config)
    assert type(made) is type(plain_task) and dataclasses.asdict(made) == dataclasses.asdict(plain_task)
    json.dumps(dataclasses.asdict(plain_task))


def test_docstrings_say_what_is_needed(plain_task):
    text = type(plain_task).__doc__
    for section in ("Parameters", "Examples"):
        assert f"    {section}\n    ---" in text
    for field in dataclasses.fields(plain_task):
        assert f" {field.name}" in text.split("Parameters\n")[1]
    if plain_task.name != "csv":
        assert "    References\n    ---" in text
    assert isinstance(type(plain_task).VERSION, int)


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


def test_an_example_needs_no_file_of_the_users(plain_task, tmp_path):
    made = type(plain_task).example(tmp_path)
    assert type(made) is type(plain_task)
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


def test_at_another_span_only_the_span_is_another(plain_task):
    task = plain_task
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
    assert longest[0] < longest[1]
    assert same(task.at(task.span).test(rng()), task.test(rng()))
    with pytest.raises(ValueError, match=rf"^task\.{task.SPAN}=0: must be a whole number of at least \d+$"):
        task.at(0)


def test_a_longer_span_of_a_whole_sequence_task():
    task = tasks.found()["spoken"]()
    assert task.at(9).most == 9 and task.at(9).fewest == task.fewest
    assert task.at(9).test(rng()).target.shape[0] == 9
    with pytest.raises(ValueError, match=r"^task\.most=1: must be a whole number of at least 2$"):
        task.at(1)
