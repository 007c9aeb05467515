"""Runs by their keys: beginnings, studies, and which of several runs is meant."""

import pytest

from rnnbench.base.refusals import Refused
from rnnbench.store import Store, StoreError
from rnnbench.store.lookup import find
from tests.store.records import commit

KEY, OTHER = "ab00000000000001", "ab00000000000002"


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs")


def test_a_run_is_found_by_the_beginning_of_its_key(store):
    commit(store.study("one"), "cd00000000000001")
    commit(store.study("two"), KEY, model="mlp")
    for text in (KEY, "AB0000", "two/ab"):
        study, record = find(store, text)
        assert (study.name, record["key"], record["study"], record["model"]) == ("two", KEY, "two", "mlp")
    assert find(store, "two/a")[1]["key"] == KEY
    for text, said in (
        ("", "'': no run has a key"),
        ("zz", "zz: no run has a key"),
        (f"one/{KEY}", "in study one"),
        ("tow/ab", r"tow: unknown study \(did you mean two\?\)"),
    ):
        with pytest.raises(Refused, match=said):
            find(store, text)


def test_a_beginning_of_several_keys_is_refused(store):
    for number in range(9):
        commit(store.study("one"), f"ab{number:014x}", seed=number, ended=float(number))
    with pytest.raises(Refused) as refused:
        find(store, "ab")
    first, second = str(refused.value).splitlines()
    assert first == "ab: several keys start with this"
    assert second.startswith("they are: ab00000000000008 (elman · adding T=20 · seed 8), ab00000000000007 (")
    assert second.endswith("seed 3), ...")
    # A whole key is no beginning of another.
    assert find(store, "ab00000000000003")[1]["seed"] == 3


def test_of_a_key_in_several_studies_a_finished_run_is_taken(store):
    """A failed one only where there is no other, however new it is; of several the newest."""
    commit(store.study("one"), KEY, run="one", ended=2.0)
    commit(store.study("two"), KEY, run="two", ended=1.0)
    assert find(store, "ab")[1]["run"] == "one"
    commit(store.study("three"), KEY, run="three", ended=3.0, outcome="failed")
    assert find(store, "ab")[1]["run"] == "one"
    store.study("one").remove([KEY])
    assert find(store, "ab")[1]["run"] == "two"
    store.study("two").remove([KEY])
    assert find(store, "ab")[1]["run"] == "three"


def test_a_damaged_run_is_named(store):
    commit(store.study("one"), KEY)
    commit(store.study("one"), OTHER)
    (store.study("one").layout.run(OTHER) / "record.json").write_text("{")
    with pytest.raises(StoreError, match=f"run one/{OTHER}: record.json cannot be read"):
        find(store, OTHER)
    assert find(store, "ab")[1]["key"] == KEY


def test_an_empty_study_and_an_empty_folder(store):
    with pytest.raises(Refused, match="no runs in"):
        find(store, "ab")
    store.study("one").open()
    with pytest.raises(Refused, match="study one: has no runs"):
        find(store, "one/ab")
    with pytest.raises(Refused, match="no runs in"):
        find(store, "ab")
