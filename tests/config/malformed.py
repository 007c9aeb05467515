"""What people and editors write by mistake: values, files of studies, networks and plugins, all seeded."""

import dataclasses
import itertools
import json
import random

from rnnbench.config import available, schema

#: Values that hardly any key accepts: wrong types, out of range, half-typed, Hydra's own notation.
VALUES = (
    *(
        "",
        "abc",
        "1.5",
        "-1",
        "0",
        "-0",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "5e-324",
        "1e308",
        "0x10",
        "null",
        "true",
    ),
    *("9" * 24, "9" * 5000, "x" * 5000, "é☃", "'a b'", "'a\nb'", "a\tb", "\x00", "\x1b[31m", "\udcff"),
    *(
        "[",
        "]",
        "{",
        "}",
        "'",
        '"',
        "(",
        "\\",
        "=",
        "a=b",
        "%s",
        "{}{}",
        "@x",
        "~",
        "*",
        "&a",
        "!!python/none",
    ),
    *(
        "[]",
        "{}",
        "[[1,2],[3]]",
        "[1,null]",
        "{a:1}",
        "{a:{b:[1]}}",
        "[" * 60 + "]" * 60,
        "[nan]",
        "[-1]",
        "[???]",
    ),
    *(
        "${",
        "${}",
        "${foo}",
        "${nosuch:1}",
        "${oc.env:RNNBENCH_NOT_SET}",
        "${model}",
        "${train}",
        "${train.updates}",
    ),
    *("${hydra:job.name}", "${oc.decode:'['}", "${oc.create:{a:1}}", "[${foo}]", "???", "${.x}", "${..}"),
    *("1,2", "1,2,", "range(1,3)", "range(0,0)", "range(1,1e9)", "range(1,5,0)", "shuffle(range(1,1e12))"),
    *("choice()", "interval(0,1)", "glob(*)", "glob(zz*)", "tag(a)", "sort(3,a)", "int(a)", "nosuch(1)"),
)

#: Arguments that are wrong by their form.
ARGUMENTS = (
    *(
        "",
        " ",
        "=",
        "==",
        "=1",
        "a",
        "+",
        "~",
        "++",
        "+=1",
        "-",
        "--",
        "---",
        "--=",
        "-mm",
        "--cfg=x",
        "--multirun=1",
    ),
    *(
        ".=1",
        "..=1",
        "model.=1",
        ".hidden=1",
        "model..hidden=1",
        "model/hidden=1",
        "/model=elman",
        "model/=elman",
    ),
    *(
        "[model]=elman",
        "model[hidden]=1",
        "model hidden=1",
        "model.hidden.x.y=1",
        "model@=elman",
        "@=x",
        "@a@b=c",
    ),
    *("model@task=elman", "model:hidden=1", "model.hidden:1", "'model'=elman", "model =elman", "MODEL=elman"),
    *("+model=elman", "++seeds=1", "~seeds", "~task.length=5", "+experiment=demo", "+hydra.x=1", "~hydra"),
    *("hydra=1", "hydra.run.dir=x", "hydra.job.chdir=true", "hydra/launcher=joblib", "hydra.mode=MULTIRUN"),
    *(
        "modles=elman",
        "mödel=elman",
        "model=elmann",
        "hydra/launcher=slurm",
        "tracking=x",
        "train=x",
        "train=[smoke]",
    ),
    *(
        "x" * 5000,
        "x" * 5000 + "=1",
        "model." + "x" * 5000 + "=1",
        "a." * 2000 + "b=1",
        "\x00=1",
        "\udcff=1",
        "é=1",
    ),
    *("_target_=os.system", "_self_=1", "defaults=[x]", "defaults.0=x", "null=1", "true=1", "1=1", "1.5=1"),
)

