"""Loading a plugin and finding its one public dataclass."""

import hashlib
import importlib
import sys
import traceback
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

#: Folder of the user's own plugins, below the working folder; also the package its modules belong to.
FOLDER = "rnnbench_plugins"
MODEL, TASK = "model", "task"


class Unusable(Exception):
    """Why a plugin cannot be used, in one plain line without its origin."""


class Source(NamedTuple):
    """Where a plugin comes from.

    Attributes
    ----------
    origin : str
        The file as seen from the working folder, or distribution and module of an entry point.
    digest : str
        First 16 hexadecimal digits of the SHA-256 of its source; "" where there is none to read.
    """

    origin: str
    digest: str


_SOURCES: dict[type[Any], Source] = {}
_LOADED: dict[tuple[str, bytes], ModuleType] = {}


def source_of(cls: type[Any]) -> Source | None:
    """Return where a class comes from; None if it is not a plugin."""
    return _SOURCES.get(cls)


def load_file(path: Path) -> ModuleType:
    """Load `./rnnbench_plugins/NAME.py`; the same content at the same place is executed once.

    Raises
    ------
    Unusable
        The file cannot be read or imported.
    """
    if not path.stem.isidentifier():
        raise Unusable("its name must be letters, digits and '_', a letter first")
    package = sys.modules.setdefault(FOLDER, ModuleType(FOLDER))
    package.__path__ = [str(path.parent.absolute())]
    name, file = f"{FOLDER}.{path.stem}", str(path.absolute())
    try:
        content = path.read_bytes()
        module = _LOADED.get((file, content)) or ModuleType(name)
        # Annotations are resolved by this name; it may be that of a plugin of another folder.
        sys.modules[name] = module
        if (file, content) not in _LOADED:
            module.__file__, module.__package__ = file, FOLDER
            # Not by an import: bytecode caches compare times in seconds, and edits may be quicker.
            exec(compile(content, file, "exec"), vars(module))
            _LOADED[file, content] = module
    except OSError as error:
        raise Unusable(f"cannot be read ({error.strerror or error})") from error
    except (Exception, SystemExit) as error:
        raise Unusable(f"cannot be imported ({said(error, file)})") from error
    return module


def load_module(name: str) -> ModuleType:
    """Import what an entry point names; raises `Unusable` where that fails."""
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise Unusable(f"cannot be imported ({said(error)})") from error


def classes_of(module: ModuleType) -> list[tuple[str, type[Any]]]:
    """Return the public models and tasks that a module defines, each with its kind."""
    found = []
    for name, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_"):
            # By name: importing the contract of tasks would import NumPy.
            if any(base.__module__ == "rnnbench.tasks.contract" for base in value.__mro__):
                found.append((TASK, value))
            elif hasattr(value, "build"):
                found.append((MODEL, value))
    return found


def plugin_of(module: ModuleType, origin: str) -> tuple[str, type[Any]]:
    """Return the one model or task of a module: "model" or "task", and its class.

    Raises
    ------
    Unusable
        None or several; no dataclass; methods missing; no version.
    """
    found = classes_of(module)
    if len(found) != 1:
        listed = (
            f"defines {len(found)} ({', '.join(c.__name__ for _, c in found)})" if found else "defines none"
        )
        raise Unusable(
            f"{listed}; one public dataclass is expected, with a method build (a model) or deriving from "
            "Task (a task)"
        )
    kind, cls = found[0]
    if not is_dataclass(cls) or "__dataclass_params__" not in vars(cls):
        raise Unusable(f"its class {cls.__name__} is not a dataclass; write @dataclass above it")
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise Unusable(f"its task {cls.__name__} does not define {', '.join(missing)}")
    version = getattr(cls, "VERSION", None)
    if type(version) is not int or "VERSION" in {f.name for f in fields(cls)}:
        raise Unusable(f"its class {cls.__name__} needs a line VERSION: ClassVar[int] = 1")
    file = Path(module.__file__ or "")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else ""
    _SOURCES[cls] = Source(origin, digest)
    return kind, cls


def said(error: BaseException, path: str = "") -> str:
    """Return an exception in one line: type, message and, where it lies in the file `path`, the line."""
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}, line {error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if path and f.filename == path]
    where = f", line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{': ' if text else ''}{text[:200]}{where}"
