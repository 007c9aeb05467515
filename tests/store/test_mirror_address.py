"""Which MLflow is meant, which addresses are refused, and that no secret is ever printed."""

import subprocess
import sys

import pytest

from rnnbench.base.refusals import Refused
from rnnbench.store.mirror.address import read_address, without_secrets


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_the_setting_goes_before_the_environment_and_that_before_the_default(tmp_path, monkeypatch):
    assert read_address(None, tmp_path).uri == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert read_address(None, tmp_path).uri == "http://127.0.0.1:5000"
    assert read_address("http://127.0.0.1:6000", tmp_path).uri == "http://127.0.0.1:6000"


def test_the_default_is_known_under_any_spelling(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_address("sqlite:///runs/mlflow.db", tmp_path / "runs").local
    assert not read_address("sqlite:///other.db", tmp_path / "runs").local


def test_a_folder_with_a_percent_sign_above_it_is_no_obstacle(tmp_path, monkeypatch):
    folder = tmp_path / "50%"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert read_address(None, folder / "runs").uri == "sqlite:///runs/mlflow.db"


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite://host/x.db",
        "sqlite:////dev/null/x.db",
        "sqlite:////tmp",
        "file:./mlruns",
        "file:///tmp/mlruns",
        "./mlruns",
        "databricks",
        "htp://127.0.0.1",
        "http://",
        "http://127.0.0.1:port",
    ],
)
@pytest.mark.parametrize("given_as", ["setting", "variable"])
def test_what_can_never_work_is_refused_by_its_text(tmp_path, monkeypatch, uri, given_as):
    if given_as == "variable":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(Refused) as refused:
        read_address(uri if given_as == "setting" else None, tmp_path)
    key = "tracking.uri" if given_as == "setting" else "MLFLOW_TRACKING_URI"
    assert str(refused.value).startswith(f"{key}={uri}: ")


def test_a_refusal_does_not_import_mlflow():
    code = (
        "import sys; from pathlib import Path; from rnnbench.store.store import Store\n"
        "from rnnbench.store.mirror import Mirror\n"
        "from rnnbench.base.refusals import Refused\n"
        "try: Mirror(Store(Path('runs')), 'file:./mlruns')\n"
        "except Refused: print('mlflow' in sys.modules, 'sqlalchemy' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.stdout == "False False\n"


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://me:secret@host/db",
        "postgresql://me:secr@et@host/db",
        "postgresql://host/db?password=secret",
        "http://host/?token=secret&x=secret",
        "no connection to http://me:secret@host:1/x",
        "https://secret@host",
    ],
)
def test_secrets_are_hidden(uri):
    shown = without_secrets(uri)
    assert "secr" not in shown
    assert "host" in shown


def test_a_refusal_hides_the_password(tmp_path):
    with pytest.raises(Refused) as refused:
        read_address("postgresql://me:secret@host:port/db", tmp_path)
    assert "secret" not in str(refused.value)
