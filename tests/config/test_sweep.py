"""From grids and a command line to configurations."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from rnnbench.base.refusals import Refused
from rnnbench.config.composition import Sweep
from rnnbench.config.grids import expand, read_sweep
from rnnbench.config.overrides import Reader, as_text, choices_of

OPTIONS = {
    "model": ["elman", "rnn", "tdnn"],
    "task": ["adding", "sunspots", "window"],
    "experiment": ["demo"],
}
read = Reader(OverridesParser.create(), OPTIONS)


def lines(sweep, *given):
    grids = read_sweep(Sweep(sweep, {}, False), "demo", read)
    return [" ".join(line) for line in expand(grids, [read(text) for text in given])]


def test_command_line_alone():
    assert lines(None) == [""]
    assert lines(None, "model=elman", "task.length=20") == ["model=elman task.length=20"]


def test_first_key_varies_slowest():
    assert lines(None, "model=elman,rnn", "task.length=20,50") == [
        "model=elman task.length=20",
        "model=elman task.length=50",
        "model=rnn task.length=20",
        "model=rnn task.length=50",
    ]


def test_a_list_of_grids_is_a_union_without_repetitions():
    grids = [
        {"model": ["elman", "rnn"], "task": "adding"},
        {"model": "rnn", "task": ["adding", "window"]},
    ]
    assert lines(grids) == [
        "model=elman task=adding",
        "model=rnn task=adding",
        "model=rnn task=window",
    ]


def test_axes_are_combined_and_the_later_one_wins():
    axes = {
        "architectures": [{"model": "tdnn", "model.window": 20}, {"model": ["elman", "rnn"]}],
        "tasks": [{"task": "adding", "train.updates": 9}, {"task": "window", "model.window": 3}],
    }
    assert lines(axes) == [
        "model=tdnn model.window=20 task=adding train.updates=9",
        "model=tdnn model.window=3 task=window",
        "model=elman task=adding train.updates=9",
        "model=rnn task=adding train.updates=9",
        "model=elman task=window model.window=3",
        "model=rnn task=window model.window=3",
    ]


def test_a_plain_mapping_of_overrides_is_one_grid():
    assert lines({"task.length": [10, 20]}) == ["task.length=10", "task.length=20"]
    assert lines({"model": ["elman", "rnn"], "seeds": 2}) == ["model=elman seeds=2", "model=rnn seeds=2"]
    # Not axes, for `train` is a key of the configuration.
    assert lines({"train": [{"lr": 0.1}, {"lr": 0.2}]}) == ["train={lr:0.1}", "train={lr:0.2}"]


def test_lists_of_arrows_are_choices():
    found = lines([{"model.arrows": [["x->h", "h->y"], ["x->h", "h->h@1", "h->y"]]}])
    assert found == ['model.arrows=["x->h","h->y"]', 'model.arrows=["x->h","h->h@1","h->y"]']


def test_hydras_own_parameters_of_a_sweep():
    params = {"model": "elman,rnn", "model.input_taps": [0, 2], "train.lr": 0.1}
    assert [" ".join(g) for g in expand(read_sweep(Sweep(None, params, False), "demo", read), [])] == [
        "model=elman model.input_taps=[0,2] train.lr=0.1",
        "model=rnn model.input_taps=[0,2] train.lr=0.1",
    ]


def test_hydras_own_notation_in_a_grid():
    assert lines([{"task.length": "20,50"}]) == ["task.length=20", "task.length=50"]
    assert lines([{"task.length": "range(1,4)"}]) == ["task.length=1", "task.length=2", "task.length=3"]


def test_lists_as_values():
    assert lines([{"model.input_taps": [[0, 2], [0, 4]]}]) == [
        "model.input_taps=[0,2]",
        "model.input_taps=[0,4]",
    ]


STUDY = [
    {"model": ["elman", "rnn"], "task": "adding", "task.length": [20, 50], "train.updates": 1000},
    {"model": ["elman", "rnn"], "task": "window", "train.updates": 500},
    {"model": "tdnn", "task": "sunspots"},
]


def test_the_command_line_replaces_choices():
    found = lines(STUDY, "train.updates=2", "seeds=1")
    assert len(found) == 7
    assert all("train.updates=2" in line and "seeds=1" in line for line in found)
    assert not any("1000" in line or "500" in line for line in found)


def test_the_command_line_selects_tasks_and_models():
    assert lines(STUDY, "task=window") == [
        "model=elman task=window train.updates=500",
        "model=rnn task=window train.updates=500",
    ]
    assert lines(STUDY, "model=rnn", "task=window") == ["model=rnn task=window train.updates=500"]
    assert lines(STUDY, "model=tdnn") == ["model=tdnn task=sunspots"]


def test_a_model_no_grid_lists_replaces_all():
    other = [{"model": "elman", "task": "adding"}, {"model": "elman", "task": "window"}]
    assert lines(other, "model=rnn") == ["model=rnn task=adding", "model=rnn task=window"]


def test_some_names_listed_and_some_not():
    assert lines([{"model": "elman"}], "model=elman,rnn") == ["model=elman", "model=rnn"]


def test_a_value_stands_as_it_was_typed():
    assert choices_of(read("train.lr=1e-3")) == ["1e-3"]
    assert choices_of(read("task.path='a b.csv'")) == ["'a b.csv'"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "True"),
        (1e-4, "0.0001"),
        ([0, [1, None]], "[0,[1,null]]"),
        ({"a": [1]}, "{a:[1]}"),
        (["x->h", "h", "null", "1"], '["x->h","h","null","1"]'),
        ([{"name": "a b"}], '[{name:"a b"}]'),
        ("20,50", "20,50"),
        ("x->h", '"x->h"'),
    ],
)
def test_values_of_a_file_as_text(value, text):
    assert as_text(value) == text


def test_a_study_names_the_grid_that_is_wrong():
    with pytest.raises(Refused, match=r"study demo: sweep, grid 2: task=addng: unknown task"):
        lines([{"task": "adding"}, {"task": "addng"}])
