"""A CSV file of the user's: reading, splitting, missing values, and errors in one line."""

from pathlib import Path

import numpy as np
import pytest

from rnnbench.tasks.contract import mean_loss
from rnnbench.tasks.csv import CSV
from tests.tasks.predicting import Knowing, constant


def rng(seed=0):
    return np.random.default_rng(seed)


def write(folder: Path, text: str | bytes, name: str = "data.csv") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def ramp(folder, rows=100, name="data.csv"):
    """Columns u = 0, 1, 2, ... and y = 1000 + 10 u."""
    return write(folder, "u,y\n" + "".join(f"{i},{1000 + 10 * i}\n" for i in range(rows)), name)


def unscaled(values, rows):
    """A column of the ramp back in rows."""
    known = np.arange(rows, dtype=float)
    return values * known.std() + known.mean()


def test_parts_follow_each_other_and_history_is_read_unscored(tmp_path):
    task = CSV(path=ramp(tmp_path), targets="y", length=1000, warm_up=5)
    for batch, first, start, stop in (
        (task.training(rng(), 4), 0, 5, 60),
        (task.validation(rng()), 55, 60, 80),
        (task.test(rng()), 75, 80, 100),
    ):
        rows = unscaled(batch.x[:, 0, 0], 60)
        assert rows == pytest.approx(np.arange(first, stop), abs=1e-3)
        assert rows[batch.weight[:, 0] > 0] == pytest.approx(np.arange(start, stop), abs=1e-3)
        assert batch.target == pytest.approx(batch.x, abs=1e-6), "both are scaled by the training part"


def test_windows_are_drawn_from_the_training_part(tmp_path):
    task = CSV(path=ramp(tmp_path), targets="y", length=10, warm_up=3)
    batch = task.training(rng(), 2000)
    rows = np.rint(unscaled(batch.x[:, :, 0], 60)).astype(int)
    assert (np.diff(rows, axis=0) == 1).all() and set(rows[0]) == set(range(51))
    assert not batch.weight[:3].any() and (batch.weight[3:] == 1.0).all()
    assert batch.x.flags.c_contiguous and batch.x.shape == (10, 2000, 1)


def test_horizon_moves_the_target_and_a_step_belongs_to_the_part_of_its_target(tmp_path):
    task = CSV(path=ramp(tmp_path), targets="y", inputs="u,y", horizon=3, warm_up=0, length=1000)
    step = 3.0 / np.arange(60.0).std()
    for batch, start, stop in (
        (task.training(rng(), 1), 0, 57),
        (task.validation(rng()), 57, 77),
        (task.test(rng()), 77, 97),
    ):
        assert unscaled(batch.x[:, 0, 0], 60) == pytest.approx(np.arange(start, stop), abs=1e-3)
        assert batch.target[:, 0, 0] - batch.x[:, 0, 1] == pytest.approx(
            np.full(stop - start, step), abs=1e-5
        )
        assert (batch.weight == 1.0).all()
    assert task.refusal(causal=True, loop="open") and task.refusal(causal=False, loop="closed")
    nearer = CSV(path=ramp(tmp_path), targets="y", inputs="u", horizon=1)
    assert not nearer.refusal(causal=True, loop="open") and not nearer.refusal(causal=False, loop="closed")


def test_missing_values_have_weight_zero_and_inputs_are_carried_forward(tmp_path):
    lines = [f"{i},{i * i}" for i in range(20)]
    lines[2], lines[4], lines[5], lines[6] = "2,", "NaN,16", "null,", " 6 , 36 "
    path = write(tmp_path, "u,y\n" + "\n".join(lines))
    batch = CSV(path=path, targets="y", warm_up=0).training(rng(), 1)
    assert batch.weight[:, 0].tolist() == [1, 1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1]
    assert np.isfinite(batch.x).all() and np.isfinite(batch.target).all()
    known = np.array([0, 1, 2, 3, 6, 7, 8, 9, 10, 11], dtype=float)
    carried = np.array([0, 1, 2, 3, 3, 3, 6, 7, 8, 9, 10, 11], dtype=float)
    assert batch.x[:, 0, 0] == pytest.approx((carried - known.mean()) / known.std(), abs=1e-6)