#: Files of studies, each wrong in its own way or, now and then, right.
STUDIES = (
    *(
        b"\t",
        b"a:\n\tb: 1",
        b"\xff\xfe\x00",
        bytes(range(256)),
        b"\x00",
        b"@",
        b"3",
        b"text",
        b"[]",
        b"--- 1\n--- 2",
    ),
    *(
        "sweep: []".encode("utf-16"),
        b"\xef\xbb\xbfsweep: 3",
        b"%YAML 9.9\n---\nsweep: 3",
        b"seeds: 1\n---\nseeds: 2",
    ),
    *(
        b"&a [*a]",
        b"a: &a {b: *a}",
        b"model: &a\n  hidden: *a",
        b"sweep: &a [*a]",
        b"study: &a {expected: *a}",
    ),
    *(
        b"study: {expected: &a [*a]}",
        b"sweep: &a [{model: elman, x: *a}]",
        b"seeds: &a [&b [*b]]",
        b"train: *nosuch",
    ),
    *(b"model: &a {hidden: 3}\ninit: *a", b"<<: 3", b"<<: [1]", b"train: {<<: 3}", b"seeds: 1\nseeds: 2"),
    *(
        b"? [a, b]\n: 1",
        b"1: 2",
        b"1.5: 2",
        b"true: 1",
        b"null: 1",
        b"[1]: 2",
        b"{a: 1}: 2",
        b"2020-01-01: 1",
    ),
    *(b"seeds: 2020-01-01", b"seeds: !!python/object:os.system x", b"seeds: !foo x", b"seeds: !!set {a, b}"),
    *(b"seeds: !!float x", b"seeds: !!int x", b"seeds: !!binary aGVsbG8=", b"seeds: 1e400", b"seeds: {a: 1}"),
    *(b"model: elman", b"model: 3", b"model: null", b"model: []", b"model: ''", b"model: ${train.updates}"),
    *(
        b"model: ${task}",
        b"task: ${model}",
        b"task: null",
        b"task: 3",
        b"train: null",
        b"train: 3",
        b"train: []",
    ),
    *(
        b"train: ${model}",
        b"init: null",
        b"init: ${model}",
        b"budget: null",
        b"budget: ${model}",
        b"tracking: null",
    ),
    *(b"study: null", b"study: x", b"study: ${model}", b"study: {name: [1]}", b"study: {name: a/b}"),
    *(b'study: {name: "a\\0b"}', b"study: {name: " + b"n" * 5000 + b"}", b"study: {nosuch: 1}"),
    *(b"study: {question: {a: 1}}", b"study: {question: [1]}", b'study: {question: "\\ud800"}'),
    *(b"study: {expected: '${nosuch}'}", b"study: {expected: '${'}", b"seeds: '${'", b"seeds: ${seeds}"),
    *(
        b"train: {updates: '${train.batch}', batch: '${train.updates}'}",
        b"train: {updates: '" + b"9" * 9000 + b"'}",
    ),
    *(
        b"defaults: 3",
        b"defaults: {}",
        b"defaults: [3]",
        b"defaults: [null]",
        b"defaults: [nosuch]",
        b"defaults: [mine]",
    ),
    *(
        b"defaults: [model: elman]",
        b"defaults: [override model: elman]",
        b"defaults: [override /model: [elman, rnn]]",
    ),
    *(
        b"defaults: [override /model: null]",
        b"defaults: [override /nosuch: x]",
        b"defaults: [override /model: nosuch]",
    ),
    *(b"defaults: [/model: elman]", b"defaults: [experiment: mine]", b"defaults: [_self_, _self_]"),
    *(b"defaults: [override /hydra/launcher: nosuch]", b"defaults: [override /model@foo: elman]"),
    *(b"hydra: 3", b"hydra: null", b"hydra: {run: {dir: x}}", b"hydra: {runtime: {choices: {model: rnn}}}"),
    *(
        b"sweep: 3",
        b"sweep: ''",
        b"sweep: []",
        b"sweep: [[]]",
        b"sweep: [[{model: elman}]]",
        b"sweep: [null]",
    ),
    *(
        b"sweep: [{model: null}]",
        b"sweep: [{model: {}}]",
        b"sweep: [{model: [[]]}]",
        b"sweep: [{model: [null]}]",
    ),
    *(
        b"sweep: [{null: 1}]",
        b"sweep: [{1: 1}]",
        b"sweep: [{'': 1}]",
        b"sweep: [{' ': 1}]",
        b"sweep: [{'a b': 1}]",
    ),
    *(b"sweep: [{train: {updates: 3}}]", b"sweep: [{train.updates: {a: 1}}]", b"sweep: [{experiment: demo}]"),
    *(b"sweep: [{hydra.run.dir: x}]", b"sweep: [{study.name: [a, b]}]", b"sweep: [{train.lr: .nan}]"),
    *(b"sweep: [{train.lr: 2020-01-01}]", b"sweep: [{train.lr: '${x}'}]", b"sweep: ${x}", b"sweep: '???'"),
    *(
        b"sweep: [{task.length: '1,2,'}]",
        b"sweep: [{task.length: 'range(0,0)'}]",
        b"sweep: [{model: 'glob(zz*)'}]",
    ),
    *(b"sweep: [{task.length: 'range(1,1e9)'}]", b"sweep: [{task.length: 'range(1,5,0)'}]"),
    *(b"sweep: [{'+model': elman}]", b"sweep: [{'~model': elman}]", b"sweep: [{'model@x': elman}]"),
    *(b"sweep: {a: [{model: elman}], b: null}", b"sweep: {a: [], b: []}", b"sweep: {model: [elman, rnn]}"),
    *(
        b"sweep: [{model: elman, model: rnn}]",
        b"sweep:\n - model: elman\n   task",
        b"sweep: [{task.length: 'a'",
    ),
    b"sweep: [{" + b", ".join(b"train.k%d: [1, 2]" % k for k in range(40)) + b"}]",
    b"sweep: {" + b", ".join(b"k%d: [{seeds: 1}, {seeds: 2}]" % k for k in range(30)) + b"}",
    b"sweep: [{train.updates: 'range(1,101)', train.batch: 'range(1,102)'}]",
    *(
        b"seeds: " + b"[" * 1000 + b"]" * 1000,
        b"study: " + b"{a: " * 400 + b"1" + b"}" * 400,
        b"x" * 20000 + b": 1",
    ),
    *(
        b"seeds: true",
        b"seeds: -1",
        b"seeds: 1.0",
        b"seeds: '3'",
        b"seeds: [1, 1]",
        b"seeds: [1.0]",
        b"seeds: [[0]]",
    ),
    *(b"_target_: os.system", b"train: {_target_: os.system}", b"experiment: demo", b"diagnostics: maybe"),
    *(
        b"init: {input: [1]}",
        b"init: {bias: x}",
        b"tracking: {uri: [x]}",
        b"tracking: {uri: '${oc.env:NOT_SET_X}'}",
    ),
)

