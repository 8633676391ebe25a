"""`make docs` builds the whole site; its links lead somewhere, it needs no network, and its references are complete."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from copa.cli.main import copa
from copa.config.settings import SETTINGS
from copa.methods import METHODS
from copa.tasks import BUILT_IN
from copa.tasks.checking.suite import CHECKS
from docs.extension.commands import contexts
from docs.extension.markdown import slug
from tests.docs.site import Page, is_elsewhere, read

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md"))
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Page]:
    """Pages by name, built by the Makefile's recipe with this interpreter, and with no way into a network."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        ["make", "docs", f"SITE={folder}", f"BIN={Path(sys.executable).parent}", "-o", ".venv/.ready-docs"],
        cwd=ROOT,
        env=os.environ | {"http_proxy": NOWHERE, "https_proxy": NOWHERE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.relative_to(folder).with_suffix("").as_posix(): read(path) for path in folder.rglob("*.html")}


def words(text: str) -> str:
    """`text` with single spaces."""
    return " ".join(text.split())


def reached(site: dict[str, Page], first: str) -> set[Path]:
    """Pages to which links lead from `first`, over any number of pages."""
    by_path = {page.path: page for page in site.values()}
    seen, waiting = {site[first].path}, [site[first]]
    while waiting:
        page = waiting.pop()
        targets = {page.target(link)[0] for link in page.links if not is_elsewhere(link)}
        waiting += [by_path[path] for path in (targets & set(by_path)) - seen]
        seen |= targets & set(by_path)
    return seen


def test_every_page_is_built_and_reached_from_the_index(site: dict[str, Page]) -> None:
    found = reached(site, "index")
    assert [str(name) for name in PAGES if site[name.as_posix()].path not in found] == []


def test_every_link_inside_leads_somewhere(site: dict[str, Page]) -> None:
    anchors = {page.path: page.anchors for page in site.values()}
    broken = []
    for name, page in site.items():
        for link in {link for link in page.links if not is_elsewhere(link)}:
            path, anchor = page.target(link)
            if not path.exists() or (anchor and path in anchors and anchor not in anchors[path]):
                broken.append(f"{name}: {link}")
    assert broken == []


def test_a_browser_fetches_nothing_from_elsewhere(site: dict[str, Page]) -> None:
    assert [f"{name}: {it}" for name, page in site.items() for it in page.loaded if is_elsewhere(it)] == []
    styles = [path.read_text(encoding="utf-8") for path in site["index"].path.parent.rglob("*.css")]
    assert styles
    assert [url for style in styles for url in re.findall(r"url\(['\"]?(?:https?:)?//[^)]*\)", style)] == []


def test_the_reference_has_every_setting(site: dict[str, Page]) -> None:
    page = site["reference/configuration"]
    for path, setting in SETTINGS.items():
        assert slug(path) in page.anchors, path
        assert setting.flag in page.text
        assert setting.variable in page.text
        assert words(setting.doc.replace("`", "")) in words(page.text), path


def test_the_reference_has_every_command_and_option(site: dict[str, Page]) -> None:
    page = site["reference/commands"]
    found = dict(contexts())
    assert set(copa.list_commands(copa.make_context("copa", [], resilient_parsing=True))) <= {
        path.split()[1] for path in found
    }
    for path, context in found.items():
        assert slug(path) in page.anchors, path
        for option in context.command.params:
            for name in option.opts if option.param_type_name == "option" else ():
                assert name in page.text, f"{path} {name}"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_page(site: dict[str, Page], name: str) -> None:
    page = site[f"methods/{name}"]
    assert page.equations > 0
    assert {"settings-that-matter", "parameters"} <= page.anchors
    assert f"copa train --method {name}" in page.text
    assert name in site["methods/index"].text


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_task_has_a_page_that_explains_its_metrics(site: dict[str, Page], name: str) -> None:
    pages = [page for path, page in site.items() if path.startswith("tasks/") and path != "tasks/index"]
    task, preset = re.escape(name), re.escape(name.replace("/", "-"))
    train = re.compile(rf"copa train (--task(\.name)? {task}|--preset {preset})\b")
    assert [page for page in pages if train.search(page.text) and "metrics" in page.anchors] != []
    assert name in site["tasks/index"].text


def test_the_contract_has_every_check(site: dict[str, Page]) -> None:
    page = site["reference/task-contract"]
    assert [check.name for check in CHECKS if check.requires not in page.text] == []
    assert {"copa.tasks.base.TaskSpec", "copa.tasks.base.View", "copa.tasks.base.Step"} <= page.anchors


def test_links_of_the_readme_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    inside = [link for link in links if not is_elsewhere(link)]
    assert inside
    assert [link for link in inside if not (ROOT / link).exists()] == []
