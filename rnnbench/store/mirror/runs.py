"""The runs of one study written to MLflow: finished, replaced, amended, removed, in training, killed."""

import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnnbench.store.layout import KEY
from rnnbench.store.mirror import names as naming
from rnnbench.store.mirror.client import reason
from rnnbench.store.mirror.ledger import KILLED, TRAINING, Entry, Ledger
from rnnbench.store.study import Study

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

#: A run that trains for longer than so many seconds is shown while it trains.
LONG = 10.0
#: What a server accepts in one request.
METRICS, PARAMETERS = 800, 100
WEIGHTS = frozenset({"weights.npz", "predictions.npz"})


class RunWriter:
    """Writes the runs of one study.

    Parameters
    ----------
    client : MlflowClient
        MLflow, open.
    experiment : str
        MLflow's id of the study.
    study : Study
        Their folders.
    ledger : Ledger
        What MLflow holds.
    new : collection of str
        Keys of which MLflow holds nothing, so that it need not be asked.
    weights : bool
        Whether weights and predictions are among the files in MLflow.
    """

    def __init__(
        self,
        client: "MlflowClient",
        experiment: str,
        study: Study,
        ledger: Ledger,
        new: Collection[str],
        weights: bool,
    ) -> None:
        self._client, self._experiment, self._study = client, experiment, study
        self._ledger, self._new, self._weights = ledger, new, weights
        self._files_problem = ""

    def remove(self, key: str) -> None:
        """Delete a run in MLflow's sense, and its files."""
        for run in self._found(key):
            self._client.delete_run(run.info.run_id)
            shutil.rmtree(self._ledger.folder / run.info.run_id, ignore_errors=True)
        self._ledger.entries.pop(key, None)

    def write(self, key: str, stamp: str) -> None:
        """Write a run that ended, in place of what MLflow holds of its key.

        A run that was shown while it trained is continued, unless it diverged: its values are then clipped.
        """
        record = self._study.record(key)
        metrics, columns = naming.Names(), naming.Names()
        params, tags = naming.parameters(record, columns), naming.tags(record)
        shown = None if record["outcome"] == "diverged" else self._shown(key, record["run"])
        run = shown or self._create(record, tags)
        points = naming.points(record, self._missing(run, record["history"]), metrics)
        self._log(run, list(points), params, tags | metrics.originals | columns.originals)
        self._put_files(run, self._study.folder(key))
        status = "FAILED" if record["outcome"] == "failed" else "FINISHED"
        self._client.set_terminated(run.info.run_id, status, round(1000 * record["ended"]))
        self._ledger.entries[key] = Entry(run.info.run_id, record["run"], stamp)

    def show(self, facts: Mapping[str, Any]) -> None:
        """Show a run in training with its curves so far."""
        params, tags = naming.parameters(facts, naming.Names()), naming.tags(facts)
        run = self._shown(facts["key"], facts["run"]) or self._create(facts, tags)
        self._ledger.entries[facts["key"]] = Entry(run.info.run_id, facts["run"], TRAINING)
        rows = self._missing(run, self._study.progress(facts["key"]))
        self._log(run, list(naming.curves(rows, time.time(), naming.Names())), params, tags)

    def end_killed(self) -> None:
        """Give the status KILLED to runs that are shown, have not ended, and are trained by nobody."""
        for key, held in self._ledger.training().items():
            claim = self._study.claim(key)
            free = not claim.path.exists() or claim.take()
            claim.release()
            if free and key not in self._study.keys():
                for run in self._found(key):
                    self._client.set_terminated(run.info.run_id, "KILLED")
                self._ledger.entries[key] = held._replace(stamp=KILLED)

    def _found(self, key: str) -> "list[Run]":
        return list(self._client.search_runs([self._experiment], f"tags.key = '{key}'"))

    def _shown(self, key: str, run: str) -> "Run | None":
        """Return a run that MLflow shows, or showed until it was killed."""
        held = self._ledger.entries.get(key)
        if held is None or held.run != run or held.stamp not in (TRAINING, KILLED):
            return None
        return next((found for found in self._found(key) if found.info.run_id == held.id), None)

    def _missing(self, run: "Run", history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the evaluations that MLflow does not hold yet."""
        if not run.data.metrics:
            return list(history)
        held = {point.step for point in self._client.get_metric_history(run.info.run_id, "training/seconds")}
        return [row for row in history if row["update"] not in held]

    def _create(self, record: Mapping[str, Any], tags: dict[str, str]) -> "Run":
        """Make a run, RUNNING, in place of what MLflow holds of its key."""
        if record["key"] not in self._new:
            self.remove(record["key"])
        name = f"{record['model']} · seed {record['seed']} · {record['task_label']}"
        return self._client.create_run(self._experiment, round(1000 * record["began"]), tags, name)

    def _log(
        self,
        run: "Run",
        points: Sequence[naming.Point],
        params: Mapping[str, str],
        tags: Mapping[str, str],
    ) -> None:
        """Add metrics, and what is not there yet of parameters and tags, in as few requests as possible."""
        from mlflow.entities import Metric, Param, RunTag

        values = [Metric(*point) for point in points]
        columns = [Param(name, value) for name, value in params.items() if name not in run.data.params]
        labels = [RunTag(name, value) for name, value in tags.items() if run.data.tags.get(name) != value]
        while values or columns or labels:
            self._client.log_batch(
                run.info.run_id, values[:METRICS], columns[:PARAMETERS], labels[:PARAMETERS]
            )
            values, columns, labels = values[METRICS:], columns[PARAMETERS:], labels[PARAMETERS:]

    def _put_files(self, run: "Run", folder: Path) -> None:
        """Put the files of a run where MLflow looks for them, unless that is the folder of others."""
        target, uri = self._ledger.folder / run.info.run_id / "artifacts", str(run.info.artifact_uri)
        excluded = () if self._weights else WEIGHTS
        files = [p for p in folder.iterdir() if p.is_file() and p.name[0] != "." and p.name not in excluded]
        try:
            if uri == target.as_uri():
                target.mkdir(parents=True, exist_ok=True)
                for path in files:
                    shutil.copyfile(path, target / path.name)
            elif not uri.startswith("file:"):
                for path in files:
                    self._client.log_artifact(run.info.run_id, str(path))
        except Exception as error:
            if not self._files_problem:
                self._files_problem = f"rnnbench: files of runs are not in MLflow: {reason(error)}"
                print(self._files_problem, file=sys.stderr)


def in_training(study: Study) -> Iterator[dict[str, Any]]:
    """Yield the facts of runs that have trained for so long that MLflow should show them."""
    for path in study.layout.work.glob("*.json"):
        key = path.stem
        facts = study.running_record(key) if KEY.fullmatch(key) else None
        # The files of a run that was killed may lie there still.
        if facts and time.time() - float(facts["began"]) > LONG and study.layout.claim(key).exists():
            yield facts | {"key": key, "study": study.name}
