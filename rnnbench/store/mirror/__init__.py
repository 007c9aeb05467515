"""The copy of all runs in MLflow: written from their folders, and the one place that knows MLflow."""

from rnnbench.store.mirror.address import Address, read_address
from rnnbench.store.mirror.beside import Beside
from rnnbench.store.mirror.mirror import Mirror

__all__ = ["Address", "Beside", "Mirror", "read_address"]
