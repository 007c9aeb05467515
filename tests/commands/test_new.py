"""`rnnbench list` and `rnnbench new`: names that exist, and a file to start from."""


def test_lists(folder, rnnbench):
    for what, names in (
        ("models", ("brnn", "elman", "jordan", "mlp", "narx", "rnn", "tdnn")),
        ("tasks", ("adding", "csv", "sunspots", "temporal_order", "window")),
        ("experiments", ("demo", "example3")),
    ):
        code, out, err = rnnbench(f"list {what}")
        assert (code, err) == (0, "") and all(f"\n{name}" in "\n" + out for name in names)
    assert "tdnn: window=span" in rnnbench("list sizes")[1]
    code, out, err = rnnbench("list model")
    assert (code, out) == (1, "") and "invalid choice: 'model' (choose from" in err


def test_new_refuses_what_it_cannot_write(folder, rnnbench):
    assert rnnbench("new model mine") == (0, "rnnbench_plugins/mine.py\ntry it: rnnbench check mine\n", "")
    for line, said in (
        ("new model mine", "rnnbench_plugins/mine.py"),
        ("new modle other", "invalid choice: 'modle' (choose from"),
        ("new model elman", "elman: is a built-in name"),
        ("new model", "the following arguments are required: NAME\nsee: rnnbench new --help"),
    ):
        code, out, err = rnnbench(line)
        assert (code, out) == (1, "") and said in err, err
    assert [path.name for path in (folder / "rnnbench_plugins").iterdir()] == ["mine.py"]
