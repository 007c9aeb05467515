"""The contracts of models and tasks, which `rnnbench check NAME` tries on one of them."""

from rnnbench.checking.findings import Finding
from rnnbench.checking.model import check_model
from rnnbench.checking.task import check_task

__all__ = ["Finding", "check_model", "check_task"]
