"""Where configuration and study files lie: inside the installed package, or in the checkout around it."""

from pathlib import Path

from rnnbench.experiment.refusals import Refused

_PACKAGE = Path(__file__).resolve().parents[1]


def _shipped(name: str) -> Path:
    """`rnnbench/<name>` of a wheel, else `<name>` beside the package (checkout, editable install)."""
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise Refused(f"the folder {name} is missing: neither in {_PACKAGE} nor beside it")


def conf() -> Path:
    """Return the folder of `config.yaml` and its groups."""
    return _shipped("conf")


def studies() -> dict[str, Path]:
    """Return every study by name with its file: the user's own in `./experiments` before the shipped."""
    found: dict[str, Path] = {}
    for folder in (_shipped("experiments"), Path("experiments")):
        found |= {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    return dict(sorted(found.items()))