GOOD_STUDY = b"""\
# @package _global_
defaults: [override /model: rnn]
study: {question: "What is it?", expected: [one, two]}
train: {updates: 50, lr: 0.01}
seeds: [0, 3]
sweep:
  models: [{model: [elman, rnn], model.hidden: [4, 8]}]
  tasks: [{task: adding, task.length: [20, 50]}]
"""

GOOD_NETWORK = {
    "n_in": 2,
    "output": "y",
    "initial": "zero",
    "boxes": [
        {"name": "h", "size": 3, "activation": "tanh", "bias": True},
        {"name": "y", "size": 1, "activation": "linear", "bias": True},
    ],
    "arrows": [
        {"source": "x", "target": "h", "lag": 0, "cut_every": 0, "weight": "learned"},
        {"source": "h", "target": "h", "lag": 1, "cut_every": 0, "weight": "learned"},
        {"source": "h", "target": "y", "lag": 0, "cut_every": 0, "weight": "learned"},
    ],
}

#: Entries that no part of a network can be.
ENTRIES = (
    None,
    -1,
    1.5,
    "",
    [],
    {},
    [[1]],
    {"a": 1},
    "nosuch",
    float("nan"),
    -(10**30),
    "h\n",
    "a" * 3000,
    "\ud800",
)

