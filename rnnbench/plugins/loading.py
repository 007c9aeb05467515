"""From a plugin's source to its one public dataclass."""

import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import pkgutil
import sys
import traceback
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import CodeType, ModuleType
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


class Plugin(NamedTuple):
    """One plugin: its name (that of its file), "model" or "task", its class and where it comes from."""

    name: str
    kind: str
    cls: type[Any]
    source: Source


_SOURCES: dict[type[Any], Source] = {}
_LOADED: dict[tuple[str, str], ModuleType | Unusable] = {}


def source_of(cls: type[Any]) -> Source | None:
    """Return where a class comes from; None for what is no plugin."""
    return _SOURCES.get(cls)


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles the file at each load: a bytecode cache knows seconds, and two edits may share one."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the compiled source."""
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def load_file(path: Path) -> Plugin:
    """Load `./rnnbench_plugins/NAME.py`; the same content at the same place is executed once.

    Raises
    ------
    Unusable
        The file cannot be read or imported, or holds no model or task, or several.
    """
    name, origin = path.stem, f"{FOLDER}/{path.name}"
    if not name.isidentifier():
        raise Unusable("its name must be letters, digits and '_', a letter first")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot be read ({error.strerror or error})") from error
    key = str(path.absolute()), hashlib.sha256(content).hexdigest()[:16]
    if key not in _LOADED:
        _LOADED[key] = _executed(f"{FOLDER}.{name}", path)
    module = _LOADED[key]
    if isinstance(module, Unusable):
        raise module
    # Another folder's plugin of that name may stand there; annotations are looked up by the module's name.
    sys.modules[module.__name__] = module
    return plugin_of(module, name, Source(origin, key[1]))


def _executed(name: str, path: Path) -> ModuleType | Unusable:
    package = ModuleType(FOLDER)
    package.__path__ = [str(path.parent.absolute())]
    if getattr(sys.modules.get(FOLDER), "__path__", None) != package.__path__:
        for stale in [known for known in sys.modules if known.startswith(f"{FOLDER}._")]:
            del sys.modules[stale]
        sys.modules[FOLDER] = package
    file = str(path.absolute())
    spec = importlib.util.spec_from_file_location(name, file, loader=_Loader(name, file))
    if spec is None or spec.loader is None:
        return Unusable("cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        return Unusable(f"cannot be imported ({said(error, file)})")
    return module


def load_module(name: str, distribution: str) -> list[Plugin | Unusable]:
    """Load what an entry point names: a module, or a package with all its public modules.

    Returns
    -------
    list of Plugin or Unusable
        Of a package, modules without any model or task are left out, unless there is none at all.

    Raises
    ------
    Unusable
        What is named cannot be imported.
    """
    module = _imported(name)
    inner = [m.name for m in pkgutil.iter_modules(getattr(module, "__path__", []))]
    found = [_plugin(module, distribution)] if classes_of(module) else []
    for one in inner:
        if not one.startswith("_"):
            try:
                imported = _imported(f"{name}.{one}")
            except Unusable as why:
                found.append(why)
            else:
                found += [_plugin(imported, distribution)] if classes_of(imported) else []
    return found or [_plugin(module, distribution)]


def _plugin(module: ModuleType, distribution: str) -> Plugin | Unusable:
    name = module.__name__
    try:
        return plugin_of(module, name.rpartition(".")[2], _source(module, distribution))
    except Unusable as why:
        return Unusable(f"{name} {why}")


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise Unusable(f"{name} cannot be imported ({said(error)})") from error


def _source(module: ModuleType, distribution: str) -> Source:
    try:
        digest = hashlib.sha256(Path(str(module.__file__)).read_bytes()).hexdigest()[:16]
    except OSError:
        digest = ""
    return Source(f"{distribution}: {module.__name__}", digest)


def classes_of(module: ModuleType) -> list[tuple[str, type[Any]]]:
    """Return the public models and tasks that a module defines, each with its kind."""
    # Before the contract of tasks is imported (and NumPy with it), nothing can derive from it.
    contract = sys.modules.get("rnnbench.tasks.contract")
    found = []
    for name, value in vars(module).items():
        if name.startswith("_") or not isinstance(value, type) or value.__module__ != module.__name__:
            continue
        if contract is not None and issubclass(value, contract.Task):
            found.append((TASK, value))
        elif hasattr(value, "build"):
            found.append((MODEL, value))
    return found


def plugin_of(module: ModuleType, name: str, source: Source) -> Plugin:
    """Return the one model or task of a module.

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
        raise Unusable(f"its class {cls.__name__} is no dataclass; write @dataclass above it")
    missing = sorted(getattr(cls, "__abstractmethods__", ()))
    if missing:
        raise Unusable(f"its task {cls.__name__} does not define {', '.join(missing)}")
    version = getattr(cls, "VERSION", None)
    if type(version) is not int or "VERSION" in {f.name for f in fields(cls)}:
        raise Unusable(f"its class {cls.__name__} needs a line VERSION: ClassVar[int] = 1")
    _SOURCES[cls] = source
    return Plugin(name, kind, cls, source)


def said(error: BaseException, path: str = "") -> str:
    """Return an exception in one line: type, message and, where it lies in the file `path`, the line."""
    text = " ".join(str(error).split())
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}, line {error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if path and f.filename == path]
    where = f", line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{': ' if text else ''}{text[:200]}{where}"


def summary(cls: type[Any]) -> str:
    """Return the first line of a class's documentation, or ""."""
    return next(iter((inspect.getdoc(cls) or "").splitlines()), "")
