"""Where runs are kept and read back: MLflow, and the one file that knows it (`store.py`)."""

from rnnbench.tracking.database import StoreError
from rnnbench.tracking.store import Store

__all__ = ["Store", "StoreError"]
