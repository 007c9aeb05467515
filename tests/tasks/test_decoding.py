"""From outputs to labels, and how far those are from the right ones."""

import math
from itertools import product

import numpy as np
import pytest

from rnnbench.network import Box, Network
from rnnbench.tasks import decoding
from tests.network import brute


def one_hot(path, outputs=3):
    return np.eye(outputs)[np.array(path)][:, None]


@pytest.mark.parametrize(
    ("path", "labels"),
    [([0, 0], []), ([1, 1, 0, 1], [1, 1]), ([1, 2, 2, 0], [1, 2]), ([2], [2]), ([0, 1, 0, 2, 1], [1, 2, 1])],
)
def test_best_path(path, labels):
    assert decoding.best_path(one_hot(path)) == [labels]


def test_best_path_of_lengths_and_of_nan():
    y = np.concatenate([one_hot([1, 0, 2]), one_hot([1, 0, 2])], axis=1)
    assert decoding.best_path(y, np.array([3, 2])) == [[1, 2], [1]]
    y[0, 0, 1] = np.nan
    assert decoding.best_path(y) == [[2], [1, 2]]


@pytest.mark.parametrize("seed", range(5))
def test_prefix_search_that_keeps_everything_finds_the_most_likely_labels(seed):
    rng = np.random.default_rng(seed)
    y = rng.dirichlet([0.5] * 3, 5)
    everything = {brute.collapse(path) for path in product(range(3), repeat=5)}
    likely = min(everything, key=lambda labels: brute.ctc(y, labels))
    labels, log_p = decoding.prefix_search(y, width=1000)
    assert tuple(labels) == likely
    assert log_p == pytest.approx(-brute.ctc(y, likely), rel=1e-12)


def test_the_best_path_need_not_be_the_best_labels():
    """Two blanks are the likeliest path, 0.36; but one label can be written in three ways, 0.64."""
    y = np.array([[0.6, 0.4], [0.6, 0.4]])
    assert decoding.best_path(y[:, None]) == [[]]
    labels, log_p = decoding.prefix_search(y)
    assert labels == [1] and math.exp(log_p) == pytest.approx(0.64)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("abc", "abc", 0),
        ("", "abc", 3),
        ("abc", "", 3),
        ("kitten", "sitting", 3),
        ("ab", "ba", 2),
    ],
)
def test_edit_distance(a, b, distance):
    assert decoding.edit_distance(a, b) == distance


def test_label_error_rate_sums_over_sequences():
    y = np.concatenate([one_hot([1, 0, 2, 0]), one_hot([1, 2, 1, 2]), one_hot([0, 0, 0, 0])], axis=1)
    target = np.array([[1, 1, 2], [2, -1, -1]])
    assert decoding.label_error_rate(y, target, np.ones(3)) == (0 + 3 + 1) / 4
    assert decoding.label_error_rate(y, target, np.array([1.0, 0.0, 1.0])) == 1 / 3


def test_constant_loss_is_what_an_output_with_a_bias_learns():
    """The closed form against counting alignments, and against the least loss that descent finds."""
    target = np.array([[1, 1, 2, 1], [2, 1, -1, 2], [-1, -1, -1, 1]])
    lengths = np.array([4, 6, 3, 5])
    found = decoding.constant_ctc(target, np.ones(4), lengths, 3)

    def loss(blank):
        row = np.array([blank, (1 - blank) / 2, (1 - blank) / 2])
        each = [
            brute.ctc(np.tile(row, (n, 1)), [k for k in labels if k > 0])
            for n, labels in zip(lengths, target.T, strict=True)
        ]
        return np.mean(each / np.array([2, 2, 1, 3]))

    least = min(loss(blank) for blank in np.linspace(0.01, 0.99, 99))
    assert found == pytest.approx(least, rel=1e-3) and found <= least * (1 + 1e-9)
    net = Network([Box("y", 3, "softmax")], [], n_in=1)
    params = net.parameters(np.array([math.log(2), 0.0, 0.0]))
    by_kernel = net.loss(params, np.zeros((6, 4, 1)), target, "ctc", lengths=lengths)
    assert by_kernel == pytest.approx(loss(0.5), rel=1e-12)
    assert decoding.constant_ctc(np.full((0, 2), -1), np.ones(2), np.array([3, 3]), 3) < 0.01
