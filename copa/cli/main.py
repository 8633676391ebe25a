"""The `copa` command: finds subcommands, and turns errors into one line and an exit code."""

import importlib
import logging
import os
import sys
import traceback

import click

from copa import __version__
from copa.errors import CopaError

_COMMANDS: dict[str, str] = {
    "train": "copa.cli.train:train",
    "launch": "copa.cli.launch:launch",
    "eval": "copa.cli.evaluate:evaluate",
    "render": "copa.cli.render:render",
    "report": "copa.cli.report:report",
    "compare": "copa.cli.compare:compare",
    "bound": "copa.cli.bound:bound",
    "need": "copa.cli.need:need",
    "distill": "copa.cli.distill:distill",
    "export": "copa.cli.export:export",
    "bench": "copa.cli.bench:bench",
    "config": "copa.cli.config:config",
    "tasks": "copa.cli.tasks:tasks",
    "methods": "copa.cli.listing:methods",
    "replay": "copa.cli.replay:replay",
    "health": "copa.cli.health:health",
    "doctor": "copa.cli.doctor:doctor",
    "certs": "copa.cli.secrets:certs",
    "secrets": "copa.cli.secrets:secrets",
    "actor": "copa.cli.roles:actor",
    "coach": "copa.cli.roles:coach",
    "learner": "copa.cli.roles:learner",
    "evaluator": "copa.cli.roles:evaluator",
    "version": "copa.cli.version:version",
}

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
"""Threads of tensor arithmetic that wait sleep, for the cores are shared; it must be set before PyTorch is loaded."""

UNEXPECTED_EXIT_CODE = 70
INTERRUPTED_EXIT_CODE = 130


class _Commands(click.Group):
    """Subcommands that are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.command(cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="copa")
@click.pass_context
def copa(context: click.Context) -> None:
    """Coach-player learning for teams whose members change.

    `copa train` starts a run on this machine. Settings are given as --section.field VALUE, as COPA_SECTION_FIELD in
    the environment, or in a TOML file; `copa config explain` lists them all.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> None:
    """Entry point; never returns."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line; returns its exit code."""
    try:
        result = copa.main(args=arguments, prog_name="copa", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except CopaError as error:
        return _fail(str(error), error.exit_code)
    except click.ClickException as error:
        hint = f" (see {error.ctx.command_path} --help)" if isinstance(error, click.UsageError) and error.ctx else ""
        return _fail(error.format_message() + hint, error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", INTERRUPTED_EXIT_CODE)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        logging.basicConfig(level=logging.ERROR, format="%(message)s")
        logging.getLogger(__name__).error("%s", traceback.format_exc())
        return _fail(
            f"unexpected {type(error).__name__}: {error}; this is a fault of COPA, please report it with the lines"
            " above and the command",
            UNEXPECTED_EXIT_CODE,
        )


def _fail(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr, flush=True)
    return code
