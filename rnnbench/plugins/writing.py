"""Templates of plugins: a complete model or task, with comments that explain it."""

import keyword
from pathlib import Path
from string import Template

from rnnbench import models, tasks
from rnnbench.base.files import write_whole
from rnnbench.plugins.loading import FOLDER, MODEL, TASK

KINDS = (MODEL, TASK)
#: Words that the command line reads as values: `model=null` would not choose a model named null.
VALUES = frozenset({"null", "true", "false", "none", "nan", "inf", "on", "off", "yes", "no"})


def write(kind: str, name: str) -> Path:
    """Write `./rnnbench_plugins/NAME.py` and return its path.

    Parameters
    ----------
    kind : "model" or "task"
        What to write.
    name : str
        Name of the model or task, and of its file.

    Raises
    ------
    ValueError
        A name that no plugin can have, or a file that exists; nothing has been written.
    OSError
        The folder or the file cannot be written.
    """
    check_name(name)
    path = Path(FOLDER) / f"{name}.py"
    if path.exists():
        raise ValueError(f"{path} exists already; it is not overwritten")
    template = Template((Path(__file__).parent / "templates" / f"{kind}.txt").read_text(encoding="utf-8"))
    text = template.substitute(name=name, cls=class_name(name))
    path.parent.mkdir(exist_ok=True)
    write_whole(path, text.encode())
    return path


def check_name(name: str) -> None:
    """Check that a plugin can have a name; ValueError says why it cannot."""
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        raise ValueError(f"{name}: must be letters, digits and '_', a letter first")
    if keyword.iskeyword(name):
        raise ValueError(f"{name}: is a keyword of Python; choose another name")
    if name.lower() in VALUES:
        raise ValueError(f"{name}: is a value on the command line; choose another name")
    if name in models.found() or name in tasks.found():
        raise ValueError(f"{name}: is a built-in name; choose another one")


def class_name(name: str) -> str:
    """Return the name of the class: `my_model` becomes MyModel."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
