"""What is stored is left out; what failed or was interrupted is run again."""

import signal
import threading

import pytest

from rnnbench.cli import main
from rnnbench.experiment import dry_run
from rnnbench.experiment.execution import checkpoint_path
from rnnbench.experiment.identity import run_key
from rnnbench.experiment.job import Runner
from rnnbench.experiment.plan import Plan
from rnnbench.experiment.progress import Progress
from rnnbench.experiment.resume import Outlook, seconds_of_a_run
from rnnbench.tasks.adding import Adding
from rnnbench.tracking import Claims, State, Store
from rnnbench.training import Checkpoint, fit
from rnnbench.training.fitting import prepare
from tests.experiment.composing import configured

TINY = "train=smoke task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4"


def state(configuration, seed, **changes):
    values = {
        "key": run_key(configuration, seed), "run_id": "r", "study": "default",
        "status": "finished", "outcome": "finished",
        "model": configuration.model_name, "task": configuration.task_name,
        "task_label": configuration.task.label, "seed": seed, "updates": 100, "seconds": 2.0,
        "parameters": configuration.network.n_parameters, "scores": {"test_score": 0.5}, "ended": 1.0,
    }  # fmt: skip
    return State(**values | changes)


def by_key(*states):
    return {s.key: s for s in states}


@pytest.fixture
def configuration():
    return configured(f"model=elman {TINY} seeds=5")


def test_every_run_is_done_failed_begun_or_missing(configuration, tmp_path):
    states = by_key(state(configuration, 0), state(configuration, 1, status="failed", outcome="failed"))
    path = checkpoint_path(tmp_path, "default", run_key(configuration, 2))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    outlook = Outlook(Plan([configuration]), states, tmp_path)
    assert outlook.left(configuration) == [1, 2, 3, 4]
    assert list(outlook.stored(configuration)) == [0]
    assert outlook.line == "1 done, 1 failed, 3 to run (1 from its checkpoint)"
    assert outlook.n_left == 4


def test_a_new_study_has_no_line(configuration, tmp_path):
    assert Outlook(Plan([configuration]), {}, tmp_path).line == ""


def test_resume_off_runs_everything(configuration, tmp_path):
    outlook = Outlook(Plan([configuration]), by_key(state(configuration, 0)), tmp_path, resume=False)
    assert outlook.left(configuration) == [0, 1, 2, 3, 4] and outlook.line == ""


def test_a_run_of_two_configurations_belongs_to_the_first(tmp_path):
    one, two = configured(f"model=elman {TINY} seeds=2"), configured(f"model=elman {TINY} seeds=3")
    outlook = Outlook(Plan([one, two]), {}, tmp_path)
    assert (outlook.left(one), outlook.left(two)) == ([0, 1], [2])


def test_a_run_that_another_sweep_has_done_is_done(configuration, tmp_path):
    outlook = Outlook(Plan([configuration]), {}, tmp_path)
    done = state(configuration, 3)
    outlook.update({done.key: done, "another": done})
    assert outlook.left(configuration) == [0, 1, 2, 4] and outlook.n_left == 4


def test_time_is_estimated_from_the_nearest_run_of_the_task(configuration):
    seen = [
        state(configuration, 0, updates=10, seconds=1.0, parameters=5000),
        state(configuration, 1, updates=10, seconds=3.0),
        state(configuration, 2, updates=10, seconds=5.0, model="rnn"),
        state(configuration, 3, updates=10, seconds=7.0, task_label="another task"),
    ]
    assert seconds_of_a_run(configuration, seen) == pytest.approx(20 * 0.3)
    assert seconds_of_a_run(configuration, seen[2:]) == pytest.approx(20 * 0.5)
    assert seconds_of_a_run(configuration, seen[3:]) is None


def test_a_finished_sweep_runs_nothing(folder, rnnbench):
    line = f"run -m model=elman,rnn {TINY} seeds=2"
    code, said, _ = rnnbench(line)
    assert code == 0
    before = Store().runs("default")
    code, out, err = rnnbench(line)
    # The results are told again; only the seconds are other ones.
    assert (code, [line[:50] for line in out.splitlines()]) == (0, [line[:50] for line in said.splitlines()])
    assert err == "default: 2 configurations, 4 runs: 4 done, 0 to run; resume=off runs them again\n"
    assert Store().runs("default") == before


