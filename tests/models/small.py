"""A small instance of every model found, and variants that use each of a model's fields."""

from dataclasses import fields

from rnnbench import models

VARIANTS = {
    "tdnn": [{"window": 0}, {"window": 3}],
    "narx": [
        {"input_taps": 1, "output_taps": 2},
        {"input_taps": [0, 3], "output_taps": [2]},
        {"output_taps": 0},
    ],
    "jordan": [{"mu": 0.0}, {"mu": 0.7, "average": True}],
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