def test_an_input_missing_from_the_start_is_the_mean(tmp_path):
    path = write(tmp_path, "u,y\n" + "\n".join(f"{'' if i < 2 else i},{i * i}" for i in range(20)))
    batch = CSV(path=path, targets="y", warm_up=0).training(rng(), 1)
    assert batch.x[:2].tolist() == [[[0.0]], [[0.0]]] and not batch.weight[:2].any()


def test_scaling_knows_the_training_part_only(tmp_path):
    text = "u,y\n" + "\n".join(f"{i if i < 60 else 10**6},{i}" for i in range(100))
    batch = CSV(path=write(tmp_path, text), targets="y", warm_up=0, length=1000).training(rng(), 1)
    assert batch.x.mean() == pytest.approx(0.0, abs=1e-6) and batch.x.std() == pytest.approx(1.0)


def test_a_column_that_never_changes_is_zero(tmp_path):
    path = write(tmp_path, "u,one,y\n" + "\n".join(f"{i},1,{i}" for i in range(50)))
    assert not CSV(path=path, targets="y").training(rng(), 1).x[:, :, 1].any()


def test_windows_without_a_known_target_are_not_drawn(tmp_path):
    text = "u,y\n" + "\n".join(
        f"{i},{i if i < 3 or i > 90 or 50 < i < 53 or 130 < i else ''}" for i in range(200)
    )
    task = CSV(path=write(tmp_path, text), targets="y", length=10, warm_up=2)
    assert (task.training(rng(), 500).weight.sum(axis=0) > 0).all()


def test_formats_people_have(tmp_path):
    rows = "".join(f"{i};{i % 5}\r\n" for i in range(40))
    path = write(tmp_path, b"\xef\xbb\xbf" + f' "u" ; y\r\n\r\n{rows}'.encode())
    with pytest.raises(ValueError, match="one column with a semicolon in it"):
        CSV(path=path, targets="y")
    task = CSV(
        path=write(tmp_path, b"\xef\xbb\xbf" + f'"u"; y\r\n\r\n{rows}'.encode()), targets="y", delimiter=";"
    )
    assert task.inputs == ["u"] and len(task.training(rng(), 1).x) == 24


def test_columns_as_list_or_text(tmp_path):
    path = write(tmp_path, "a,b,c,d\n" + "\n".join(f"{i},{2 * i},{3 * i},{4 * i}" for i in range(50)))
    assert CSV(path=path, targets=["c", "d"]).inputs == ["a", "b"]
    task = CSV(path=path, targets="c, d", inputs=["b"])
    assert task.targets == ["c", "d"] and (task.n_in, task.n_out) == (1, 2)
    assert task.label == "data.csv (c, d)"


def test_floors_in_the_loop_they_compare_with(data_file):
    floors = {f.name: f for f in CSV(path=str(data_file), targets="y").floors(rng())}
    assert (
        floors["persistence"].loop == floors["ARX"].loop == "open" and floors["linear model"].loop == "both"
    )
    assert floors["linear model"].score > 0.9 > floors["persistence"].score
    forecast = CSV(path=str(data_file), targets="v", inputs="v", horizon=1).floors(rng())
    assert [f.name for f in forecast] == ["best constant", "persistence", "linear model"]
    assert {f.loop for f in forecast} == {"both"} and forecast[2].score > 0.9999
    far = CSV(path=str(data_file), targets="v", inputs="u", horizon=4).floors(rng())
    assert [f.name for f in far] == ["best constant", "linear model"]


