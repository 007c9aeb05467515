"""Configurations as the command line makes them, without running them."""

from rnnbench.config.composition import composing
from rnnbench.sweep.plan import read_plans


def planned(line, sweeping=True):
    """Return the plan of a command line."""
    with composing(line.split()) as overrides:
        (plan,) = read_plans(overrides, sweeping)
    return plan


def configured(line=""):
    """Return the one configuration of a command line."""
    (configuration,) = planned(line, sweeping=False).configurations
    return configuration
