"""One study's runs: read, committed, deleted and restored. A run is a folder; there is no other truth."""

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rnnbench.base.files import sync, sync_folder, write_whole
from rnnbench.base.plain import as_json
from rnnbench.store import index
from rnnbench.store.claims import Claim
from rnnbench.store.errors import StoreError, reason
from rnnbench.store.history import read_history
from rnnbench.store.layout import RECORD, Layout
from rnnbench.store.summary import Summary

HISTORY = "history.csv"


class Study:
    """The runs of one study.

    Parameters
    ----------
    root : Path
        The folder of all studies.
    name : str
        Name of the study.

    Attributes
    ----------
    layout : Layout
        Where its parts lie.
    problems : list of str
        A line for each run that could not be read when `summaries` was called last.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.layout = Layout(root, name)
        self.problems: list[str] = []

    def open(self) -> None:
        """Make the folders of the study.

        Raises
        ------
        StoreError
            They cannot be made.
        """
        with self._plainly():
            self.layout.make()

    # -- reading -------------------------------------------------------------------------------------------

    def keys(self) -> set[str]:
        """Return the keys of all runs that ended, readable or not, without opening a file."""
        return set(index.scan(self.layout))

    def summaries(self) -> dict[str, Summary]:
        """Return what became of every run, by key, the oldest first; unreadable ones become `problems`."""
        found, self.problems = index.summaries(self.layout)
        return dict(sorted(found.items(), key=lambda item: (item[1].ended, item[0])))

    def folder(self, key: str) -> Path:
        """Return the folder of a run that ended, also while it is about to replace another one."""
        new = self.layout.new(key)
        return new if new.is_dir() else self.layout.run(key)

    def stamp(self, key: str) -> tuple[int, int] | None:
        """Return what changes whenever a run's folder is replaced or amended; None where there is none."""
        with suppress(OSError):
            status = os.stat(self.folder(key))
            return status.st_mtime_ns, status.st_ino
        return None

    def summary(self, key: str, folder: Path | None = None) -> Summary | None:
        """Return what became of one run; None where it has not ended or cannot be read.

        Parameters
        ----------
        key : str
            The run's key.
        folder : Path, optional
            A folder below `.removed` instead of the run's own.
        """
        with suppress(OSError, LookupError, TypeError, ValueError, AttributeError):
            return Summary.of(index.read_record(folder or self.folder(key)), key, self.name)
        return None

    def record(self, key: str) -> dict[str, Any]:
        """Return the whole record of a run, its evaluations as "history".

        Raises
        ------
        StoreError
            The run is not there or is damaged.
        """
        folder = self.folder(key)
        try:
            record = index.read_record(folder)
            Summary.of(record, key, self.name)
        except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"run {self.name}/{key}: {RECORD} cannot be read ({reason(error)})") from error
        try:
            text = (folder / HISTORY).read_text(encoding="utf-8") if record["outcome"] != "failed" else ""
            record["history"] = read_history(text)
            if record["outcome"] != "failed" and not record["history"]:
                raise ValueError("it holds no evaluation")
        except (OSError, ValueError) as error:
            raise StoreError(f"run {self.name}/{key}: {HISTORY} cannot be read ({reason(error)})") from error
        return record | {"key": key, "study": self.name}

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the whole records of all finished runs, the oldest first; damaged ones become `problems`."""
        for key, summary in self.summaries().items():
            if summary.finished:
                try:
                    yield self.record(key)
                except StoreError as error:
                    self.problems.append(str(error))

    def read_file(self, key: str, name: str) -> bytes:
        """Return one file of a run.

        Raises
        ------
        StoreError
            The run has no such file.
        """
        try:
            return (self.folder(key) / name).read_bytes()
        except OSError as error:
            raise StoreError(f"run {self.name}/{key}: {name} cannot be read ({reason(error)})") from error

    # -- runs in training ----------------------------------------------------------------------------------

    def claim(self, key: str) -> Claim:
        """Return the claim of a run, not taken yet."""
        return Claim(self.layout.claim(key))

    def training(self) -> dict[str, Path]:
        """Return the claim files of runs in training by key; those of processes that died are among them."""
        return {path.name.removesuffix(".claim"): path for path in self.layout.work.glob("*.claim")}

    def progress(self, key: str) -> list[dict[str, Any]]:
        """Return the evaluations of a run in training so far."""
        with suppress(OSError, ValueError):
            return read_history(self.layout.progress(key).read_text(encoding="utf-8"))
        return []

    def running_record(self, key: str) -> dict[str, Any] | None:
        """Return the facts of a run that has trained for a second or more; None of others."""
        with suppress(OSError, ValueError):
            found = json.loads(self.layout.running(key).read_bytes())
            return found if isinstance(found, dict) else None
        return None

    def has_checkpoint(self, key: str) -> bool:
        """Whether an interrupted training of a run can go on where it was."""
        return self.layout.checkpoint(key).exists()

    # -- writing -------------------------------------------------------------------------------------------

    def commit(self, claim: Claim, key: str, record: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Make a run that ended part of the study: one atomic rename, after everything is on the disk.

        Parameters
        ----------
        claim : Claim
            Of this run, held.
        key : str
            The run's key.
        record : mapping
            The content of `record.json`, without the history. Numbers that are not finite become null.
        files : mapping of str to bytes
            The other files by name.

        Raises
        ------
        StoreError
            It cannot be written, or the claim was lost meanwhile. Nothing of it is kept then.

        Notes
        -----
        Where an older run of the key stands, the new one becomes `KEY.new` first, then the old one moves to
        `.removed`, then `KEY.new` becomes `KEY`: at every moment one whole run can be read. A failed run
        does not replace a finished one; it goes to `.removed` itself.
        """
        layout = self.layout
        draft = layout.work / f"{key}.{secrets.token_hex(4)}.draft"
        with self._plainly():
            try:
                _write_folder(draft, {**files, RECORD: as_json(record)})
                if not claim.held:
                    raise StoreError(
                        f"run {self.name}/{key}: its claim was lost to another process; it is not stored"
                    )
                self.finish_exchange(key)
                older = self.summary(key)
                if older is not None and older.finished and record["outcome"] == "failed":
                    os.rename(draft, layout.free_place(key))
                elif layout.run(key).exists():
                    os.rename(draft, layout.new(key))
                    sync_folder(layout.folder)
                    self.finish_exchange(key)
                else:
                    os.rename(draft, layout.run(key))
                sync_folder(layout.folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)

    def recover(self, key: str) -> None:
        """Put in order what a process that was killed left of a run; the caller holds its claim."""
        self.finish_exchange(key)
        for draft in self.layout.work.glob(f"{key}.*.draft"):
            shutil.rmtree(draft, ignore_errors=True)

    def finish_exchange(self, key: str) -> None:
        """Complete an exchange of two runs of a key that was cut short; the caller holds the claim."""
        new, place = self.layout.new(key), self.layout.run(key)
        with self._plainly():
            if new.is_dir():
                if place.exists():
                    os.rename(place, self.layout.free_place(key))
                os.rename(new, place)

    def amend(self, key: str, record: Mapping[str, Any], files: Mapping[str, bytes] | None = None) -> None:
        """Replace the record of a run, and add files to it.

        Raises
        ------
        StoreError
            They cannot be written.
        """
        plain = {name: value for name, value in record.items() if name != "history"}
        with self._plainly():
            folder = self.folder(key)
            for name, content in {**(files or {}), RECORD: as_json(plain)}.items():
                write_whole(folder / name, content, durable=True)

    def remove(self, keys: Iterable[str]) -> list[str]:
        """Move runs to `.removed`, but for those in training; returns the keys of those that were moved."""
        moved = []
        self.open()
        with self._plainly():
            for key in keys:
                claim = self.claim(key)
                if claim.take():
                    try:
                        self.finish_exchange(key)
                        os.rename(self.layout.run(key), self.layout.free_place(key))
                        moved.append(key)
                    finally:
                        claim.release()
        return moved

    def restore(self, keys: Iterable[str] | None = None) -> list[str]:
        """Bring removed runs back, of each key the newest, where none stands now; returns their keys."""
        self.open()
        with self._plainly():
            removed = {path.name.partition(".")[0] for path in self.layout.removed.iterdir()}
            wanted = [k for k in sorted(removed) if keys is None or any(k.startswith(part) for part in keys)]
            found = [k for k in wanted if not self.folder(k).exists() and self.layout.removed_of(k)]
            for key in found:
                os.rename(self.layout.removed_of(key)[-1], self.layout.run(key))
        return found

    # -- facts about the study -----------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """Return what is known of the study as a whole: "question", and "skipped" (see `note`)."""
        with suppress(OSError, ValueError):
            found = json.loads(self.layout.facts.read_bytes())
            return found if isinstance(found, dict) else {}
        return {}

    def note(self, question: str, skipped: Iterable[Mapping[str, str]]) -> None:
        """Keep a study's question, and which configurations did not apply (model, task, task_label, reason).

        What is known already stays; a pair of model and task keeps its newest reason.
        """
        known = self.facts()
        pairs = {(s["model"], s["task_label"]): dict(s) for s in [*known.get("skipped", []), *skipped]}
        facts = {"question": question or known.get("question", ""), "skipped": list(pairs.values())}
        if facts != known:
            with self._plainly():
                write_whole(self.layout.facts, as_json(facts))

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(f"study {self.name} cannot be written: {reason(error)}") from error


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a new folder and bring all of it to the disk."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    # All are written before the first is flushed: the disk then writes them together.
    for name in files:
        sync(folder / name)
    sync_folder(folder)