def test_persistence_is_the_last_known_value(tmp_path):
    task = CSV(path=ramp(tmp_path), targets="y", inputs="y", horizon=2, warm_up=0)
    floors = {f.name: f for f in task.floors(rng())}
    step = 2.0 / np.arange(60.0).std()
    assert floors["persistence"].loss == pytest.approx(step**2, rel=1e-3)


def test_rmse_is_in_the_unit_of_the_file(tmp_path):
    task = CSV(path=ramp(tmp_path), targets="y")
    batch = task.test(rng())
    net = Knowing(constant(task, batch))
    assert task.extra_scores(net, net, batch) == {"rmse": pytest.approx(10 * np.arange(20.0).std(), rel=1e-4)}
    two = CSV(
        path=write(tmp_path, "u,a,b\n" + "\n".join(f"{i},{i},{2 * i}" for i in range(50))), targets="a,b"
    )
    batch = two.test(rng())
    net = Knowing(constant(two, batch))
    scores = two.extra_scores(net, net, batch)
    assert scores["rmse_b"] == pytest.approx(2 * scores["rmse_a"], rel=1e-4)


def test_goal_is_the_score_that_counts_as_solved(data_file):
    half = CSV(path=str(data_file), targets="y", goal=0.5)
    never = CSV(path=str(data_file), targets="y")
    batch = half.validation(rng())
    y = batch.target + 0.5 * np.sqrt(half.constant_loss(batch))
    assert mean_loss(y, batch, "mse") < half.constant_loss(batch)
    assert half.solved(y, batch) and not never.solved(y, batch)


def test_a_file_that_has_changed_is_refused(tmp_path):
    path = ramp(tmp_path)
    digest = CSV(path=path, targets="y").digest
    assert len(digest) == 16 and CSV(path=path, targets="y", digest=digest).digest == digest
    ramp(tmp_path, rows=101)
    with pytest.raises(
        ValueError, match=rf"^task\.digest={digest}: .*has changed, its digest is [0-9a-f]{{16}}$"
    ):
        CSV(path=path, targets="y", digest=digest)


GOOD = "u,y\n" + "\n".join(f"{i},{i * i}" for i in range(50)) + "\n"

