"""Every `copa` command in a fenced block of the documentation is one that `copa` understands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from copa.cli.main import copa
from copa.config.load import parse_role_arguments, resolve, split_flags
from copa.errors import CopaError

ROOT = Path(__file__).parents[2]
PLACEHOLDERS = {"RUN": "runs/quick", "PATH": "file", "FILE": "file", "N": "9", "NAME": "name", "...": None}
ROLES = ("actor", "coach", "learner", "evaluator")


def documented() -> Iterator[str]:
    """Commands, with the lines that they go on over put together."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for block in re.findall(r"^```[^\n]*\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                if found := re.match(r"\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(copa .*)", line):
                    yield found[1]


def words(line: str) -> list[str]:
    """Arguments of a documented command, its placeholders replaced."""
    found = [PLACEHOLDERS.get(word, word) for word in shlex.split(line, comments=True)[1:]]
    return [word for word in found if word is not None]


def parse(command: click.Command, arguments: list[str], parent: click.Context | None = None) -> None:
    """Parse `arguments` down to the settings, without running anything."""
    context = command.make_context(command.name, list(arguments), parent=parent)
    if isinstance(command, click.Group) and command.invoke_without_command and not context._protected_args:
        return
    if isinstance(command, click.Group):
        name, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert inner is not None, name
        parse(inner, rest, context)
    elif command.name in ROLES:
        parse_role_arguments(context.params["arguments"], role=str(command.name))
    else:
        resolve(flags=split_flags(context.params.get("settings", ())), preset=context.params.get("preset"))


@pytest.mark.parametrize("line", sorted(set(documented())))
def test_documented_command_is_understood(line: str) -> None:
    parse(copa, words(line))


@pytest.mark.parametrize(
    "line",
    ["copa trian", "copa train --epsiodes 3", "copa train --nets.width x", "copa eval --seed x", "copa actor -x"],
)
def test_what_is_not_understood_is_found(line: str) -> None:
    with pytest.raises((click.UsageError, CopaError)):
        parse(copa, words(line))


def test_the_documentation_has_commands() -> None:
    assert len(set(documented())) >= 5
