"""The folders of configuration and study files: those of the package, and the user's own."""

from pathlib import Path

from rnnbench.base.refusals import Refused

_PACKAGE = Path(__file__).resolve().parents[1]
#: Below the working folder: options of groups, and studies.
OWN_CONF, OWN_STUDIES = Path("conf"), Path("experiments")


def _shipped(name: str) -> Path:
    """Return `rnnbench/<name>` of a wheel, else `<name>` beside the package (checkout, editable install)."""
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise Refused(f"the folder {name} is missing: neither in {_PACKAGE} nor beside it")


def conf() -> Path:
    """Return the folder of the primary configuration and its groups."""
    return _shipped("conf")


def own_conf() -> Path | None:
    """Return the user's `./conf`; None where there is none, or where it is that of the package."""
    return OWN_CONF.resolve() if OWN_CONF.is_dir() and not OWN_CONF.samefile(conf()) else None


def studies() -> dict[str, Path]:
    """Return every study by name with its file: those in `./experiments` replace those of the package.

    The name of a study in a subfolder contains the folder: "papers/elman".
    """
    found: dict[str, Path] = {}
    for folder in (_shipped("experiments"), OWN_CONF / "experiment", OWN_STUDIES):
        files = sorted(folder.rglob("*.yaml"))
        found |= {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}
    return dict(sorted(found.items()))
