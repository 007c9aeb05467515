"""Where runs are kept and read back: MLflow, known to this room alone."""

from rnnbench.tracking.claims import Claims
from rnnbench.tracking.faults import StoreError
from rnnbench.tracking.reading import State
from rnnbench.tracking.store import Store

__all__ = ["Claims", "State", "Store", "StoreError"]
