"""Files to start from: a model or a task that works as it stands, with comments that explain it."""

import keyword
from pathlib import Path
from string import Template

from rnnbench.plugins.discovery import built_in_names
from rnnbench.plugins.loading import FOLDER, MODEL, TASK

KINDS = (MODEL, TASK)
#: Words that the command line reads as values, so that `model=null` would not be the model of that name.
VALUES = frozenset({"null", "true", "false", "none", "nan", "inf", "on", "off", "yes", "no"})


def write(kind: str, name: str) -> Path:
    """Write `./rnnbench_plugins/NAME.py` and return its path.

    Parameters
    ----------
    kind : "model" or "task"
        What the file is to hold.
    name : str
        Of the file, and so of the model or task.

    Raises
    ------
    ValueError
        A name that no plugin can have, or a file that is there already; nothing has been written.
    OSError
        The folder or the file cannot be written.
    """
    check_name(name)
    path = Path(FOLDER) / f"{name}.py"
    if path.exists():
        raise ValueError(f"{path} is there already; it is left as it is")
    template = Template((Path(__file__).parent / "templates" / f"{kind}.txt").read_text(encoding="utf-8"))
    text = template.substitute(name=name, cls=class_name(name))
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f".{name}.draft")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    return path


def check_name(name: str) -> None:
    """Refuse a name that no plugin can have; ValueError says why."""
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        raise ValueError(f"{name}: must be letters, digits and '_', a letter first")
    if keyword.iskeyword(name):
        raise ValueError(f"{name}: is a word of Python itself; choose another name")
    if name.lower() in VALUES:
        raise ValueError(f"{name}: is a value on the command line; choose another name")
    if name in built_in_names():
        raise ValueError(f"{name}: is a built-in name; choose another one")


def class_name(name: str) -> str:
    """Return the name of the class: `my_model` becomes MyModel."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))
