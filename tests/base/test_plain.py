"""Plain data and strict JSON."""

import json
import math

import numpy as np

from rnnbench.base.plain import as_json, finite


def test_numpy_and_tuples_become_plain_and_what_is_not_finite_becomes_none():
    given = {1: (np.float32(0.5), np.int64(2), np.bool_(True)), "a": np.array([[1.0, np.nan], [np.inf, 2.0]])}
    found = finite(given | {"b": [math.nan, -math.inf, 0.1, "nan", None]})
    assert found == {
        "1": [0.5, 2, True],
        "a": [[1.0, None], [None, 2.0]],
        "b": [None, None, 0.1, "nan", None],
    }
    assert [type(value) for value in found["1"]] == [float, int, bool]


def test_json_is_strict_and_holds_any_text():
    raw = as_json({"score": np.float64(np.nan), "text": "naïve Σ"})
    assert json.loads(raw, parse_constant=lambda word: 1 / 0) == {"score": None, "text": "naïve Σ"}
    assert "Σ".encode() in raw
