"""Every task that is installed keeps the contract of tasks."""

import pytest

from copa.tasks import task_names
from copa.tasks.checking import check_task


@pytest.mark.parametrize("name", task_names())
def test_keeps_the_contract(name: str) -> None:
    report = check_task(name)
    assert report.ok, "\n".join([finding.line for finding in report.findings])
