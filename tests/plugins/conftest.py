"""A working folder with a folder for plugins."""

import pytest

LEAKY = '''
from dataclasses import dataclass
from typing import ClassVar
from rnnbench.network import Arrow, Box, Network

@dataclass
class Leaky:
    """A network with a slow memory."""
    VERSION: ClassVar[int] = 3
    hidden: int = 4
    def build(self, n_in, n_out, output_activation="linear"):
        boxes = [Box("h", self.hidden), Box("y", n_out, output_activation)]
        return Network(boxes, [Arrow("x", "h"), Arrow("h", "h", 1), Arrow("h", "y")], n_in)
'''


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Write a plugin into the working folder, by name; returns its path."""
    monkeypatch.chdir(tmp_path)

    def write(name, text=LEAKY):
        path = tmp_path / "rnnbench_plugins" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
