"""The defaults that stored runs rely on, as last recorded.

A run's key leaves out fields at their defaults. A default may therefore change only together with its class's
`VERSION`; this file refuses to record anything else. After a new field, class or version:

    python -m tests.config.defaults
"""

import json
import sys
from dataclasses import fields
from pathlib import Path

from rnnbench import models, tasks
from rnnbench.config import schema
from rnnbench.config.identity import default_of
from rnnbench.training.optimisers import OPTIMISERS

RECORDED = Path(__file__).with_name("defaults.json")


def current():
    """Return version and defaults of everything whose defaults are left out of keys."""
    found = {f"model.{name}": (kind.VERSION, kind) for name, kind in models.found().items()}
    found |= {f"task.{name}": (kind.VERSION, kind) for name, kind in tasks.found().items()}
    # One version covers training, initial weights and optimisers.
    found |= {"train": (schema.Train.VERSION, schema.Train), "init": (schema.Train.VERSION, schema.Init)}
    found |= {f"optimizer.{name}": (schema.Train.VERSION, kind) for name, kind in OPTIMISERS.items()}
    table = {
        name: {"version": version, "defaults": {f.name: default_of(f) for f in fields(kind)}}
        for name, (version, kind) in sorted(found.items())
    }
    return json.loads(json.dumps(table))


def silent_changes(before, after):
    """Return what changed or went away although the version stayed."""
    return [
        f"{name}.{field}: {default!r} -> {after[name]['defaults'].get(field, 'removed')!r}, "
        f"but VERSION is still {entry['version']}"
        for name, entry in before.items()
        if name in after and after[name]["version"] == entry["version"]
        for field, default in entry["defaults"].items()
        if field not in after[name]["defaults"] or after[name]["defaults"][field] != default
    ]


if __name__ == "__main__":
    wrong = silent_changes(json.loads(RECORDED.read_text()) if RECORDED.exists() else {}, current())
    if wrong:
        sys.exit("\n".join(wrong))
    RECORDED.write_text(json.dumps(current(), indent=1) + "\n")