_CLASS = b"""\
from dataclasses import dataclass
from typing import ClassVar
@dataclass
class Mine:
    VERSION: ClassVar[int] = 1
"""
_BUILD = b"    def build(self, n_in, n_out, output_activation='linear'):\n        "
PLUGINS = (
    *(
        b"",
        b"\x00",
        b"\xff\xfe",
        b"x=",
        b"import nosuch",
        b"1/0",
        b"raise SystemExit(3)",
        b"def f(): f()\nf()",
    ),
    *(b"class A: pass", b"(" * 300, b"x = " + b"(" * 3000 + b")" * 3000, b"# -*- coding: nosuch -*-\n"),
    *(
        b"raise ValueError('a\\nb\\n' * 50)",
        b"raise ValueError('x' * 9999)",
        b"class A:\n    def build(self): pass",
    ),
    _CLASS,
    _CLASS.replace(b"int] = 1", b"str] = '1'") + _BUILD + b"return 3",
    _CLASS + b"    x: int = 3\n" + _BUILD + b"return 3",
    _CLASS + b"    x: int\n" + _BUILD + b"return 3",
    _CLASS + b"    x: 'Nope' = 3\n" + _BUILD + b"return 3",
    _CLASS + b"    x: complex = 3j\n" + _BUILD + b"return 3",
    _CLASS + _BUILD + b"return self.build(n_in, n_out)",
    _CLASS + _BUILD + b"raise ValueError('model.x=3: must be 4')",
)

#: Arguments of the commands beside `run`, by their first words.
OTHERS = {
    "report": ("", "x", "-1", "\x00", "../x", "a" * 5000, "é", "--uri", "--nosuch", "x y"),
    "report x": (
        "--uri",
        "--uri=x",
        "--uri=http://[",
        "--uri=http://127.0.0.1:abc",
        "--uri=http://127.0.0.1:9",
    ),
    "predict": (
        "",
        "abc",
        "abc x.csv y",
        "abc x.csv output=",
        "abc x.csv output=" + "9" * 5000,
        "abc x.csv loop=x",
    ),
    "predict abc x.csv": (
        "delimiter=",
        "delimiter=ab",
        "missing=x",
        "nosuch=1",
        "output=/nosuch/x",
        "--uri=mysq",
    ),
    "sample": (
        "",
        "abc length=0",
        "abc length=" + "9" * 5000,
        "abc length=²",
        "abc temperature=nan",
        "abc seed=-1",
    ),
    "sample abc": (
        "seed=" + "9" * 5000,
        "temperature=1e400",
        "temperature=x",
        "prefix",
        "x=1",
        "--uri=http://[",
    ),
    "check": (
        "",
        "nosuch",
        "a" * 5000,
        "elman x",
        "elman model.hidden",
        "adding model.hidden=3",
        "elman task.x=1",
    ),
    "check elman": tuple(
        f"model.hidden={v}"
        for v in ("", "x", "[", "nan", "-1", "9" * 5000, "${x}", "???", "1,2", "\x00", "{a:1}")
    ),
    "new": (
        "",
        "model",
        "task",
        "nosuch x",
        "model 1x",
        "model a-b",
        "model class",
        "model ../x",
        "task null",
    ),
    "new task": ("adding", "_x", "é", "a" * 5000, "", "\x00", "a.b"),
    "list": ("", "modles", "models x", "\x00", "a" * 5000, "--all"),
    "gallery": ("x", "--output", "--nosuch"),
    "ui": (
        "x",
        "--port",
        "--port=x",
        "--port=0",
        "--port=-1",
        "--port=1e3",
        "--port=" + "9" * 5000,
        "--uri=x",
    ),
    "draw": (
        *(f"steps={v}" for v in ("", "0", "41", "x", "²", "1.5", "9" * 5000, "\x00")),
        "output=",
        "output=\x00",
        "loop=x",
        "network=",
        "network=/",
        "network=nosuch.json",
        "model=x",
        "-x",
        "steps=1,2",
        "seeds=${foo}",
        "model.hidden=" + "9" * 5000,
        "model=elman,rnn",
        "init=${model}",
        "budget.parameters=x",
    ),
    "": ("nosuch", "--nosuch", "a" * 5000, "\x00", "rnu", "-m"),
}


