"""`rnnbench draw`: which network the command line names, and how it is to be drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rnnbench.experiment import available
from rnnbench.experiment.command import read_lines
from rnnbench.experiment.composition import compose_one, composing
from rnnbench.experiment.configuration import read_plain
from rnnbench.experiment.fair import read_budget
from rnnbench.experiment.messages import with_suggestion
from rnnbench.experiment.refusals import Refused
from rnnbench.experiment.settings import whole
from rnnbench.models.budget import solve_width
from rnnbench.models.reading import read_json
from rnnbench.network.network import Network

#: Keys of the command itself; all others are those of `rnnbench run`.
OWN = ("network", "steps", "loop", "output")
HELP = """\
rnnbench draw [KEY=VALUE ...]

  rnnbench draw model=brnn                        diagrams/brnn-folded.svg, .png and brnn-unfolded.svg, .png
  rnnbench draw model=narx model.output_taps=2 task=sunspots steps=6
  rnnbench draw network=runs/mine/network.json    a network as Network.to_dict describes it, in JSON

keys
  steps=5            columns of the unfolded diagram
  loop=closed        open: targets are fed back in place of the output
  output=diagrams    folder of the files
  network=null       a file, in place of model and task

The task gives the numbers of inputs and outputs. All other keys: rnnbench run --help."""


@dataclass(frozen=True)
class Request:
    """A network, its name, and what `rnnbench.draw` is told."""

    network: Network
    name: str
    steps: int = 5
    loop: str = "closed"
    output: str = "diagrams"


def read_request(arguments: Sequence[str]) -> Request:
    """Read what follows `rnnbench draw` on the command line.

    Raises
    ------
    Refused
        Nothing has been drawn or written.
    """
    own, rest = _split(arguments)
    steps = whole("steps", own.get("steps", "5"), 1, 40)
    loop, output = own.get("loop", "closed"), own.get("output", "diagrams")
    if not output:
        raise Refused("output=: must be the name of a folder")
    if "network" in own:
        if rest:
            raise Refused(f"{rest[0]}: a network from a file has no model and no task")
        network, name = read_network(own["network"]), Path(own["network"]).stem
    else:
        network, name = _configured(rest)
    return Request(network, name, steps, loop, output)


def _split(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    own: dict[str, str] = {}
    rest = []
    for text in arguments:
        key, equals, value = text.partition("=")
        if text.startswith("-"):
            raise Refused(f"unrecognized arguments: {text}\nallowed: --help and KEY=VALUE")
        if key not in OWN or not equals:
            rest.append(text)
        elif key in own:
            raise Refused(f"{text}: {key} is already given by {key}={own[key]}")
        else:
            own[key] = value
    return own, rest


def _configured(arguments: Sequence[str]) -> tuple[Network, str]:
    """Return the network of a model for a task: whether the task can use it does not matter here."""
    with composing():
        lines = read_lines(list(arguments), sweeping=False)
        if len(lines) > 1:
            raise Refused(f"{' '.join(arguments)}: {len(lines)} configurations; one is drawn at a time")
        config, choices, _ = compose_one(lines[0])
    plain = read_plain(config, choices)
    try:
        model = available.models()[choices["model"]](**plain["model"])
        task = available.tasks()[choices["task"]](**plain["task"])
        sizes, (of, budget) = (task.n_in, task.n_out), read_budget(plain["budget"])
        if of is not None and budget is not None:
            model = solve_width(model, *sizes, budget, task.output_activation, of=of).model
        return model.build(*sizes, task.output_activation), choices["model"]
    except (ValueError, OSError) as error:
        raise Refused(with_suggestion(str(error))) from error


def read_network(path: str) -> Network:
    """Read a network from a JSON file of the form of `Network.to_dict`.

    Raises
    ------
    Refused
        The file cannot be read, is no JSON, or describes no network.
    """
    try:
        described = read_json(path, "network")
    except ValueError as error:
        raise Refused(str(error)) from error
    try:
        return Network.from_dict(described)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise Refused(f"network={path}: describes no network: {error}") from error
