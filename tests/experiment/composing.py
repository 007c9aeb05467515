"""Configurations as the command line makes them, without running them."""

from hydra import initialize_config_dir

from rnnbench.experiment import folders, schema
from rnnbench.experiment.command import read_lines
from rnnbench.experiment.plan import check


def planned(line, sweeping=True):
    """Return the plan of a command line."""
    schema.register()
    with initialize_config_dir(str(folders.conf()), version_base="1.3", job_name="rnnbench"):
        return check(read_lines(line.split(), sweeping))


def configured(line=""):
    """Return the one configuration of a command line."""
    (configuration,) = planned(line, sweeping=False).configurations
    return configuration
