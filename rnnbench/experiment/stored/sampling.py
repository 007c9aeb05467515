"""`rnnbench sample RUN_KEY`: a stored character model writes."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.settings import read_settings, whole
from rnnbench.experiment.stored.prediction import load
from rnnbench.tasks import characters
from rnnbench.tracking import Store

#: The settings, with their defaults as a user would write them.
DEFAULTS = {"prefix": "", "length": "200", "temperature": "0.8", "seed": "0"}
#: Characters at most: a text is made character by character, some thousands in a second.
LONGEST = 100_000


class Request(NamedTuple):
    """What is to be written: after which text, how many characters, how boldly, and the seed of the draws."""

    prefix: str
    length: int
    temperature: float
    seed: int


def sample(store: Store, key: str, settings: Sequence[str] = ()) -> str:
    """Return what a stored character model writes, the prefix included.

    Parameters
    ----------
    store : Store
        Where the run is kept.
    key : str
        Of a run of a task with an alphabet (text, hello), or the beginning of it, see
        `lookup.find`.
    settings : sequence of str
        `prefix=TEXT`, which the network reads first (without it, the character that the task starts with,
        which is then not part of the result where it is a line end); `length=200` characters to write;
        `temperature=0.8`, where 1 draws from the network's own probabilities and 0 takes the most likely
        character; `seed=0` of the draws. The same settings give the same text.

    Raises
    ------
    Refused
        An unknown or ambiguous key, a run that failed or is of another task, a character that the network
        does not know, a setting that makes no sense.
    """
    request = read_request(settings)
    trained = load(store, key)
    columns = trained.record["columns"]
    if "alphabet" not in columns:
        raise Refused(f"{trained.name}: is no character model; sample needs a run of task=text or task=hello")
    prefix = request.prefix or columns["start"]
    try:
        written = characters.write(
            trained.network,
            trained.parameters,
            columns["alphabet"],
            prefix,
            request.length,
            request.temperature,
            request.seed,
        )
    except ValueError as error:
        raise Refused(f"prefix={prefix!r}: {error}") from error
    return written if not request.prefix and prefix == "\n" else prefix + written


def read_request(settings: Sequence[str]) -> Request:
    """Return the settings of `sample` with their defaults; refuses unknown keys and wrong values."""
    given = read_settings(settings, DEFAULTS)
    try:
        temperature = float(given["temperature"])
    except ValueError:
        temperature = math.nan
    if not 0.0 <= temperature < math.inf:
        raise Refused(f"temperature={given['temperature']}: must be a finite number of at least 0")
    return Request(
        given["prefix"],
        whole("length", given["length"], 1, LONGEST),
        temperature,
        whole("seed", given["seed"]),
    )
