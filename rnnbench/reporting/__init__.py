"""Reporting: runs -> tidy frame -> statistics -> tables, figures, page. The one place that knows pandas."""

from rnnbench.reporting.page import write_report
from rnnbench.reporting.terminal import print_records

__all__ = ["print_records", "write_report"]
