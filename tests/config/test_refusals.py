"""Every wrong command line ends in one or two plain lines saying what is allowed; nothing is written."""

import re

import pytest

#: command line: what its message must contain
WRONG = {
    # names
    "rnu": "did you mean run?",
    "lst models": "did you mean list?",
    "list modles": "invalid choice: 'modles' (choose from",
    "list": "rnnbench list --help",
    "report": "rnnbench report --help",
    "report nosuch": "nosuch: unknown study",
    "ui --port abc": "abc",
    "ui --port 99999999": "between 1 and 65535",
    "ui": "no runs",
    "--vers": "--vers",
    "run --modle": "--modle",
    "run -x": "-x",
    "run elman": "elman: expected key=value (did you mean model=elman?)",
    "run =3": "=3: expected key=value",
    "run model=elmann": "model=elmann: unknown model (did you mean elman?)",
    "run model=RNN": "did you mean rnn?",
    "run model=": "model=: unknown model",
    "run model=null": "allowed: brnn, custom, elman",
    "run model=[elman,rnn]": "unknown model",
    "run task=addng": "did you mean adding?",
    "run train=fast": "allowed: default, smoke",
    "run tracking=cloud": "allowed: local, server",
    "run launcher=dask": "launcher=dask: unknown key",
    "run experiment=dem": "did you mean demo?",
    # keys
    "run modle=elman": "modle=elman: unknown key (did you mean model?)",
    "run foo=1": "foo=1: unknown key",
    "run model.hiden=64": "model.hiden=64: unknown key (did you mean model.hidden?)",
    "run task.lenght=50": "did you mean task.length?",
    "run train.updatess=5": "did you mean train.updates?",
    "run init.inputs=glorot": "did you mean init.input?",
    "run budget.parameter=100": "did you mean budget.parameters?",
    "run model=elman model.window=3": "model.window=3: unknown key",
    "run +model.zzz=1": "+model.zzz=1: keys cannot be added; one that exists is set by model.zzz=1",
    "run +experiment=demo": "keys cannot be added; one that exists is set by experiment=demo",
    "run +seeds=3": "keys cannot be added; one that exists is set by seeds=3",
    "run ++model.hidden=3": "keys cannot be added; one that exists is set by model.hidden=3",
    "run +foo=1": "+foo=1: unknown key",
    "run +sedes=3": "+sedes=3: unknown key (did you mean seeds?)",
    "run ~model": "keys cannot be removed",
    "run model@foo=elman": "Hydra's own keys",
    "run hydra.run.dir=elsewhere": "Hydra's own keys",
    "run hydra/launcher=desk": "hydra/launcher=desk: unknown",
    "run hydra/sweeper=optuna": "rnnbench sweeps itself; use -m",
    "run hydra.callbacks.x=1": "rnnbench does not call Hydra's callbacks",
    "run hydra.mode=SWEEP": "hydra.mode=SWEEP: use -m, or hydra: {mode: MULTIRUN} in a study",
    "run hydra.searchpath=[gone]": "hydra.searchpath=gone: no such folder",
    "run hydra.searchpath=gone": "hydra.searchpath=gone: must be a list of folders",
    "run -cd gone": "--config-dir=gone: no such folder",
    "run hydra/launcher=ray": "needs hydra-ray-launcher: pip install 'rnnbench[ray]'",
    "run hydra/launcher=dask hydra.launcher.workers=0": "hydra.launcher.workers=0: must be",
    "run hydra/launcher=dask hydra.launcher.wrkers=2": "hydra.launcher.wrkers",
    "run hydra.launcher.workers=2": "hydra.launcher.workers",
    "run train.updates=5 train.updates=6": "train.updates is already given by train.updates=5",
    "run model=elman model=rnn": "model is already given",
    # types
    "run model.hidden=abc": "model.hidden=abc: must be a whole number",
    "run model.hidden=1e3": "model.hidden=1e3: must be a whole number",
    "run model.hidden=true": "must be a whole number",
    "run model.hidden=null": "must be a whole number",
    "run model.hidden=": "must be a whole number",
    "run model.hidden=[1,2]": "must be a whole number",
    "run model.hidden.x=1": "model.hidden: has no keys below it",
    "run model.hidden=[": "model.hidden=[: the value of model.hidden cannot be read",
    "run model.hidden=${foo}": "'foo' not found",
    "run tracking=server": "MLFLOW_TRACKING_URI",
    "run task.length=1.5": "must be a whole number",
    "run train.lr=abc": "train.lr=abc: must be a number, or null",
    "run train.stop_when_solved=maybe": "must be true or false",
    "run study=abc": "study=abc: must be a mapping of name",
    # ranges
    "run model.hidden=0": "model.hidden=0: must be a whole number of at least 1",
    "run model.activation=tanhh": "did you mean tanh?",
    "run model=jordan model.mu=1.5": "model.mu=1.5: must lie in [0, 1)",
    "run model=narx model.loop=opne": "did you mean open?",
    "run model=narx model.input_taps=[0,0]": "model.input_taps=[0, 0]: must be",
    "run model=narx model.loop=-1": "model.loop=-1: must be one of closed, open, or the step at which",
    "run model=narx model.loop=3 task=adding": "use loop=closed",
    "run model.gradient=ful": "model.gradient=ful: must be one of blocked, full, or a number of steps",
    "run model=rnn model.hidden=[4,2] model.layers=3": "model.hidden=[4, 2]: must be one width, or",
    "run model=rnn model.hidden=abc": "model.hidden=abc: must be a whole number",
    "run model=rnn model.skip=outputs": "did you mean output?",
    "run model=narx model.output_taps=[0]": "model.output_taps=[0]: must be",
    "run model=tdnn model.windows=[2,-4]": "model.windows=[2, -4]: must be null or a list",
    "run model=custom model.arrows=[x]": '"x" must be written source->target',
    "run model=custom model.arrows=[{source:x,target:g}]": "arrow x->g: unknown target 'g'",
    "run model=custom model.boxes=[{name:h,sise:3}]": "has the unknown key sise",
    "run model=custom model.file=missing.json": "model.file=missing.json: cannot be read",
    "run model=custom model.boxes=[{name:h,size:3}] budget.parameters=100": "no box of custom has the width",
    "run task.length=0": "task.length=0: must be a whole number of at least 2",
    "run task.variant=sutskever": "did you mean sutskever2013?",
    "run task=csv": "task.path",
    "run task=csv task.path=missing.csv": "task.path=missing.csv",
    "run seeds=0": "seeds=0: must be how many",
    "run seeds=[0,0]": "list of different whole numbers",
    "run seeds=[0,a]": "list of different whole numbers",
    "run seeds=99999999999999999999": "999: must be how many (5 means 0 to 4), at most 10000",
    "run seeds=1000000000000": "seeds=1000000000000: must be how many",
    "run --cfg jobs": "invalid choice: 'jobs' (choose from 'job', 'hydra', 'all')",
    "run --info nosuch": "invalid choice: 'nosuch' (choose from 'all', 'config', ",
    "run -p train": "--package: only beside --cfg",
    "run --resolve": "--resolve: only beside --cfg",
    "run seeds=extend_list(3)": "lists cannot be extended; write the whole list, such as seeds=[0,1,2]",
    "run seeds=true": "must be how many",
    "run train.updates=0": "train.updates=0: must be a whole number of at least 1",
    "run train.batch=-3": "train.batch=-3: must be a whole number of at least 1",
    "run train.evaluate_every=0": "train.evaluate_every=0: must be a whole number of at least 1",
    "run train.threads=0": "train.threads=0: must be a whole number of at least 1",
    "run train.lr=-1": "train.lr=-1.0: must be a finite number of at least 0",
    "run train.lr=nan": "train.lr=nan: must",
    "run train.clip_norm=0": "train.clip_norm=0.0: must be a number above 0",
    "run train.clip_value=inf": "train.clip_value=inf: must be a finite number",
    "run train.dtype=float16": "did you mean float",
    "run train.reduction=avg": "must be one of mean, sum",
    "run train.memory=half": "train.memory=half: must be one of full, recompute",
    "run train.optimizer=adamm": "did you mean adam?",
    "run train.momentum=0.9": "train.momentum=0.9: adam has no such option",
    "run train.optimizer=sgd train.momentum=1.5": "train.momentum=1.5: must lie in [0, 1)",
    "run init.input=gloort": "spectral_radius (did you mean glorot?)",
    "run init.recurrent=orthogonal:x": "init.recurrent=",
    "run init.bias=nan": "init.bias=nan: must be a finite number",
    "run budget.parameters=0": "budget.parameters=0: must be a whole number",
    "run budget.parameters=2": "budget.parameters=2: must be about",
    "run budget.macs=2.5": "budget.macs=2.5: must be a whole number",
    "run budget.macs=2": "budget.macs=2: must be about",
    "run budget.macs=9 budget.parameters=9": "budget.macs=9: must be null beside budget.parameters=9",
    "run tracking.uri=mlruns": "tracking.uri=mlruns: unknown kind of address",
    "run study.name=../x": "study.name=../x: must be letters",
    # what does not go together
    "run model=brnn task=sunspots": "use a causal model",
    "run model=brnn train.memory=recompute": "only the past; box b reads the future (arrow b->b@-1)",
    "run model=brnn task=flipflop train.carry_state=true": "only the past; box b reads the future",
    "run task=adding train.carry_state=true": "needs a task that gives streams, and adding gives none",
    "run task=spoken model=narx model.loop=open": "loop=open needs targets known before the scored step",
    "run model=narx model.loop=open task=adding": "use loop=closed",
    "run model=elman,rnn": "rnnbench run -m sweeps over them",
    "run seeds=0,3": "seeds=[...] is a list",
    "run -m experiment=demo,exmple3": "unknown experiment (did you mean example3?)",
    "run experiment=demo,example3": "rnnbench run -m sweeps over them",
    "run launch.batch=0": "launch.batch=0.0: must be a number above 0, in seconds",
    "run tracking.mirror=never": "tracking.mirror=never: must be one of auto, later",
    "run train={lr:0.1,updatess:3}": "train.updatess=3: unknown key (did you mean train.updates?)",
    "run train={lr:0.1} train.lr=1": "train.lr is already given by train.lr=0.1",
    "run -m model=elman,rnnn": "model=elman,rnnn: unknown model (did you mean rnn?)",
    "run -m model=tdnn,elman model.window=3": "(in the configuration model=elman model.window=3)",
    "run -m train.lr=0.1,-1": "(in the configuration train.lr=-1)",
    "run -m train.lr=interval(0,1)": "tune.trials=20 'tune.space={train.lr: [uniform, 0, 1]}'",
    "run train.lr=interval(0,1)": "only lists of values can be swept",
    "run -m study.name=a,b": "must be the same for all configurations",
    "run -m model=narx model.loop=open task=adding,latch": "no configuration of this sweep is applicable",
    "run experiment=demo task.length=7": "task.length",
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_command_lines(line, empty, rnnbench):
    code, out, err = rnnbench(line)
    assert code == 1
    assert out == ""
    assert 1 <= len(err.splitlines()) <= 2, err
    assert err.startswith("rnnbench: ")
    assert WRONG[line] in err
    assert not re.search("Traceback|Error executing|HYDRA_FULL_ERROR|full_key|object_type", err)
    assert list(empty.iterdir()) == []


#: a study file: what the refusal of `rnnbench run experiment=mine` must contain
WRONG_STUDIES = {
    "trian: {updates: 5}": "study mine: trian: unknown key (did you mean train?)",
    "train: {update: 5}": "study mine: train.update: unknown key (did you mean train.updates?)",
    "train: {updates: many}": "study mine: train.updates=many: must be a whole number",
    "defaults: [override /model: elmann]": "elmann",
    "sweep: elman": "study mine: sweep must be a list of grids",
    "sweep: []": "study mine: sweep must be a list of grids",
    "sweep: [elman]": "study mine: sweep, grid 1: elman must be a mapping",
    "sweep: [{model: []}]": "study mine: sweep, grid 1: model has an empty list",
    "sweep: [{model: rnn}, {model: rnnn}]": "study mine: sweep, grid 2: model=rnnn: unknown model",
    "sweep: [{+model.hidden: 1}]": "keys cannot be added",
    "hydra: {run: {dir: x}}": "study mine: hydra: must be a mapping of launcher, mode, sweeper",
    "defaults: [override /hydra/launcher: ray]": "pip install 'rnnbench[ray]'",
    "hydra: {sweeper: {params: {train.lrr: 1}}}": "train.lrr=1: unknown key (did you mean train.lr?)",
    "sweep: {models: [{model: rnn}], tasks: {task: adding}}": "study mine: tasks must be a list of grids",
    "sweep: [{model: rnn, model.hiden: 4}]": "did you mean model.hidden?",
    "- a list": "must hold keys and values",
    "model: [": "cannot be read",
    "train: {threads: 1": "cannot be read",
}


@pytest.mark.parametrize("text", WRONG_STUDIES)
def test_wrong_study_files(text, empty, rnnbench):
    (empty / "experiments").mkdir()
    (empty / "experiments" / "mine.yaml").write_text(text)
    code, out, err = rnnbench("run experiment=mine")
    assert (code, out) == (1, "")
    assert 1 <= len(err.splitlines()) <= 2, err
    assert WRONG_STUDIES[text] in err
    assert [p.name for p in empty.iterdir()] == ["experiments"]


def test_a_folder_that_cannot_be_written(empty, rnnbench):
    (empty / "runs").write_text("a file in the way")
    code, _, err = rnnbench("run train=smoke")
    assert code == 1
    assert len(err.splitlines()) == 1 and "runs" in err


def test_a_report_that_cannot_be_written(folder, rnnbench):
    rnnbench("run train=smoke train.updates=1 task.length=8 task.test_size=16 task.validation_size=16")
    (folder / "reports").write_text("a file in the way")
    code, out, err = rnnbench("report default")
    assert (code, out) == (1, "")
    assert err.startswith("rnnbench: reports") and "cannot be written" in err and len(err.splitlines()) == 1


#: Each ends in an allocation that NumPy refuses at once, whatever the machine.
TOO_LARGE = (
    "model.hidden=9999999999",
    "task.length=9999999999999",
    "task.length=99999999999999999999",
    "train.batch=9999999999999",
)


@pytest.mark.parametrize("setting", TOO_LARGE)
def test_sizes_that_do_not_fit_into_memory(setting, folder, rnnbench):
    code, out, err = rnnbench(f"run model=elman train=smoke {setting} seeds=2")
    assert (code, out) == (1, "")
    assert err.startswith("rnnbench: ") and setting in err and "does not fit into memory" in err
    assert len(err.splitlines()) == 1, err
    assert not (folder / "runs").exists()


def test_one_size_of_a_sweep_that_does_not_fit_refuses_the_sweep(folder, rnnbench):
    code, out, err = rnnbench("run -m model=elman train=smoke model.hidden=4,9999999999")
    assert (code, out) == (1, "")
    assert "model.hidden=9999999999" in err and "does not fit into memory" in err
    assert not (folder / "runs").exists()
