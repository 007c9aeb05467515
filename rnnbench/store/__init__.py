"""Runs as folders: claims, records, look-up; and their mirror in MLflow."""

from rnnbench.store.claims import Claim
from rnnbench.store.errors import StoreError
from rnnbench.store.store import Store
from rnnbench.store.study import Study
from rnnbench.store.summary import Summary

__all__ = ["Claim", "Store", "StoreError", "Study", "Summary"]
