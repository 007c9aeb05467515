"""Every task that is found, in every form that draws differently."""

from pathlib import Path

import numpy as np
import pytest

from rnnbench import tasks
from rnnbench.tasks.contract import Task

FORMS: dict[str, tuple[str, dict[str, object]]] = {
    "adding": ("adding", {}),
    "adding-hochreiter1997": ("adding", {"variant": "hochreiter1997"}),
    "adding-sutskever2013": ("adding", {"variant": "sutskever2013"}),
    "adding-pascanu2013": ("adding", {"variant": "pascanu2013"}),
    "adding-bai2018": ("adding", {"variant": "bai2018", "length": 21}),
    "copy": ("copy", {}),
    "copy-small": ("copy", {"length": 6, "symbols": 3, "items": 4}),
    "csv": ("csv", {"targets": "y"}),
    "csv-forecast": ("csv", {"targets": ["y", "v"], "inputs": ["y", "v", "u"], "horizon": 2, "length": 1000}),
    "echo": ("echo", {}),
    "echo-symbols": ("echo", {"length": 20, "delay": 1, "symbols": 4}),
    "flipflop": ("flipflop", {}),
    "flipflop-3": ("flipflop", {"channels": 3, "chunk": 20}),
    "example3": ("example3", {}),
    "hello": ("hello", {}),
    "latch": ("latch", {}),
    "latch-lin1996": ("latch", {"variant": "lin1996", "length": 50}),
    "plan": ("plan", {}),
    "plan-ragged": ("plan", {"sequences": ["abac", "cb", "ccab", "bbb"]}),
    "sunspots": ("sunspots", {}),
    "temporal_order": ("temporal_order", {}),
    "temporal_order-30": ("temporal_order", {"length": 30}),
    "text": ("text", {"length": 20}),
    "text-long": ("text", {"length": 10_000, "split": [0.6, 0.2, 0.2]}),
    "window": ("window", {}),
    "window-delay": ("window", {"delay": 5, "length": 40}),
    "window-classes": ("window", {"kind": "classification"}),
    "xor": ("xor", {}),
    "xor-3": ("xor", {"bits": 3}),
}


#: Tasks whose loss compares whole sequences: what holds for steps is not asked of them.
WHOLE = frozenset({"spoken"})


@pytest.fixture(scope="session")
def data_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 400 rows: y is a moving average of u plus noise, with holes in u and y; v is a sine."""
    rng = np.random.default_rng(5)
    u = rng.random(400)
    y = 10.0 + 4.0 * np.convolve(u, [0.5, 0.3, 0.2])[:400] + 0.2 * rng.standard_normal(400)
    v = np.sin(np.arange(400) / 5.0)
    rows = [f"{a},{b},{c}" for a, b, c in zip(u, v, y, strict=True)]
    rows[7] = f"{u[7]},{v[7]},"
    rows[350] = f"NA,{v[350]},{y[350]}"
    path = tmp_path_factory.mktemp("data") / "plant.csv"
    path.write_text("u,v,y\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of 500 words and some 2,000 characters, with line ends and a letter beyond ASCII."""
    words = np.array(["the", "cat", "sat", "on", "a", "très", "old", "mat.\n"])
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text(" ".join(np.random.default_rng(6).choice(words, 500)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def files(data_file: Path, text_file: Path) -> dict[str, dict[str, object]]:
    """The field that names the file, of the tasks that read one."""
    return {"csv": {"path": str(data_file)}, "text": {"path": str(text_file)}}


@pytest.fixture(params=list(FORMS))
def task(request: pytest.FixtureRequest, files: dict[str, dict[str, object]]) -> Task:
    """A task in one of its forms."""
    name, fields = FORMS[request.param]
    return tasks.found()[name](**fields, **files.get(name, {}))


@pytest.fixture(params=sorted({name for name, _ in FORMS.values()}))
def plain_task(request: pytest.FixtureRequest, files: dict[str, dict[str, object]]) -> Task:
    """A task with its default settings."""
    name, fields = next((name, fields) for name, fields in FORMS.values() if name == request.param)
    return tasks.found()[name](**fields, **files.get(name, {}))
