"""`rnnbench draw`: which network the command line names, and how it is to be drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rnnbench.base.refusals import Refused
from rnnbench.commands.composing import compose_line
from rnnbench.commands.refusing import refusing_to_write, refusing_values
from rnnbench.commands.settings import read_settings
from rnnbench.config.construction import built
from rnnbench.models.reading import read_json
from rnnbench.network.network import Network

#: Keys of the command itself; all others are those of `rnnbench run`.
DEFAULTS = {"network": "null", "steps": 5, "loop": "closed", "output": "diagrams"}
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


def main(arguments: Sequence[str]) -> int:
    """Draw a network and print the paths of the files.

    Raises
    ------
    Refused
        Nothing has been drawn, or a file cannot be written.
    """
    if "-h" in arguments or "--help" in arguments:
        print(HELP)
        return 0
    network, how = read(arguments)
    from rnnbench.diagrams.drawing import draw

    with refusing_values(), refusing_to_write(how["folder"]):
        print("\n".join(map(str, draw(network, **how))))
    return 0


def read(arguments: Sequence[str]) -> tuple[Network, dict[str, Any]]:
    """Read what follows `rnnbench draw` on the command line.

    Returns
    -------
    Network
        What is drawn.
    dict
        The other arguments of `rnnbench.draw`; "steps" and "loop" are not checked.

    Raises
    ------
    Refused
        Nothing has been drawn or written.
    """
    for text in arguments:
        if text.startswith("-"):
            raise Refused(f"unrecognized arguments: {text}\nallowed: --help and KEY=VALUE")
    own = [text for text in arguments if "=" in text and text.partition("=")[0] in DEFAULTS]
    rest = [text for text in arguments if text not in own]
    given = read_settings(own, DEFAULTS)
    if not given["output"]:
        raise Refused("output=: must be the name of a folder")
    path = given["network"]
    if path != "null" and rest:
        raise Refused(f"{rest[0]}: a network from a file has no model and no task")
    network, name = _configured(rest) if path == "null" else (read_network(path), Path(path).stem)
    return network, {"name": name, "steps": given["steps"], "loop": given["loop"], "folder": given["output"]}


def _configured(arguments: Sequence[str]) -> tuple[Network, str]:
    """Return the network of a model for a task: whether the task can use it does not matter here."""
    composed = compose_line(arguments)[1]
    with refusing_values():
        return built(*composed).network, composed.choices["model"]


def read_network(path: str) -> Network:
    """Read a network from a JSON file of the form of `Network.to_dict`.

    Raises
    ------
    Refused
        The file cannot be read, is no JSON, or describes no network.
    """
    with refusing_values():
        described = read_json(path, "network")
    try:
        return Network.from_dict(described)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise Refused(f"network={path}: describes no network: {error}") from error
