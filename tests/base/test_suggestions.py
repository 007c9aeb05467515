"""Suggestions for misspelt words."""

from rnnbench.base.suggestions import did_you_mean, nearest


def test_the_nearest_word_regardless_of_case():
    assert nearest("hiden", ["hidden", "initial"]) == "hidden"
    assert nearest("narx", ["RNN", "NARX"]) == "NARX"


def test_no_distant_word_is_suggested():
    assert nearest("zzz", ["hidden", "initial"]) == ""
    assert nearest("x", []) == ""


def test_the_text_that_is_appended():
    assert did_you_mean("elmann", ["elman", "rnn"]) == " (did you mean elman?)"
    assert did_you_mean("zzz", ["elman"]) == ""
