"""The contract of tasks (`copa.tasks.base`) as checks that run on any task and answer in words."""

from copa.tasks.checking.report import Finding, Report
from copa.tasks.checking.suite import check_task, findings

__all__ = ["Finding", "Report", "check_task", "findings"]
