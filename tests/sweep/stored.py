"""What is in a study's folder, read for comparison."""

from rnnbench.store import Store
from rnnbench.sweep.trained import stored_weights

#: A run of a fraction of a second.
TINY = "train=smoke task.length=8 task.validation_size=16 task.test_size=16 model.hidden=4"
#: What depends on the clock.
TIMES = ("seconds", "compiled_seconds")


def records(study="default", root="runs"):
    """Return the finished runs of a study by model, length and seed."""
    return sorted(Store(root).study(study).records(), key=lambda r: (r["model"], r["task_label"], r["seed"]))


def failures(study="default"):
    """Return the failed runs of a study."""
    return [summary for summary in Store().study(study).summaries().values() if not summary.finished]


def bits(study="default", root="runs"):
    """Return what must be the same in every repetition, by key: scores, history, each bit of the weights."""
    found, place = {}, Store(root).study(study)
    for record in place.records():
        weights = {name: array.tobytes() for name, array in stored_weights(place, record["key"]).items()}
        history = [{k: v for k, v in row.items() if k not in TIMES} for row in record["history"]]
        found[record["key"]] = (record["outcome"], record["updates"], record["scores"], history, weights)
    return found


def left_over(study="default", root="runs"):
    """Return what no command may leave in a study: claims, progress, checkpoints, drafts."""
    layout = Store(root).study(study).layout
    found = [path for path in layout.work.rglob("*") if path.is_file() and path != layout.index]
    return [*found, *layout.folder.glob("*.new")]