def test_more_seeds_run_only_the_new_ones(folder, rnnbench):
    rnnbench(f"run model=elman {TINY} seeds=2")
    before = {r["run_id"] for r in Store().runs("default")}
    code, out, err = rnnbench(f"run model=elman {TINY} seeds=5")
    assert code == 0 and err == "default: 2 done, 3 to run\n"
    assert "solved 0 of 5" in out
    runs = Store().runs("default")
    assert before < {r["run_id"] for r in runs} and sorted(r["seed"] for r in runs) == [0, 1, 2, 3, 4]


def test_resume_off_runs_afresh_and_keeps_keys_unique(folder, rnnbench):
    line = f"run model=elman {TINY} seeds=2"
    rnnbench(line)
    before = sorted(Store().runs("default"), key=lambda run: run["seed"])
    assert rnnbench(f"{line} resume=off")[0] == 0
    after = sorted(Store().runs("default"), key=lambda run: run["seed"])
    assert [r["key"] for r in after] == [r["key"] for r in before]
    assert not {r["run_id"] for r in after} & {r["run_id"] for r in before}
    assert [r["scores"] for r in after] == [r["scores"] for r in before]


def kept_checkpoint(configuration, root, key):
    """Leave a checkpoint of a run behind, as an interruption does."""
    path = checkpoint_path(root, configuration.study, run_key(configuration, 0))
    keywords = {**configuration.fit_keywords, "seed": 0}
    defaults = {name: value for name, value in fit.__kwdefaults__.items() if name not in keywords}
    records = prepare(
        configuration.network,
        configuration.task,
        checkpoint=Checkpoint(path, None, key),
        **defaults,
        **keywords,
    )
    next(records)
    records.close()
    assert path.exists()


def test_resume_off_goes_on_from_no_checkpoint(folder, rnnbench, configuration):
    kept_checkpoint(configuration, folder / "runs", run_key(configuration, 0))
    assert rnnbench(f"run model=elman {TINY}")[0] == 0
    assert Store().runs("default")[0]["resumed"] == 1
    kept_checkpoint(configuration, folder / "runs", run_key(configuration, 0))
    assert rnnbench(f"run model=elman {TINY} resume=off")[0] == 0
    assert Store().runs("default")[0]["resumed"] == 0


def test_a_checkpoint_of_another_source_of_a_plugin_is_not_read(folder, rnnbench, configuration, monkeypatch):
    kept_checkpoint(configuration, folder / "runs", run_key(configuration, 0))
    made = {"task_source": "rnnbench_plugins/adding.py 1234"}
    monkeypatch.setattr("rnnbench.experiment.execution.sources", lambda model, task: made)
    code, _, err = rnnbench(f"run model=elman {TINY}")
    assert code == 0 and "belongs to another run" in err
    assert Store().runs("default")[0]["resumed"] == 0


def test_a_run_that_another_sweep_stored_and_gave_back_is_not_run_again(folder, rnnbench, monkeypatch):
    line = f"run model=elman {TINY} seeds=2"
    compiled, other = Runner.compile, []

    def meanwhile(self, dtypes):
        compiled(self, dtypes)
        if not other:
            other.append(True)
            assert main(line.split()) == 0

    monkeypatch.setattr(Runner, "compile", meanwhile)
    assert rnnbench(line)[0] == 0
    client, study = Store()._connect(), Store()._connection.find("default")
    assert len(client.search_runs([study], run_view_type=3)) == 2


def test_failed_runs_are_run_again(folder, rnnbench, monkeypatch):
    draw = Adding.test

    def broken(self, rng):
        if self.length == 9:
            raise RuntimeError("this task is broken")
        return draw(self, rng)

    line = f"run -m model=elman {TINY} task.length=8,9 seeds=2".replace("task.length=8 ", "")
    with monkeypatch.context() as patched:
        patched.setattr(Adding, "test", broken)
        assert rnnbench(line)[0] == 1
    states = Store().states("default")
    assert sorted(s.status for s in states.values()) == ["failed", "failed", "finished", "finished"]
    code, out, err = rnnbench(line)
    assert code == 0 and "2 done, 2 failed, 0 to run" in err and len(out.splitlines()) == 1
    assert len(Store().runs("default")) == 4
    assert {s.status for s in Store().states("default").values()} == {"finished"}


