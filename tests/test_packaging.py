"""What is installed, with which versions, and what `make` offers."""

import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]
PYTHONS = ("3.11", "3.12", "3.13")


def build(target, folder):
    """Build a wheel or an sdist without an isolated environment, which would need a package index."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (made,) = Path(folder).iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    pytest.importorskip("hatchling")
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_its_configuration_and_its_studies(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = [
        f"rnnbench/{p.relative_to(ROOT)}" for d in ("conf", "experiments") for p in (ROOT / d).rglob("*.yaml")
    ]
    assert len(inside) > 5
    package = [
        str(p.relative_to(ROOT)) for p in (ROOT / "rnnbench").rglob("*") if p.suffix in (".py", ".j2", ".txt")
    ]
    assert set(inside) | set(package) <= names
    assert not [name for name in names if not name.startswith(("rnnbench/", "rnnbench-"))]


def test_the_wheel_runs_from_another_folder(wheel, tmp_path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(site)
    elsewhere.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site)}

    def python(*arguments):
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=120
        )

    where = python("-c", "import rnnbench; print(rnnbench.__file__)")
    assert where.stdout.startswith(str(site))
    listed = python("-m", "rnnbench", "list", "experiments")
    assert listed.returncode == 0, listed.stderr
    assert all(path.stem in listed.stdout for path in (ROOT / "experiments").glob("*.yaml"))
    composed = python("-m", "rnnbench", "run", "--cfg", "job", "experiment=example3")
    assert composed.returncode == 0, composed.stderr
    assert not list(elsewhere.iterdir())


def test_the_source_archive_is_enough_to_build_and_test(tmp_path):
    pytest.importorskip("hatchling")
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = ("pyproject.toml", "constraints.txt", "Makefile", "README.md", "LICENSE", "CHANGELOG.md")
    assert {*needed, "tests/test_packaging.py", "conf/rnnbench.yaml", "experiments/example3.yaml"} <= names
    assert not [name for name in names if name.startswith(("runs/", ".venv/", ".git/"))]


def test_constraints_are_exact_versions_and_nothing_else():
    assert len(CONSTRAINTS) > 100
    for one in CONSTRAINTS:
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", str(one.specifier)), one
        assert one.url is None
        assert not one.extras
    assert "://" not in (ROOT / "constraints.txt").read_text()


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_name_each_package_once_for_each_python(python):
    names = [canonicalize_name(one.name) for one in CONSTRAINTS if holds(one, python)]
    assert len(names) == len(set(names))
    assert {canonicalize_name(one.name) for one in CONSTRAINTS} == set(names)


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_lie_in_the_ranges_of_the_project(python):
    versions = {canonicalize_name(one.name): one.specifier for one in CONSTRAINTS if holds(one, python)}
    for asked in requirements():
        (exact,) = versions[canonicalize_name(asked.name)]
        assert asked.specifier.contains(exact.version), asked


def test_constraints_cover_everything_that_is_needed():
    constrained = {canonicalize_name(one.name) for one in CONSTRAINTS}
    missing, open_names = set(), [requirement.name for requirement in requirements()]
    seen = set()
    while open_names:
        name = canonicalize_name(open_names.pop())
        if name in seen:
            continue
        seen.add(name)
        missing |= {name} - constrained
        open_names += needed_by(name)
    assert not missing
    assert len(seen) > 80


def test_make_help_lists_every_target():
    shown = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    (phony,) = re.findall(r"^\.PHONY: (help .*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^  make (\S+)", shown, re.MULTILINE)) == set(phony.split())
    named = {"demo", "test", "test-faults", "test-peers", "bench", "ui", "lint", "help", "clean"}
    assert named == set(phony.split())


def test_what_ci_runs():
    assert "make lint test" in (ROOT / ".ci" / "run").read_text()


def holds(requirement, python):
    environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def requirements():
    """Return what the project asks for, its extras and its build backend included."""
    asked = [
        *PROJECT["dependencies"],
        *(r for extra in PROJECT["optional-dependencies"].values() for r in extra),
    ]
    return [Requirement(text) for text in asked]


def needed_by(name):
    """Names of what an installed package needs here, without its extras; none when it is not installed."""
    try:
        asked = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    parsed = [Requirement(text) for text in asked]
    return [r.name for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]
