"""Small runs, given to launchers without a command line."""

import time
from pathlib import Path

import numpy as np

from rnnbench.config.identity import run_key
from rnnbench.config.launcher import LauncherChoice
from rnnbench.store import Store
from rnnbench.sweep.command import Command
from rnnbench.sweep.launchers import PlannedRun, make_launcher
from tests.config.composing import configured

SUBMITIT = "hydra_plugins.hydra_submitit_launcher.submitit_launcher"
#: What Hydra composes for `hydra/launcher=NAME`, as far as it matters here.
SETTINGS = {
    "threads": {},
    "dask": {"workers": 2},
    "joblib": {
        "_target_": "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher",
        "n_jobs": 2,
    },
    "submitit_local": {"_target_": f"{SUBMITIT}.LocalLauncher", "submitit_folder": "x", "timeout_min": 5},
    "submitit_slurm": {
        "_target_": f"{SUBMITIT}.SlurmLauncher",
        "submitit_folder": "x",
        "timeout_min": 1,
        "signal_delay_s": 30,
        "cpus_per_task": 1,
        "max_num_timeout": 5,
        "array_parallelism": 8,
    },
}
SMALL = "model=elman task.length=10 model.hidden=4 train.stop_when_solved=false"


def planned(line, task="adding"):
    configuration = configured(f"{SMALL} task={task} {line}")
    return [PlannedRun(configuration, s, run_key(configuration, s)) for s in configuration.seeds]


def launcher(name, **settings):
    return make_launcher(LauncherChoice(name, SETTINGS[name] | settings), 2)


def study_of(runs):
    study = Store("runs").study(runs[0].configuration.study)
    study.open()
    return study


def command(name="threads"):
    return Command(root=Path("runs").absolute(), launcher=name)


def launch(name, runs, **settings):
    with launcher(name, **settings) as opened:
        opened.launch(runs, command(name))


def weights(runs):
    """The weights of runs that have finished, by seed."""
    study = study_of(runs)
    found = {}
    for run in runs:
        if study.summary(run.key) is not None:
            with np.load(study.folder(run.key) / "weights.npz") as file:
                found[run.seed] = {name: file[name].tobytes() for name in file.files}
    return found


def claims(runs):
    """The process that trains, by key of the run."""
    found = {}
    for key, path in study_of(runs).training().items():
        fields = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        found[key] = int(fields["pid"])
    return found


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()