# The signal may cut an import of a library short, whose open file is then noticed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupted_run_goes_on_from_its_checkpoint(folder, rnnbench, monkeypatch):
    long = f"{TINY} train.updates=3000 train.evaluate_every=100".replace("train=smoke ", "")
    assert rnnbench(f"run model=rnn {long} study.name=whole")[0] == 0
    show = Progress.show

    def interrupted(self, number, seed, record):
        show(self, number, seed, record)
        if record["update"] == 1000:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Progress, "show", interrupted)
        assert rnnbench(f"run model=rnn {long}")[0] == 130
    assert Store().runs("default") == []
    updates = []

    def seen(self, number, seed, record):
        updates.append(record["update"])

    monkeypatch.setattr(Progress, "show", seen)
    code, _, err = rnnbench(f"run model=rnn {long}")
    assert code == 0 and err == "default: 0 done, 1 to run (1 from its checkpoint)\n"
    assert updates[0] > 1000
    (whole,), (resumed,) = Store().runs("whole"), Store().runs("default")
    assert resumed["resumed"] == 1 and resumed["scores"] == whole["scores"]
    times = ("seconds", "compiled_seconds")
    assert [{k: v for k, v in r.items() if k not in times} for r in resumed["history"]] == [
        {k: v for k, v in r.items() if k not in times} for r in whole["history"]
    ]
    assert Store().read_file(resumed, "weights.npz") == Store().read_file(whole, "weights.npz")
    assert not list((folder / "runs" / "checkpoints").rglob("*.npz"))


def test_dry_run_tells_what_would_be_run_and_writes_nothing(empty, rnnbench):
    code, out, err = rnnbench(f"run --dry-run -m model=elman,rnn {TINY} seeds=3")
    assert (code, err) == (0, "") and list(empty.iterdir()) == []
    lines = out.splitlines()
    assert lines[0].split() == ["configuration", "seeds", "done", "to", "run", "parameters", "time"]
    assert set(lines[1]) == {"─"}
    assert lines[2].split()[-5:] == ["3", "0", "3", "33", "unknown"]
    assert "default: 2 configurations, 6 runs: 6 to run" in out
    assert lines[-1] == "no estimate: no run of these tasks was seen"


def test_dry_run_estimates_from_what_was_seen(folder, rnnbench):
    rnnbench(f"run model=elman {TINY} seeds=2 study.name=other")
    code, out, _ = rnnbench(f"run --dry-run -m model=elman,rnn {TINY} seeds=3")
    assert code == 0 and "at most about 0." in out and "unknown" not in out
    rnnbench(f"run model=elman {TINY} seeds=2")
    code, out, _ = rnnbench(f"run --dry-run model=elman {TINY} seeds=2")
    assert out.splitlines()[-2:] == ["default: 1 configuration, 2 runs: 2 done, 0 to run", "nothing to run"]


def test_dry_run_knows_what_a_finished_tuning_chose(folder, rnnbench):
    line = f"-m model=elman,tdnn {TINY} tune.trials=5 tune.updates=10"
    _, out, _ = rnnbench(f"run --dry-run {line}")
    assert "before them, 10 runs of the tuning" in out
    assert rnnbench(f"run {line}")[0] == 0
    _, out, err = rnnbench(f"run --dry-run {line}")
    assert out.splitlines()[-2:] == ["default: 2 configurations, 2 runs: 2 done, 0 to run", "nothing to run"]
    assert "tuning" not in out + err
    store = Store()
    store.remove("default.tuning", [list(store.states("default.tuning"))[-1]])
    _, out, _ = rnnbench(f"run --dry-run {line}")
    assert "before them, 1 run of the tuning" in out and "at most about" in out
    assert "before them, 10 runs" in rnnbench(f"run --dry-run {line} resume=off")[1]


