"""Who may import whom, read off the source; and how little `import rnnbench` loads."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "rnnbench"

#: package: (what of rnnbench it may import, third-party libraries it may import)
TABLE = {
    "base": (set(), {"numpy", "rich"}),
    "kernels": (set(), {"numba", "llvmlite", "numpy"}),
    "network": ({"base", "kernels"}, {"numpy"}),
    "diagrams": (
        {"base", "network", "models", "diagnostics"},
        {"numpy", "matplotlib", "jinja2"},
    ),
    "models": ({"base", "network"}, set()),
    "tasks": ({"base"}, {"numpy"}),
    "training": ({"base", "network", "kernels", "tasks"}, {"numpy"}),
    "diagnostics": ({"base", "network"}, {"numpy"}),
    "plugins": ({"base", "models", "tasks", "network", "training"}, {"numpy"}),
    "checking": ({"base", "models", "tasks", "network", "training"}, {"numpy"}),
    "config": (
        {"base", "models", "tasks", "network", "kernels", "training", "plugins"},
        {"hydra", "omegaconf"},
    ),
    "store": ({"base"}, {"filelock"}),
    "sweep": (
        {
            "base",
            "config",
            "store",
            "training",
            "diagnostics",
            "network",
            "kernels",
            "tasks",
            "models",
            "plugins",
        },
        {"omegaconf", "numpy", "optuna", "threadpoolctl", "rich"},
    ),
    "reporting": (
        {"base", "store", "diagrams"},
        {"pandas", "scipy", "matplotlib", "plotly", "jinja2", "numpy", "rich"},
    ),
    "commands": (
        {
            "base",
            "kernels",
            "network",
            "diagrams",
            "models",
            "tasks",
            "training",
            "diagnostics",
            "plugins",
            "checking",
            "config",
            "store",
            "sweep",
            "reporting",
        },
        {"hydra", "omegaconf", "rich", "numpy"},
    ),
}
#: libraries imported inside the task or the launcher that needs them
INSIDE_FUNCTIONS = {
    ("tasks", "statsmodels"),
    ("store", "mlflow"),
    ("store", "sqlalchemy"),
    ("store", "requests"),
    ("sweep", "hydra"),
    ("sweep", "joblib"),
    ("sweep", "dask"),
    ("sweep", "distributed"),
    ("sweep", "submitit"),
}
#: of these only descriptions may be used: names that are no arrays and no code of another room
ONLY = {("models", "network"): {"ACTIVATIONS", "Arrow", "Box", "LEARNED", "Network"}}


def imports(file):
    """Every import of a file: (module with dots, imported name or "", whether at module level).

    Of a package taken in whole (`import rnnbench`, `from rnnbench import network`) the names used are listed.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]

    def used(package):
        return sorted({node.attr for node in attributes if getattr(node.value, "id", None) == package})

    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names = used(alias.asname or alias.name) if alias.name == "rnnbench" else [""]
                found += [(alias.name, name, id(node) in top) for name in names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                inside = file.relative_to(ROOT).with_suffix("").parts
                module = ".".join([*inside[: len(inside) - node.level], *([module] if module else [])])
            for alias in node.names:
                if module == "rnnbench" and alias.name in TABLE:
                    names = used(alias.asname or alias.name)
                    found += [(f"rnnbench.{alias.name}", name, id(node) in top) for name in names]
                else:
                    found.append((module, alias.name, id(node) in top))
    return found


def rooms():
    """The sub-packages there are."""
    return sorted(path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py")))


def room_of(module, name):
    """The room of rnnbench that an import reaches into ("" for the package itself)."""
    parts = module.split(".")
    if len(parts) > 1:
        return parts[1]
    return name if name in TABLE else ""


def test_every_room_is_in_the_table():
    assert set(rooms()) <= set(TABLE)


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_only_what_the_table_allows(room):
    allowed, libraries = TABLE[room]
    wrong = []
    for file in sorted((PACKAGE / room).rglob("*.py")):
        for module, name, at_top in imports(file):
            first = module.split(".")[0]
            line = f"{file.relative_to(ROOT)}: {module} {name}"
            if first == "rnnbench":
                reached = room_of(module, name)
                if reached in TABLE and reached != room and reached not in allowed:
                    wrong.append(line)
                if reached not in TABLE and not name.startswith("__"):
                    wrong.append(line + " (only rooms may be imported)")
                if (room, reached) in ONLY and name not in ONLY[room, reached]:
                    wrong.append(line)
            elif first not in sys.stdlib_module_names and first not in libraries:
                if at_top or (room, first) not in INSIDE_FUNCTIONS:
                    wrong.append(line)
    assert not wrong, "\n".join(wrong)


def test_training_uses_the_contract_of_tasks_only():
    used = {
        (module, name)
        for file in (PACKAGE / "training").rglob("*.py")
        for module, name, _ in imports(file)
        if module.startswith("rnnbench.tasks")
    }
    assert {module for module, _ in used} <= {"rnnbench.tasks.contract"}


def test_one_room_knows_mlflow_and_one_hydra():
    holders = {
        library: {
            file.relative_to(PACKAGE).parts[0]
            for file in PACKAGE.rglob("*.py")
            for module, _, _ in imports(file)
            if module.split(".")[0] == library
        }
        for library in ("mlflow", "hydra")
    }
    assert holders == {"mlflow": {"store"}, "hydra": {"config", "commands", "sweep"}}


def test_the_oracle_imports_nothing_of_rnnbench():
    assert not [
        module for module, _, _ in imports(ROOT / "tests" / "naive.py") if module.startswith("rnnbench")
    ]


def loaded_after(code):
    """Names of all modules in memory after some code ran in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('\\n'.join(['LOADED', *sys.modules]))"],
        capture_output=True, text=True, cwd=ROOT, check=False, timeout=60,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split("LOADED\n")[-1].splitlines())


HEAVY = {"numpy", "numba", "hydra", "omegaconf", "mlflow", "pandas", "scipy", "matplotlib", "rich", "optuna"}


def test_import_is_lazy():
    assert not HEAVY & loaded_after("import rnnbench")
    assert not HEAVY & loaded_after("import rnnbench; dir(rnnbench); rnnbench.__version__")
    assert "numba" in loaded_after("import rnnbench; rnnbench.Network")


def test_help_is_light():
    code = """
sys.argv = ["rnnbench", "--help"]
from rnnbench.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code
"""
    assert not HEAVY & loaded_after(code)


def test_the_public_names_exist_and_nothing_else_does():
    import rnnbench

    for name in rnnbench.__all__:
        assert getattr(rnnbench, name) is not None
    with pytest.raises(AttributeError, match="nobody"):
        rnnbench.nobody  # noqa: B018
