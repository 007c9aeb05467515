"""Files and folders that are replaced whole."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rnnbench.base.files import remove_drafts, replace_folder, write_whole

ROOT = Path(__file__).resolve().parents[2]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced(durable, tmp_path):
    for content in (b"a longer one", b"new"):
        write_whole(tmp_path / "a.json", content, durable=durable)
    assert contents(tmp_path) == {"a.json": b"new"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_where_writing_fails_the_old_file_stays_and_no_draft(call, tmp_path, monkeypatch):
    write_whole(tmp_path / "a", b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "a", b"new", durable=True)
    assert contents(tmp_path) == {"a": b"old"}


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    write_whole(tmp_path / "a", b"")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def run_killed(code, *arguments):
    """Run code that kills its own process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], env=environment, timeout=60)
    assert done.returncode == -signal.SIGKILL


KILLED_FILE = """
import os, signal, sys
from pathlib import Path
from rnnbench.base.files import write_whole

os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
write_whole(Path(sys.argv[1]), b"new")
"""


def test_a_killed_writer_leaves_the_old_file_and_a_draft_that_can_be_removed(tmp_path):
    write_whole(tmp_path / "a[1]", b"old")
    write_whole(tmp_path / "b", b"other")
    run_killed(KILLED_FILE, tmp_path / "a[1]")
    assert contents(tmp_path)["a[1]"] == b"old" and len(contents(tmp_path)) == 3
    remove_drafts(tmp_path / "b")
    assert len(contents(tmp_path)) == 3
    remove_drafts(tmp_path / "a[1]")
    assert contents(tmp_path) == {"a[1]": b"old", "b": b"other"}


def test_a_new_folder_replaces_all_of_the_old_one(tmp_path):
    replace_folder(tmp_path / "made", {"a": b"1", "b": b"1"})
    replace_folder(tmp_path / "made", {"a": b"2"})
    assert contents(tmp_path / "made") == {"a": b"2"}
    assert list(tmp_path.iterdir()) == [tmp_path / "made"]


KILLED_FOLDER = """
import os, signal, sys
from pathlib import Path
from rnnbench.base.files import replace_folder

class Files(dict):
    def items(self):
        yield "a", b"2"
        os.kill(os.getpid(), signal.SIGKILL)

replace_folder(Path(sys.argv[1]), Files())
"""


def test_a_killed_writer_leaves_the_old_folder_whole(tmp_path):
    folder = tmp_path / "made"
    replace_folder(folder, {"a": b"1", "b": b"1"})
    run_killed(KILLED_FOLDER, folder)
    assert contents(folder) == {"a": b"1", "b": b"1"}
    replace_folder(folder, {"a": b"3"})
    assert contents(folder) == {"a": b"3"}


class FullDisk(dict):
    """Contents that cannot be written."""

    def items(self):
        raise OSError("no space left on the device")


def test_a_full_disk_leaves_the_old_folder(tmp_path):
    replace_folder(tmp_path / "made", {"a": b"1"})
    with pytest.raises(OSError, match="no space"):
        replace_folder(tmp_path / "made", FullDisk({"a": b"2"}))
    assert contents(tmp_path / "made") == {"a": b"1"}
    assert list(tmp_path.iterdir()) == [tmp_path / "made"]
