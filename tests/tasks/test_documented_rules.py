"""What the tasks' pages say of where a rule is tested is so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("rescue", "starcraft", "starcraft-engine")
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_there(page: str) -> None:
    named = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "tasks" / f"{page}.md").read_text(encoding="utf-8"))
    assert len(named) >= 10
    assert set(named) - TESTS == set()
