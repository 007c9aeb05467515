"""Launchers by Hydra's names, with settings from files, plugins and the command line."""

from importlib.metadata import PackageNotFoundError

import pytest

from rnnbench.base.refusals import Refused
from rnnbench.config import launcher
from rnnbench.config.composition import composing, hydra_config
from rnnbench.config.launcher import LauncherChoice, read_launcher
from tests.config.composing import configured


def test_threads_are_the_default():
    assert configured().launcher == LauncherChoice("threads", {"_target_": "rnnbench.threads"})
    assert configured("hydra/launcher=basic").launcher.name == "basic"


def test_dask_and_its_settings():
    found = configured("hydra/launcher=dask hydra.launcher.workers=3").launcher
    assert found.name == "dask"
    assert found.settings == {"_target_": "rnnbench.dask", "address": None, "workers": 3}
    with pytest.raises(Refused, match=r"hydra.launcher.workers=0: must be a whole number of at least 1"):
        configured("hydra/launcher=dask hydra.launcher.workers=0")
    with pytest.raises(
        Refused, match=r"hydra.launcher.wrkers=2: unknown key \(did you mean hydra.launcher.workers"
    ):
        configured("hydra/launcher=dask hydra.launcher.wrkers=2")


def test_published_launchers():
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    assert configured("hydra/launcher=joblib hydra.launcher.n_jobs=2").launcher.settings["n_jobs"] == 2
    nice = "+hydra.launcher.additional_parameters.nice=5"
    slurm = configured(f"hydra/launcher=submitit_slurm hydra.launcher.partition=cpu {nice}").launcher
    assert slurm.name == "submitit_slurm"
    # A run at its time limit goes on in a job that is queued again.
    assert slurm.settings["max_num_timeout"] == 10
    assert (slurm.settings["partition"], slurm.settings["additional_parameters"]) == ("cpu", {"nice": 5})
    assert slurm.settings["submitit_folder"] == "runs/.submitit/%j"


def test_an_option_of_ones_own_keeps_the_launchers_name(empty):
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    (empty / "conf" / "hydra" / "launcher").mkdir(parents=True)
    path = empty / "conf" / "hydra" / "launcher" / "cluster.yaml"
    path.write_text("defaults: [submitit_slurm, _self_]\npartition: long\ntimeout_min: 600\n")
    found = configured("hydra/launcher=cluster").launcher
    assert (found.name, found.settings["partition"], found.settings["timeout_min"]) == (
        "submitit_slurm",
        "long",
        600,
    )


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("dask", "dask"),
        ("joblib", "joblib"),
        ("submitit_local", "slurm"),
        ("submitit_slurm", "slurm"),
        ("ray", "ray"),
    ],
)
def test_what_installs_a_missing_launcher(name, extra, monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(launcher, "version", missing)
    with pytest.raises(Refused, match=rf"hydra/launcher={name}: needs .*: pip install 'rnnbench\[{extra}\]'"):
        read_launcher(name, {})


def test_hydras_own_part_for_a_published_launcher():
    choice = configured("hydra/launcher=basic").launcher
    with composing():
        config = hydra_config(choice)
    assert list(config) == ["hydra"]
    assert config.hydra.launcher._target_ == "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
    assert config.hydra.output_subdir is None and config.hydra.job.chdir is False
    assert (config.hydra.run.dir, config.hydra.sweep.dir, config.hydra.sweep.subdir) == (
        "runs",
        "runs",
        "jobs",
    )


def test_hydras_own_part_has_the_settings():
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    choice = configured("hydra/launcher=submitit_local hydra.launcher.timeout_min=7").launcher
    with composing():
        config = hydra_config(choice)
    assert config.hydra.launcher.timeout_min == 7
    assert config.hydra.launcher.submitit_folder == "runs/.submitit/%j"


def test_a_study_chooses_a_launcher(empty):
    (empty / "experiments").mkdir()
    text = "defaults: [override /hydra/launcher: dask]\nhydra: {launcher: {workers: 2}}\n"
    (empty / "experiments" / "mine.yaml").write_text(text)
    found = configured("experiment=mine").launcher
    assert (found.name, found.settings["workers"]) == ("dask", 2)
    assert configured("experiment=mine hydra.launcher.workers=4").launcher.settings["workers"] == 4


def test_batches_are_the_same_for_a_sweep():
    assert configured().launch.batch == 30.0
    assert configured("launch.batch=5").launch.batch == 5.0
