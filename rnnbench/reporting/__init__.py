"""Reporting: runs -> tidy frame -> statistics -> tables, figures, page. The one place that knows pandas."""

from rnnbench.reporting.page import ReportError, report
from rnnbench.reporting.terminal import print_table

__all__ = ["ReportError", "print_table", "report"]
