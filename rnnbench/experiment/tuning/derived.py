"""Configurations made from another one by changing the values of some keys."""

import copy
from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from rnnbench.experiment.configuration import Configuration, configure
from rnnbench.experiment.messages import refusal_of


def with_values(configuration: Configuration, values: Mapping[str, Any]) -> Configuration:
    """Return a configuration with other values for some of its keys, checked anew and not to be tuned.

    Its runs have the keys that they would have if the values had been given on the command line.

    Parameters
    ----------
    configuration : Configuration
        From `configure`; it is not changed. With a budget, the width is solved again.
    values : mapping
        Plain values by key: "train.lr", "model.window", "seeds".

    Raises
    ------
    Refused
        An unknown key, or a value of the wrong type or out of range.
    NotApplicable
        As by `configure`.
    """
    if configuration.composed is None:
        raise ValueError("this configuration was not composed: its values cannot be changed")
    composed, choices, launcher = configuration.composed
    config = copy.deepcopy(composed)
    for key, value in {**values, "tune.trials": 0}.items():
        try:
            OmegaConf.update(config, key, value, merge=False)
        except OmegaConfBaseException as error:
            raise refusal_of(error) from error
    return configure(config, choices, launcher, configuration.given)
