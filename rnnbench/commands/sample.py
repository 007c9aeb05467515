"""`rnnbench sample RUN_KEY`: a stored character model writes text."""

import argparse

from rnnbench.base.arguments import number, whole_number
from rnnbench.base.refusals import Refused
from rnnbench.base.wording import run_name
from rnnbench.commands.refusing import refusing_values
from rnnbench.commands.settings import read_settings
from rnnbench.commands.stored import add_key, find_trained, open_store
from rnnbench.sweep.trained import stored_network
from rnnbench.tasks import characters

#: The settings with their defaults.
DEFAULTS = {"prefix": "", "length": 200, "temperature": 0.8, "seed": 0}
#: Most characters of a text: some thousands are written in a second.
LONGEST = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_key(parser)
    settings = "  ".join(f"{name}={default}" for name, default in DEFAULTS.items())
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help=settings)


def main(options: argparse.Namespace) -> None:
    """Print a text that a stored character model writes, including the prefix.

    `prefix=TEXT` is what the network reads first; by default the character that the task starts with, which
    is left out of the result if it is a line end. `length=200` characters are written. `temperature=0.8`: 1
    draws from the network's own probabilities, 0 takes the most likely character. `seed=0` of the draws. The
    same settings give the same text.

    Raises
    ------
    Refused
        An unknown or ambiguous key, a run that failed or is of another task, a character that the network
        does not know, or an invalid setting.
    """
    given = read_settings(options.settings, DEFAULTS)
    with refusing_values():
        length = whole_number("length", given["length"], 1, LONGEST)
        temperature = number("temperature", given["temperature"], 0.0)
        seed = whole_number("seed", given["seed"], 0)
    study, record = find_trained(open_store(), options.key)
    columns = record["columns"]
    if "alphabet" not in columns:
        raise Refused(
            f"{run_name(record)}: is not a character model; needed: a run of task=text or task=hello"
        )
    prefix = given["prefix"] or columns["start"]
    try:
        written = characters.write(
            *stored_network(study, record["key"]), columns["alphabet"], prefix, length, temperature, seed
        )
    except ValueError as error:
        raise Refused(f"prefix={prefix!r}: {error}") from error
    print(written if not given["prefix"] and prefix == "\n" else prefix + written)
