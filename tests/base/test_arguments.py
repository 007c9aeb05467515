"""Checks of arguments: values of a plain type, or an error that names key, value and what is allowed."""

import math

import numpy as np
import pytest

from rnnbench.base.arguments import bound, choice, number, share, switch, whole_number

PASSED = [
    (lambda: whole_number("k", np.int64(3), 0), 3),
    (lambda: whole_number("k", 5, 1, 5), 5),
    (lambda: number("k", 2, 0), 2.0),
    (lambda: number("k", np.float32(0.5), 0, 1), 0.5),
    (lambda: number("k", -3.5), -3.5),
    (lambda: share("k", 0), 0.0),
    (lambda: bound("k", None), math.inf),
    (lambda: bound("k", 2), 2.0),
    (lambda: switch("k", False), False),
    (lambda: choice("k", "b", {"a": 1, "b": 2}), "b"),
]


@pytest.mark.parametrize(("check", "expected"), PASSED)
def test_what_is_allowed_comes_back_in_its_plain_type(check, expected):
    found = check()
    assert found == expected and type(found) is type(expected)


REFUSED = [
    *(
        (lambda v=value: whole_number("task.length", v, 2), "must be a whole number of at least 2")
        for value in (1, True, 2.0, "8", None, math.nan)
    ),
    *(
        (lambda v=value: whole_number("task.length", v, 2, 9), "must be a whole number from 2 to 9")
        for value in (1, 10, "x")
    ),
    *(
        (lambda v=value: number("task.length", v, 0), "must be a finite number of at least 0")
        for value in (-1e-9, math.nan, math.inf, True, "1", None, 10**400)
    ),
    (lambda: number("task.length", 1.5, 0, 1), "must be a number from 0 to 1"),
    (lambda: number("task.length", 1.5, -math.inf, 1), "must be a finite number of at most 1"),
    (lambda: number("task.length", -math.inf), "must be a finite number"),
    *((lambda v=value: share("task.length", v), "must lie in [0, 1)") for value in (1, -0.1, math.nan, None)),
    *(
        (lambda v=value: bound("task.length", v), "must be a number above 0, or none for no clipping")
        for value in (0, -1, math.nan, True)
    ),
    *((lambda v=value: switch("task.length", v), "must be true or false") for value in (1, "true", None)),
    (
        lambda: choice("task.length", "lnog", ["long", "x"]),
        "must be one of long, x (did you mean long?)",
    ),
    (lambda: choice("task.length", 3, ["long", "x"]), "must be one of long, x"),
    (lambda: choice("task.length", ["long"], ["x"]), "must be one of x"),
]


@pytest.mark.parametrize(("check", "allowed"), REFUSED)
def test_what_is_not_allowed_is_named_with_what_is(check, allowed):
    with pytest.raises(ValueError) as refusal:
        check()
    given, _, said = str(refusal.value).partition(": ")
    assert given.startswith("task.length=") and said == allowed
