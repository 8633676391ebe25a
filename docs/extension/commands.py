"""The reference of commands, from the command itself."""

import re
from collections.abc import Iterator

import click

from copa.cli.main import INTERRUPTED_EXIT_CODE, UNEXPECTED_EXIT_CODE, copa
from copa.cli.roles import MODULES
from copa.config.load import role_help
from copa.errors import CopaError
from docs.extension.markdown import anchor, code, one_line, table


def reference() -> str:
    """Every command and its options."""
    return "\n\n".join(_entry(path, context) for path, context in contexts())


def exit_codes() -> str:
    """What the exit code of a command says."""
    kinds: list[type[CopaError]] = [CopaError, *CopaError.__subclasses__()]
    meanings = {kind.exit_code: one_line((kind.__doc__ or "").split("\n\n")[0]) for kind in kinds}
    meanings |= {
        0: "Done, and what was asked about is well.",
        1: "What was asked about is not well, or could not be done; the message says why.",
        UNEXPECTED_EXIT_CODE: "A fault of COPA; please report it.",
        INTERRUPTED_EXIT_CODE: "Interrupted.",
    }
    return table(["exit code", "meaning"], [[str(number), meaning] for number, meaning in sorted(meanings.items())])


def contexts() -> Iterator[tuple[str, click.Context]]:
    """Every command below `copa`, by what one types, with its context; a group comes before its commands."""
    root = copa.make_context("copa", [], resilient_parsing=True)
    for name in copa.list_commands(root):
        yield from _below(root, name)


def _below(parent: click.Context, name: str) -> Iterator[tuple[str, click.Context]]:
    group = parent.command
    assert isinstance(group, click.Group)
    command = group.get_command(parent, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=parent)
    yield context.command_path, context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _below(context, inner)


def _entry(path: str, context: click.Context) -> str:
    command = context.command
    heading = "#" * (len(path.split()))
    parts = [anchor(path), f"{heading} {path}"]
    if command.name in MODULES:
        return "\n\n".join([*parts, command.get_short_help_str(200), f"```text\n{role_help(str(command.name))}\n```"])
    usage = context.get_usage().removeprefix("Usage: ")
    parts += [f"```text\n{one_line(usage)}\n```", _paragraphs(command.help or "")]
    options = [_option(option, context) for option in command.params if isinstance(option, click.Option)]
    if options:
        parts.append(table(["option", "meaning", "default; range"], options))
    return "\n\n".join(parts)


def _option(option: click.Option, context: click.Context) -> list[str]:
    names, text = option.get_help_record(context) or ("", "")
    found = re.fullmatch(r"(.*?)\s*(?:\[((?:default|required|[x0-9]).*)\])?", one_line(text))
    assert found is not None
    return [code(one_line(names)), found[1], code(found[2].removeprefix("default: ")) if found[2] else ""]


def _paragraphs(text: str) -> str:
    return "\n\n".join(one_line(part) for part in text.replace("\b", "").split("\n\n"))
