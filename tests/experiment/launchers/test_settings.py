"""Launchers as they are chosen on the command line."""

import importlib.util
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from rnnbench.experiment import folders, schema
from rnnbench.experiment.launchers import launcher, settings
from rnnbench.experiment.refusals import Refused


def chosen(line):
    """Return the settings that a command line describes."""
    schema.register()
    settings.register(ConfigStore.instance())
    with initialize_config_dir(str(folders.conf()), version_base="1.3", job_name="rnnbench"):
        config = compose("config", overrides=line.split(), return_hydra_config=True)
    hydra = config.hydra
    return settings.read(hydra.runtime.choices["hydra/launcher"], OmegaConf.to_container(hydra.launcher))


def test_every_launcher_can_be_chosen():
    assert chosen("") == settings.Basic()
    assert chosen("hydra/launcher=dask") == settings.Dask(address=None, workers=None)
    line = "hydra/launcher=dask hydra.launcher.address=tcp://10.0.0.1:8786 hydra.launcher.workers=3"
    assert chosen(line) == settings.Dask("tcp://10.0.0.1:8786", 3)
    line = "hydra/launcher=submitit_local hydra.launcher.concurrency=2"
    assert chosen(line) == settings.SubmititLocal(concurrency=2)
    line = (
        "hydra/launcher=submitit_slurm hydra.launcher.partition=cpu hydra.launcher.timeout_min=90 "
        "hydra.launcher.mem_gb=2 hydra.launcher.setup=[a] hydra.launcher.additional_parameters={nice:5}"
    )
    slurm = settings.SubmititSlurm(
        timeout_min=90, partition="cpu", mem_gb=2.0, setup=["a"], additional_parameters={"nice": 5}
    )
    assert chosen(line) == slurm


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("dsak", {}, "hydra/launcher=dsak: unknown launcher (did you mean dask?)"),
        ("basic", {"workers": 2}, "hydra.launcher.workers=2: basic has no such setting"),
        ("dask", {"worker": 2}, "hydra.launcher.worker=2: dask has no such setting (did you mean workers?)"),
        ("dask", {"workers": 0}, "hydra.launcher.workers=0: must be a whole number of at least 1"),
        ("dask", {"workers": 1.5}, "hydra.launcher.workers=1.5: must be a whole number"),
        ("dask", {"address": " "}, "hydra.launcher.address: must be such as tcp://host:8786"),
        ("submitit_local", {"concurrency": True}, "hydra.launcher.concurrency=True: must be a whole number"),
        ("submitit_slurm", {"timeout_min": 0}, "hydra.launcher.timeout_min=0: must be a whole number"),
        (
            "submitit_slurm",
            {"additional_parameters": 3},
            "additional_parameters=3: must be such as {nice: 5}",
        ),
        ("submitit_slurm", {"mem_gb": 0.0}, "hydra.launcher.mem_gb=0.0: must be above 0"),
        (
            "submitit_slurm",
            {"max_num_timeout": -1},
            "max_num_timeout=-1: must be a whole number of at least 0",
        ),
    ],
)
def test_what_is_refused(name, given, said):
    with pytest.raises(Refused) as refused:
        settings.read(name, given)
    assert str(refused.value).startswith(said) or said in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 2


@pytest.mark.parametrize(("name", "extra"), [("dask", "dask"), ("submitit_slurm", "slurm")])
def test_an_extra_that_is_missing(name, extra, monkeypatch, tmp_path):
    package = settings.NEEDS[name][0]
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked, *a: None)
    with pytest.raises(
        Refused, match=rf"^hydra/launcher={name}: needs {package}: pip install 'rnnbench\[{extra}\]'$"
    ):
        settings.read(name, {})
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Refused, match=rf"pip install 'rnnbench\[{extra}\]'"):
        launcher(settings.KINDS[name](), 1, tmp_path)
