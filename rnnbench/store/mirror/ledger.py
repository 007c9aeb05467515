"""Which runs of a study MLflow holds, in a file of its own, so that MLflow need not be asked for each.

A file that is missing, damaged, or was moved is as good as none: the study is then written to MLflow anew.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rnnbench.base.files import write_whole
from rnnbench.store.mirror.address import Address

#: Below the folder of all studies: ledgers, and the files of runs that the dashboard shows.
FOLDER = ".mlflow"
#: Stands for the stamp of a folder where there is none.
TRAINING, KILLED = "training", "killed"


class Entry(NamedTuple):
    """A run that MLflow holds.

    Attributes
    ----------
    id : str
        MLflow's id; "" of a run that is being written, or that MLflow refused.
    run : str
        The record's "run".
    stamp : str
        What `stamps` gave for the run's folder when it was written, or `TRAINING` or `KILLED`.
    """

    id: str = ""
    run: str = ""
    stamp: str = ""


class Ledger:
    """The entries of one study in one MLflow.

    Parameters
    ----------
    root : Path
        The folder of all studies.
    study : str
        Name of the study.
    address : Address
        Where MLflow is; each has its own file.

    Attributes
    ----------
    experiment : str
        MLflow's id of the study; "" where nothing is known.
    folder, location : Path, str or None
        Where the files of its runs lie, and the same as MLflow writes it; None where a server keeps them.
    former : str
        `folder` when the file was written: another one means that `root` was moved or copied.
    entries : dict of str to Entry
        By key, the newest at the end.
    """

    def __init__(self, root: Path, study: str, address: Address) -> None:
        self.path = root / FOLDER / f"{study}{suffix(address)}"
        self.folder = root / FOLDER / study
        self.location = None if address.served else self.folder.as_uri()
        self.experiment = self.former = ""
        self.entries: dict[str, Entry] = {}
        if address.local and address.file is not None and not address.file.exists():
            return
        with suppress(OSError, TypeError, ValueError):
            experiment, self.former, entries = json.loads(self.path.read_bytes())
            if address.served or self.former == str(self.folder):
                self.entries = {key: Entry(*entry) for key, *entry in entries}
                self.experiment = experiment

    def save(self) -> None:
        """Write the file."""
        entries = [[key, *entry] for key, entry in self.entries.items()]
        write_whole(self.path, json.dumps([self.experiment, str(self.folder), entries]).encode())

    def training(self) -> dict[str, Entry]:
        """Return the runs that MLflow shows as RUNNING."""
        return {key: entry for key, entry in self.entries.items() if entry.stamp == TRAINING}

    def changes(self, stamps: dict[str, str]) -> dict[str, str]:
        """Return which runs MLflow lacks or has in an older form, with their stamps; "" stands for removed.

        Parameters
        ----------
        stamps : dict of str to str
            What changes when the folder of a run is replaced or amended, by key.
        """
        known = {key: entry.stamp for key, entry in self.entries.items()}
        gone = {key: "" for key in known if key not in stamps and known[key] not in (TRAINING, KILLED)}
        return gone | {key: stamp for key, stamp in stamps.items() if known.get(key) != stamp}


def suffix(address: Address) -> str:
    """Return how the names of all ledgers of an MLflow end."""
    mark = "local" if address.local else hashlib.sha256(address.uri.encode()).hexdigest()[:12]
    return f".{mark}.json"
