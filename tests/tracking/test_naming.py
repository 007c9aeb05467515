"""Names and numbers as MLflow accepts them."""

import math

from rnnbench.tracking.naming import columns, finite, metrics_of, tags_of
from tests.tracking.records import record


def test_finite_is_strict_json():
    nested = {"a": [1.0, math.nan, {"b": (math.inf, -math.inf, 2)}], "c": "inf", "d": None, 3: True}
    assert finite(nested) == {"a": [1.0, None, {"b": [None, None, 2]}], "c": "inf", "d": None, "3": True}


def test_names_mlflow_would_refuse():
    floors = [{"name": "AR(9), free", "score": 0.5, "loss": None, "loop": "closed", "how": ""}]
    names = [name for name, _, _ in metrics_of(record(floors=floors))]
    assert "floor.AR9 free.closed.score" in names
    assert not [n for n in names if set(n) & set("()[]=,")]


def test_every_metric_is_a_float_at_a_step():
    for name, value, step in metrics_of(record(solved_at=10, outcome="solved")):
        assert isinstance(name, str) and type(value) is float and type(step) is int


def test_columns_hold_every_field():
    found = columns(record())
    assert found["model.hidden"] == 8 and found["task.length"] == 20 and found["train.updates"] == 20


def test_tags_name_no_host_and_no_user():
    tags = tags_of(record())
    assert tags["key"] == "0123456789abcdef" and tags["outcome"] == "finished"
    assert not {"mlflow.user", "host", "hostname"} & set(tags)