def keys():
    """Every key of the schema, with the choice it needs."""
    config = schema.root()()
    found = [(f"{part}.{field.name}", "") for part in ("train", "init", "budget", "tracking", "study")
             for field in dataclasses.fields(getattr(config, part))]  # fmt: skip
    found += [(field.name, "") for field in dataclasses.fields(config)] + [
        ("hydra/launcher", ""),
        ("experiment", ""),
    ]
    for group, classes in (("model", available.models()), ("task", available.tasks())):
        for name, cls in classes.items():
            found += [(f"{group}.{field.name}", f"{group}={name}") for field in dataclasses.fields(cls)]
    return found


def overrides():
    """Each key with one of the values, and each value with one of the keys at least."""
    draw, lines, known = random.Random(0), [], keys()
    for key, choice in known:
        values = draw.sample(VALUES, 1)
        lines += [[*filter(None, [choice]), f"{key}={value}"] for value in values]
    lines += [
        [f"{key}={value}"]
        for value in VALUES
        for key in draw.sample(("seeds", "init", "train.lr", "study"), 1)
    ]
    return lines


def mutations():
    """Valid command lines in which a character was left out, put in, or changed places with the next."""
    draw = random.Random(1)
    valid = (
        "model=narx model.input_taps=[0,2] task=adding task.length=50 seeds=[0,3]",
        "-m model=elman,rnn task.length=20,50 train.lr=1e-3 train.clip_norm=null",
        "model=custom model.boxes=[h,{name:m,size:4}] model.arrows=[{source:x,target:h},{source:h,target:y}]",
        "experiment=example3 train.updates=5 init.input=uniform:0.1 study.question='a b'",
    )
    for n in range(40):
        text = list(valid[n % len(valid)])
        for _ in range(1 + n // 20):
            place = draw.randrange(len(text) - 1)
            kind = draw.randrange(3)
            if kind == 0:
                del text[place]
            elif kind == 1:
                text.insert(place, draw.choice("=,.[]{}()'\"\\$+~@ -:x0\x00"))
            else:
                text[place], text[place + 1] = text[place + 1], text[place]
        yield "".join(text).split()


def damaged(good, seed, count):
    """Contents of a file of which bytes were lost, changed or put in, or that ends too early."""
    draw = random.Random(seed)
    for n in range(count):
        content = bytearray(good)
        place = draw.randrange(len(content))
        if n % 4 == 0:
            del content[place:]
        else:
            content[place : place + draw.randrange(3)] = bytes([draw.choice(b"{}[]\"',:&*!-\t\n\x00\xff#0a")])
        yield bytes(content)


def networks():
    """Files that describe no network, or one that does not fit."""
    yield from (b"", b"\x00", b"\xff", b"[", b"3", b"null", b"[]", b"{}", b'"x"', b"NaN", b"[" * 100_000)
    yield json.dumps(GOOD_NETWORK).encode("utf-16")
    for part in ("boxes", "arrows"):
        yield from (json.dumps({**GOOD_NETWORK, part: entry}).encode() for entry in ENTRIES)
    yield from (json.dumps({**GOOD_NETWORK, "output": entry}).encode() for entry in ENTRIES)
    draw = random.Random(2)
    for part in ("boxes", "arrows"):
        first, *rest = GOOD_NETWORK[part]
        for key in first:
            for entry in draw.sample(ENTRIES, 3):
                yield json.dumps({**GOOD_NETWORK, part: [{**first, key: entry}, *rest]}).encode()
    many = 1200
    names = [f"b{n}" for n in range(many)]
    arrows = [f"{a}->{b}" for a, b in itertools.pairwise(names)]
    ends = ["x->b0", f"b{many - 1}->b0@1", "b0->y"]
    yield json.dumps({"boxes": names, "arrows": arrows + ends}).encode()
    yield from damaged(json.dumps(GOOD_NETWORK).encode(), 3, 12)
