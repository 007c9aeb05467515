"""Checkpoints: an interrupted training ends in the bits of one left alone, and a file is whole or none."""

import errno
import math
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rnnbench.models.elman import Elman
from rnnbench.training import Checkpoint, blocks, checkpoint, drain
from rnnbench.training.fitting import fit, prepare
from tests.training.interrupting import CASES, Stopped, Watching, facts, in_parts, nth, start, stopping_at
from tests.training.small_tasks import Watched
from tests.training.test_fit import bits


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of at most three updates: a training has many borders."""
    monkeypatch.setattr(blocks, "updates_of_block", lambda net, batch: 3)


@pytest.fixture(scope="module")
def undisturbed():
    """Result, watch and number of borders of each case without any interruption."""
    found = {}

    def get(case):
        if case not in found:
            may_go_on, passed = stopping_at(set())
            watch = Watching()
            found[case] = drain(start(case, may_go_on=may_go_on, watch=watch)), watch, passed[0]
        return found[case]

    return get


def test_the_cases_end_as_they_say(undisturbed):
    ends = {case: undisturbed(case)[0].outcome for case in CASES}
    others = {case: outcome for case, outcome in ends.items() if outcome != "finished"}
    assert others == {
        "diverged": "diverged",
        "diverged slowly": "diverged",
        "solved": "solved",
        "solved, going on": "solved",
    }
    assert undisturbed("diverged slowly")[0].updates == 100
    assert undisturbed("solved, going on")[0].updates > undisturbed("solved, going on")[0].solved_at


@pytest.mark.parametrize("case", CASES)
def test_a_stop_at_every_border_changes_no_bit(case, undisturbed, tmp_path):
    expected, watch, borders = undisturbed(case)
    # From the second border of each part on: the first block of a part must be made.
    result, seen, stops = in_parts(case, tmp_path / "c.npz", [2] * (borders - 1), watching=True)
    assert stops == borders - 1 >= 3
    assert facts(result) == facts(expected)
    assert seen.seen == watch.seen
    # The first stop of all is before the first update when nothing was done: there, nothing is saved.
    assert result.resumed == stops


@pytest.mark.parametrize("case", CASES)
def test_a_file_left_at_any_border_is_enough(case, undisturbed, tmp_path):
    """As after kill -9: the file of a border, and no word of farewell."""
    expected, _, borders = undisturbed(case)
    path, files = tmp_path / "c.npz", []

    def keep():
        files.append(path.read_bytes() if path.exists() else b"")

    whole = drain(start(case, Checkpoint(path, 0.0, case), keep))
    assert facts(whole) == facts(expected) and whole.resumed == 0
    assert len(files) == borders
    for raw in files[2 :: max(1, borders // 4)]:
        path.write_bytes(raw)
        result = drain(start(case, Checkpoint(path, None, case)))
        assert (facts(result), result.resumed) == (facts(expected), 1)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(case=st.sampled_from(sorted(CASES)), parts=st.lists(st.integers(1, 12), max_size=6))
def test_stops_at_random_borders_change_no_bit(case, parts, undisturbed, tmp_path_factory):
    path = tmp_path_factory.mktemp("random") / "c.npz"
    result, _, stops = in_parts(case, path, parts)
    assert facts(result) == facts(undisturbed(case)[0])
    assert result.resumed <= stops <= len(parts)


def plain(state):
    """A state without times and without the number of parts, arrays as bytes."""
    if isinstance(state, dict):
        left_out = ("seconds", "busy", "resumed")
        return {
            key: plain(part)
            for key, part in state.items()
            if key not in left_out and not key.endswith("_seconds")
        }
    if isinstance(state, list):
        return [plain(part) for part in state]
    return state.tobytes() if isinstance(state, np.ndarray) else repr(state)


@pytest.mark.parametrize("case", CASES)
def test_what_is_kept_at_a_border_does_not_depend_on_earlier_stops(case, undisturbed, tmp_path):
    last = undisturbed(case)[2]
    kept = {}
    for parts in ([last], [last // 2 + 1, last - last // 2]):
        path = tmp_path / f"{len(parts)}.npz"
        for border in parts:
            may_go_on, _ = stopping_at({nth(case, border, path)})
            with pytest.raises(Stopped):
                drain(start(case, Checkpoint(path, None, case), may_go_on))
        kept[len(parts)] = plain(Checkpoint(path, None, case).load())
    assert kept[1]["descent"]["done"] != "0"
    assert math.isfinite(float(kept[1]["descent"]["smoothed"]))
    assert kept[1] == kept[2]


def test_times_and_sequences_are_those_of_all_parts(undisturbed, tmp_path):
    result, _, stops = in_parts("adam float64", tmp_path / "c.npz", [4, 4])
    assert stops == 2
    for earlier, later in zip(result.history, result.history[1:], strict=False):
        assert earlier["seconds"] < later["seconds"]
        assert earlier["compiled_seconds"] < later["compiled_seconds"]
        assert earlier["sequences"] < later["sequences"]
    assert result.compiled_seconds == result.history[-1]["compiled_seconds"] > 0
    assert result.busy["updates"] == pytest.approx(result.compiled_seconds, rel=0.5)
    assert result.busy["span"] >= result.busy["updates"] and result.busy["run"] >= result.busy["span"]
    assert result.timings["train"] >= result.history[0]["compiled_seconds"]


def test_what_was_spent_before_counts(tmp_path):
    path = tmp_path / "c.npz"
    with pytest.raises(Stopped):
        drain(start("adam float64", Checkpoint(path, None, "k"), stopping_at({6})[0]))
    kept = Checkpoint(path, None, "k").load()
    descent = kept["descent"] | {"compiled_seconds": 1000.0, "data_seconds": 2000.0, "train_seconds": 3000.0}
    kept |= {"descent": descent, "busy": {name: 5000.0 for name in kept["busy"]}}
    kept["seconds"] = {name: 7000.0 for name in kept["seconds"]}
    Checkpoint(path, None, "k").save(kept)
    result = drain(start("adam float64", Checkpoint(path, None, "k")))
    assert 1000 < result.compiled_seconds < 1010
    assert result.timings == pytest.approx(
        {"compile": 7000, "data": 9000, "train": 3000, "evaluate": 7000}, abs=50
    )
    assert result.busy == pytest.approx(dict.fromkeys(result.busy, 5000), abs=50)
    assert all(value > 5000 for value in result.busy.values())


def test_only_new_records_are_yielded_and_the_history_is_whole(tmp_path):
    path = tmp_path / "c.npz"
    records = start("adam float32", Checkpoint(path, None, "k"))
    assert next(records)["update"] == 10
    records.close()
    assert path.exists()
    records, seen = start("adam float32", Checkpoint(path, None, "k")), []
    result = drain(records, lambda record: seen.append(record["update"]))
    assert seen == [20, 23]
    assert [record["update"] for record in result.history] == [10, 20, 23]


def test_a_report_that_fails_leaves_a_checkpoint(tmp_path):
    path = tmp_path / "c.npz"

    def report(record):
        raise OSError("no room")

    # Held here, so that nothing but `drain` closes them.
    records = start("adam float32", Checkpoint(path, None, "k"))
    with pytest.raises(OSError, match="no room"):
        drain(records, report)
    assert Checkpoint(path, None, "k").load()["descent"]["done"] == 10


@pytest.mark.parametrize("case", ["solved", "diverged", "last"])
def test_a_training_that_had_ended_only_scores(case, undisturbed, tmp_path):
    path = tmp_path / "c.npz"
    records = start(case, Checkpoint(path, None, "k"))
    expected = undisturbed(case)[0]
    for record in records:
        if record["update"] == expected.updates:
            records.close()
    seen = []
    result = drain(start(case, Checkpoint(path, None, "k"), watch=lambda *_: seen.append(1)), seen.append)
    assert (facts(result), seen) == (facts(expected), [])


def test_nothing_done_leaves_nothing(tmp_path):
    path = tmp_path / "deep" / "c.npz"
    with pytest.raises(Stopped):
        drain(start("adam float32", Checkpoint(path, 0.0, "k"), stopping_at({1})[0]))
    assert not path.parent.exists()


def test_remove(tmp_path):
    path = tmp_path / "c.npz"
    kept = Checkpoint(path, None, "k")
    kept.save({"a": 1})
    (tmp_path / ".c.npz.12ab.draft").write_bytes(b"cut off")
    (tmp_path / "other.npz").write_bytes(b"")
    kept.remove()
    kept.remove()
    assert [file.name for file in tmp_path.iterdir()] == ["other.npz"]


STATE = {
    "numbers": [1, 2**100, -0.0, 0.1, math.inf, np.float32(0.1), np.int64(3), True, None, "text"],
    "nested": {"array": np.arange(6.0).reshape(2, 3), "none": {}, "deep": [{"flags": np.array([True])}]},
    "single": np.arange(4, dtype=np.float32),
    "empty": np.zeros((0, 5)),
}


def test_a_state_comes_back_to_the_last_bit(tmp_path):
    kept = Checkpoint(tmp_path / "c.npz", None, "k")
    kept.save(STATE)
    back = kept.load()
    assert back.keys() == STATE.keys()
    assert back["numbers"] == [1, 2**100, -0.0, 0.1, math.inf, float(np.float32(0.1)), 3, True, None, "text"]
    assert math.copysign(1, back["numbers"][2]) == -1
    for found, array in (
        (back["nested"]["array"], STATE["nested"]["array"]),
        (back["nested"]["deep"][0]["flags"], np.array([True])),
        (back["single"], STATE["single"]),
        (back["empty"], STATE["empty"]),
    ):
        assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert [file.name for file in tmp_path.iterdir()] == ["c.npz"]


def test_no_file_is_no_state(tmp_path, capsys):
    assert Checkpoint(tmp_path / "c.npz", None, "k").load() is None
    assert capsys.readouterr().err == ""


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(data=st.data())
def test_a_damaged_file_is_never_believed(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged") / "c.npz"
    kept = Checkpoint(path, None, "k")
    kept.save({"a": 1.5, "b": np.arange(20.0)})
    raw = bytearray(path.read_bytes())
    if data.draw(st.booleans(), "cut"):
        raw = raw[: data.draw(st.integers(0, len(raw) - 1), "length")]
    else:
        place = data.draw(st.integers(0, len(raw) - 1), "place")
        raw[place] ^= 1 << data.draw(st.integers(0, 7), "bit")
    path.write_bytes(raw)
    found = kept.load()
    if found is None:
        assert not path.exists() and (path.parent / "c.npz.damaged").read_bytes() == raw
    else:  # a bit that means nothing, such as one of the archive's date
        assert found["a"] == 1.5 and found["b"].tobytes() == np.arange(20.0).tobytes()


def test_numbers_that_were_changed_in_a_whole_archive_are_not_believed(tmp_path, capsys):
    path = tmp_path / "c.npz"
    Checkpoint(path, None, "k").save({"a": np.arange(3.0)})
    with np.load(path) as file:
        parts = dict(file)
    np.savez(path, **parts | {"0": np.arange(1.0, 4.0)})
    assert Checkpoint(path, None, "k").load() is None
    assert "is damaged" in capsys.readouterr().err


def spoil(path, how):
    if how == "cut off":
        path.write_bytes(path.read_bytes()[:200])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("hello")
    elif how == "another key":
        Checkpoint(path, None, "other").save(Checkpoint(path, None, "k").load())
    elif how == "another network":
        state = Checkpoint(path, None, "k").load()
        state["descent"]["vector"] = np.zeros(3, np.float32)
        Checkpoint(path, None, "k").save(state)
    elif how == "less":
        state = Checkpoint(path, None, "k").load()
        del state["selection"]["score"]
        Checkpoint(path, None, "k").save(state)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("cut off", "is damaged"),
        ("empty", "is damaged"),
        ("text", "is damaged"),
        ("another key", "belongs to another run (other, not k)"),
        ("another network", "does not fit this training (it holds other arrays than (19,) of float32)"),
        ("less", "does not fit this training ('score')"),
    ],
)
def test_a_useless_file_is_named_and_moved_aside(how, reason, undisturbed, tmp_path, capsys):
    path = tmp_path / "c.npz"
    with pytest.raises(Stopped):
        drain(start("momentum", Checkpoint(path, None, "k"), stopping_at({4})[0]))
    spoil(path, how)
    result = drain(start("momentum", Checkpoint(path, None, "k")))
    assert (facts(result), result.resumed) == (facts(undisturbed("momentum")[0]), 0)
    assert capsys.readouterr().err == (
        f"rnnbench: checkpoint {path}: {reason}; moved to c.npz.damaged, training starts from the beginning\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["c.npz.damaged"]


def test_a_file_of_another_format_is_not_read(tmp_path, monkeypatch, capsys):
    kept = Checkpoint(tmp_path / "c.npz", None, "k")
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", 0)
        kept.save({})
    assert kept.load() is None
    assert "is of another version of rnnbench; moved to" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_stops_no_training_and_leaves_the_file_as_it_was(call, tmp_path, monkeypatch, capsys):
    path = tmp_path / "c.npz"
    Checkpoint(path, None, "k").save({"a": 1})
    before = path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    kept = Checkpoint(path, 0.0, "k")
    monkeypatch.setattr(os, call, full)
    for _ in range(3):
        kept.save({"a": 2})
    monkeypatch.undo()
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["c.npz"]
    line = f"checkpoint {path}: not written (No space left on device); training goes on without it"
    assert capsys.readouterr().err == f"rnnbench: {line}\n"


def test_a_stop_on_a_full_disk_is_still_a_stop(tmp_path, monkeypatch, capsys):
    path = tmp_path / "file" / "c.npz"
    path.parent.write_text("in the way")
    with pytest.raises(Stopped):
        drain(start("adam float32", Checkpoint(path, None, "k"), stopping_at({4})[0]))
    assert "not written" in capsys.readouterr().err


def test_it_is_due_by_a_clock_that_nobody_sets_back(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(checkpoint.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(checkpoint.time, "time", lambda: -1e9)
    kept, never = Checkpoint(tmp_path / "c.npz", 60.0, "k"), Checkpoint(tmp_path / "d.npz", None, "k")
    assert not kept.due
    now[0] = 159.0
    assert not kept.due
    now[0] = 160.0
    assert kept.due and not never.due
    kept.save({})
    assert not kept.due
    now[0] = 220.0
    assert kept.due


def test_between_two_that_are_due_nothing_is_gathered(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(Checkpoint, "save", lambda self, state: saved.append(state["descent"]["done"]))
    drain(start("adam float32", Checkpoint(tmp_path / "c.npz", 3600.0, "k")))
    assert saved == []
    drain(start("adam float32", Checkpoint(tmp_path / "c.npz", 0.0, "k")))
    assert saved == [3, 6, 9, 10, 13, 16, 19, 20]


def test_streams_that_changed_are_not_gone_on_with(tmp_path, undisturbed, capsys):
    path = tmp_path / "c.npz"
    with pytest.raises(Stopped):
        drain(start("streams", Checkpoint(path, None, "k"), stopping_at({4})[0]))
    state = Checkpoint(path, None, "k").load()
    state["descent"]["data"]["rng"]["state"]["state"] += 2
    Checkpoint(path, None, "k").save(state)
    result = drain(start("streams", Checkpoint(path, None, "k")))
    assert facts(result) == facts(undisturbed("streams")[0])
    assert "its streams are others than before" in capsys.readouterr().err


def test_a_stop_while_streams_are_drawn_again_loses_nothing(tmp_path, undisturbed):
    path = tmp_path / "c.npz"
    with pytest.raises(Stopped):
        drain(start("streams", Checkpoint(path, None, "k"), stopping_at({4})[0]))
    raw = path.read_bytes()
    with pytest.raises(Stopped):
        drain(start("streams", Checkpoint(path, 0.0, "k"), stopping_at({1})[0]))
    assert path.read_bytes() == raw
    assert facts(drain(start("streams", Checkpoint(path, None, "k")))) == facts(undisturbed("streams")[0])


def test_a_watch_without_a_state_and_one_that_comes_later(tmp_path, undisturbed):
    path, expected = tmp_path / "c.npz", undisturbed("adam float32")[1].seen
    with pytest.raises(Stopped):
        drain(start("adam float32", Checkpoint(path, None, "k"), stopping_at({6})[0], lambda *_: None))
    late = Watching()
    drain(start("adam float32", Checkpoint(path, None, "k"), watch=late))
    assert late.seen == expected[2:]


def test_without_test_data():
    task = Watched()
    given = (fit.__kwdefaults__ or {}) | {"updates": 5, "batch": 4}
    result = drain(prepare(Elman(hidden=3).build(1, 1), task, test=False, **given))
    assert not task.of("test") and result.predictions == {}
    assert list(result.scores) == ["validation_score", "validation_loss"]
    whole = drain(prepare(Elman(hidden=3).build(1, 1), task, **given))
    assert {name: whole.scores[name] for name in result.scores} == result.scores
    assert bits(whole)[0] == bits(result)[0]
