"""Claims: one holder at a time, free at once where its process died, and lost claims are noticed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.store import Claim

HOLDER = """
import sys
from pathlib import Path
from rnnbench.store import Claim

claim = Claim(Path(sys.argv[1]))
print(claim.take(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the claim until it is told to end."""
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "a.claim"],
        env=os.environ | {"PYTHONPATH": str(root)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_claim_has_one_holder(tmp_path):
    first, second = (Claim(tmp_path / "a.claim") for _ in range(2))
    assert first.take() and first.held
    assert not second.take() and not second.held
    first.release()
    assert not first.held and second.take()
    second.release()
    assert list(tmp_path.glob("*.claim")) == []


def test_the_claim_of_a_live_process_is_refused(holder, tmp_path):
    claim = Claim(tmp_path / "a.claim")
    assert not claim.take()
    # What is not held is not given back.
    claim.release()
    assert not Claim(tmp_path / "a.claim").take()


def test_the_claim_of_a_killed_process_is_free_at_once(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=30)
    claim = Claim(tmp_path / "a.claim")
    assert claim.take() and claim.held
    claim.release()


@pytest.mark.parametrize("how", ["deleted", "taken over", "emptied"])
def test_a_lost_claim_is_noticed(tmp_path, how):
    claim = Claim(tmp_path / "a.claim")
    assert claim.take()
    text = claim.path.read_text()
    claim.path.unlink()
    if how == "taken over":
        other = Claim(tmp_path / "a.claim")
        assert other.take() and other.held
        assert claim.path.read_text() != text
    elif how == "emptied":
        claim.path.write_text("")
    assert not claim.held
    claim.release()
    if how == "taken over":
        assert other.held, "another's claim was given back"
        other.release()
