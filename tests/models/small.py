"""A small instance of every model found, and variants that use each of a model's fields."""

from dataclasses import fields

from rnnbench import models

VARIANTS = {
    "mlp": [{"embedding": 2}],
    "tdnn": [
        {"window": 0},
        {"window": 3},
        {"windows": [2, 4], "hidden": [4, 2]},
        {"windows": [1, 2], "pool": "sum"},
        {"window": 2, "embedding": 2},
    ],
    "narx": [
        {"input_taps": 1, "output_taps": 2},
        {"input_taps": [0, 3], "output_taps": [2]},
        {"output_taps": 0},
        {"output_taps": [1, 3], "gradient": 2},
        {"gradient": "blocked", "embedding": 2},
    ],
    "jordan": [
        {"mu": 0.0},
        {"mu": 0.7, "average": True},
        {"gradient": "full", "layers": 2},
        {"gradient": 3},
        {"kind": "top_down"},
        {"kind": "top_down", "gradient": "full", "hidden": [3, 2, 4]},
        {"kind": "top_down", "gradient": 2, "layers": 2, "embedding": 2},
    ],
    "elman": [{"gradient": "full"}, {"gradient": 3}, {"embedding": 2}],
    "rnn": [
        {"hidden": [4, 3, 2], "layers": 3},
        {"layers": 2, "skip": "input"},
        {"layers": 2, "skip": "output"},
        {"layers": 3, "skip": "all"},
        {"order": 3},
        {"output_taps": 2},
        {"layers": 2, "order": 2, "output_taps": [1, 3], "skip": "all", "gradient": 2, "embedding": 2},
        {"gradient": "blocked"},
    ],
    "brnn": [{"blocks": 2}, {"depth": 2}, {"blocks": 2, "depth": 2}, {"hidden": [4, 2], "embedding": 2}],
    "memory": [{"units": 2}, {"gradient": "blocked", "recall": "linear"}, {"gradient": 2, "embedding": 2}],
    "custom": [
        {"boxes": ["h", {"name": "c", "size": 2}], "arrows": ["x->h", "h->c@1", "c->h@1", "c->y", "h->y"]},
        {"embedding": 2},
    ],
}


def small(name, **given):
    """Return the model of that name with 3 hidden units."""
    model = models.found()[name]
    width = {"hidden": 3} if "hidden" in {field.name for field in fields(model)} else {}
    return model(**{**width, **given})


def every():
    """Return (id, model) for every model found, with its variants, zero and learned initial values."""
    found = {}
    for name in models.found():
        found[name] = small(name)
        found[f"{name}-learned"] = small(name, initial="learned")
        for given in VARIANTS.get(name, []):
            found[f"{name}-{given}"] = small(name, initial="learned", **given)
    return found


EVERY = every()