def test_checkpoints_of_runs_that_are_done_are_removed(folder, rnnbench):
    """Their sweep was killed after storing the runs; one that another sweep runs afresh keeps its own."""
    line = f"run model=elman {TINY} seeds=3"
    assert rnnbench(line)[0] == 0
    keys = [record["key"] for record in Store().runs("default")]
    paths = [checkpoint_path(folder / "runs", "default", key) for key in keys]
    paths[0].parent.mkdir(parents=True)
    for path in (*paths, paths[0].with_name(f"{paths[0].name}.1-2.part")):
        path.write_bytes(b"left behind")
    damaged = paths[0].with_name(f"{paths[0].name}.damaged")
    damaged.write_bytes(b"to be looked at")
    with Claims(folder / "runs", "default") as claims:
        assert claims.take(keys[1])
        code, _, err = rnnbench(line)
        assert code == 0 and err.startswith("default: 3 done, 0 to run")
        assert sorted(paths[0].parent.iterdir()) == sorted([damaged, paths[1]])
    assert rnnbench(line)[0] == 0
    assert list(paths[0].parent.iterdir()) == [damaged]


def test_dry_run_counts_the_time_of_trials(tmp_path, capsys):
    line = "model=elman seeds=2 train.updates=100 train.threads=1 tune.trials=4 tune.updates=50"
    plan = Plan([configured(line)])
    known = state(plan.configurations[0], 7, updates=10, seconds=1.0)
    dry_run.show(plan, Outlook(plan, {}, tmp_path), [known], trials=3)
    # 2 runs of 10 s and 3 of 5 s.
    assert "at most about 35 s with 1 at a time" in capsys.readouterr().out


def test_a_budget_of_seconds_takes_longer_by_what_evaluation_and_data_take():
    configuration = configured("model=elman train.seconds=10")
    assert seconds_of_a_run(configuration, []) == 10.0
    known = state(configuration, 7, seconds=3.0, compiled_seconds=2.0)
    assert seconds_of_a_run(configuration, [known]) == pytest.approx(15.0)


def test_a_span_that_does_not_fit_into_memory_costs_no_training(folder, rnnbench):
    line = f"run model=elman {TINY} seeds=2"
    code, out, err = rnnbench(f"{line} evaluate.spans=[8,10000000000000]")
    said = "evaluate.spans: 10000000000000 of adding T=8 does not fit into memory; it is left out"
    assert (code, out.count("\n"), err.count(said)) == (0, 1, 1)
    assert [r["generalisation"]["values"] for r in Store().runs("default")] == [[8], [8]]
    assert rnnbench(f"{line} evaluate.spans=[12,10000000000000]")[0] == 0
    assert [r["generalisation"]["values"] for r in Store().runs("default")] == [[8, 12], [8, 12]]
    assert rnnbench(f"{line} evaluate.spans=[10000000000000]")[0] == 0
    assert len(Store().runs("default")) == 2


def test_further_spans_need_no_training(folder, rnnbench):
    line = f"run model=elman {TINY} seeds=2"
    assert rnnbench(line)[0] == 0
    assert [r["generalisation"] for r in Store().runs("default")] == [None, None]
    code, out, err = rnnbench(f"{line} evaluate.spans=[8,12]")
    assert (code, out.count("\n")) == (0, 1) and "2 stored runs to be tried on further spans" in err
    first = next(r for r in Store().runs("default") if r["seed"] == 0)
    assert first["generalisation"]["values"] == [8, 12]
    assert first["generalisation"]["scores"][0] == pytest.approx(first["scores"]["test_score"])
    assert rnnbench(f"{line} evaluate.spans=[8,16]")[0] == 0
    assert Store().runs("default")[0]["generalisation"]["values"] == [8, 12, 16]
    assert rnnbench(f"run model=elman {TINY} seeds=2 evaluate.spans=[8,12] study.name=new")[0] == 0
    again = next(r for r in Store().runs("new") if r["seed"] == 0)
    assert again["generalisation"]["scores"] == first["generalisation"]["scores"]