BAD_FILES = {
    "empty": ("", "is empty"),
    "blank lines only": ("\n\n", "is empty"),
    "header only": ("u,y\n", "no row below the header"),
    "not utf-8": (b"u,y\n1,2\n\xff\xfe,3\n", "line 3 is not UTF-8"),
    "word in a number": (
        GOOD.replace("\n7,49", "\n7,high"),
        "line 9, column y: 'high' is not a finite number",
    ),
    "decimal comma": (GOOD.replace("\n7,49", '\n7,"4,9"'), "line 9, column y: '4,9' is not"),
    "infinite": (GOOD.replace("\n7,49", "\n7,inf"), "line 9, column y: 'inf' is not a finite number"),
    "underscore": (GOOD.replace("\n7,49", "\n7,4_9"), "line 9, column y: '4_9' is not"),
    "short row": (GOOD.replace("\n7,49", "\n7"), "line 9 has 1 cells, the header 2"),
    "long row": (GOOD.replace("\n7,49", "\n7,49,1"), "line 9 has 3 cells, the header 2"),
    "line after a cell with a line break": ('u,y,"n\nm"\n1,2,3\n1,x,3\n', "line 4, column y: 'x' is not"),
    "name twice": ("u,u,y\n1,2,3\n", "in the header (line 1) the column name 'u' stands twice"),
    "names missing": ("u,,,y\n1,2,3,4\n", "in the header (line 1) several columns have no name"),
    "nothing varies": ("u,y\n" + "1,2\n" * 50, "constant in the validation part"),
    "too few rows": ("u,y\n1,2\n", "leaves no scored step in the training part"),
    "dates": (
        GOOD.replace("\n7,49", "\n1.7.2024,49"),
        "is not a finite number; task.inputs names the columns",
    ),
    "no target known at the end": (
        "u,y\n" + "".join(f"{n},{n if n < 80 else ''}\n" for n in range(100)),
        "has no scored step: no target is known there",
    ),
    "one target known at the end": (
        "u,y\n" + "".join(f"{n},{n if n < 81 else ''}\n" for n in range(100)),
        "known in a single step of the test part",
    ),
    "semicolons": ("u;y\n1;2\n", "is one column with a semicolon in it; cells must be separated by ','"),
    "tabs": ("u\ty\n1\t2\n", "is one column with a tab in it; cells must be separated by ','"),
    "no target known": ("u,y\n" + "1,\n" * 50, "the training part"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_end_in_one_line(tmp_path, name):
    text, expected = BAD_FILES[name]
    with pytest.raises(ValueError) as error:
        CSV(path=write(tmp_path, text), targets="y")
    assert expected in str(error.value) and "\n" not in str(error.value)
    assert str(error.value).startswith("task.")


BAD_SETTINGS = [
    ({"path": ""}, "task.path='': must name a CSV file"),
    ({"path": "nowhere.csv"}, "task.path=nowhere.csv: No such file"),
    ({"path": "."}, "task.path=.: Is a directory"),
    ({"targets": None}, "task.targets=None: must name columns"),
    ({"targets": "why"}, "task.targets=why: .* has no such column, it has u, y"),
    ({"inputs": "Y"}, "task.inputs=Y: .* has no such column"),
    ({"inputs": []}, r"task.inputs=\[\]: must name columns"),
    ({"targets": "y,y"}, "task.targets=y,y: must not name a column twice"),
    ({"targets": "u,y"}, "task.inputs=None: .* has no column beside the targets"),
    ({"inputs": "u,y"}, "task.horizon=0: must be at least 1, for y is both input and target"),
    ({"horizon": 50}, "task.horizon=50: must be below the 50 rows"),
    ({"split": [0.5, 0.5]}, "task.split=.*three positive numbers that sum to 1"),
    ({"split": [0.9, 0.2, 0.1]}, "task.split=.*three positive numbers that sum to 1"),
    ({"split": [1.0, 0.0, 0.0]}, "task.split=.*three positive numbers that sum to 1"),
    ({"split": "most"}, "task.split=most: must be three"),
    ({"split": [0.98, 0.01, 0.01]}, "task.split=.*no scored step|task.targets=y: known in a single step"),
    ({"warm_up": 100}, "task.length=100: must be a whole number of at least 101"),
    ({"warm_up": 40}, "task.warm_up=40: leaves no scored step in the training part"),
    ({"goal": 1.5}, "task.goal=1.5: must be a finite number of at most 1"),
    ({"delimiter": "tab"}, "task.delimiter='tab': must be one character"),
]


@pytest.mark.parametrize(("settings", "expected"), BAD_SETTINGS)
def test_bad_settings_end_in_one_line(tmp_path, settings, expected):
    good = {"path": write(tmp_path, GOOD), "targets": "y"}
    with pytest.raises(ValueError, match=f"^{expected}") as error:
        CSV(**{**good, **settings})
    assert "\n" not in str(error.value)


def test_the_nearest_column_is_suggested(tmp_path):
    path = write(tmp_path, "inflow,outflow\n" + "\n".join(f"{i},{i * i}" for i in range(50)))
    with pytest.raises(ValueError, match=r" \(did you mean outflow\?\)$"):
        CSV(path=path, targets="outlow")


def test_columns_hold_the_scales_of_the_training_part(tmp_path):
    task = CSV(path=ramp(tmp_path), targets="y")
    u = np.arange(60.0)
    assert task.columns() == {
        "inputs": [{"name": "u", "mean": pytest.approx(u.mean()), "unit": pytest.approx(u.std())}],
        "targets": [
            {"name": "y", "mean": pytest.approx(1000 + 10 * u.mean()), "unit": pytest.approx(10 * u.std())}
        ],
        "horizon": 0,
    }
