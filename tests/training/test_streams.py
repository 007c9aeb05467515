"""Streams: fixed by seed and purpose, independent of each other."""

import numpy as np
import pytest

from rnnbench.training import stream
from rnnbench.training.streams import PURPOSES, sequence


def test_spawn_keys_are_positions_and_never_change():
    assert PURPOSES == ("init", "train", "validation", "test")
    for key, purpose in enumerate(PURPOSES):
        expected = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(key,)))
        assert stream(7, purpose).random(3).tolist() == expected.random(3).tolist()


def test_streams_differ_by_purpose_and_seed_and_start_anew():
    draws = {(seed, purpose): stream(seed, purpose).random() for seed in range(20) for purpose in PURPOSES}
    assert len(set(draws.values())) == 80
    assert stream(3, "test").random() == draws[3, "test"]


def test_the_sequence_feeds_an_initialisation():
    assert isinstance(sequence(np.int64(2), "init"), np.random.SeedSequence)


def test_refusals():
    with pytest.raises(ValueError, match="seed=-1: must be a whole number of at least 0"):
        stream(-1, "train")
    with pytest.raises(ValueError, match=r"purpose=tests: must be one of .* \(did you mean test"):
        stream(0, "tests")
