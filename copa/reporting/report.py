"""`report.md`: what was run, what came out, how to go on."""

import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copa.config.load import resolve
from copa.config.schema import Config
from copa.config.settings import SETTINGS, TASK
from copa.extras import installing
from copa.reporting.history import History, Series
from copa.reporting.table import counts_table, markdown_table
from copa.run_folder import RunFolder


def report_text(folder: RunFolder, history: History, *, curves: bool) -> str:
    """The whole report."""
    config, info, final = folder.config(), folder.info(), folder.final()
    parts = [
        f"# Run {config.run.name}",
        f"Method `{config.method.name}` on task `{config.task.name}`, preset `{info['preset']}`,"
        f" seed {config.run.seed}: {history.steps:,} environment steps, {history.updates:,} updates,"
        f" {_duration(info)}.",
        "## Result",
        _result(final),
        "![Curves](curves.png)" if curves else f"No picture: matplotlib is not installed ({installing('plots')}).",
        "## Throughput and incidents",
        _throughput(history),
        _incidents(history, info),
        "## What was run",
        _what(info),
        "Settings that differ from the paper's (Table 3, preset `paper`):",
        _differences(config),
        "## How to go on",
        _next(folder, config),
    ]
    return "\n\n".join(parts) + "\n"


def machine() -> str:
    """Processor and cores of this machine."""
    model = "unknown processor"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {os.cpu_count()} cores"


def _result(final: Mapping[str, Any] | None) -> str:
    if final is None:
        return "No final table: the run has not come to its end, or `evaluator.final_episodes` is 0."
    counts = counts_table(final)
    counted = f"\n\nWhat happened in an episode, on average:\n\n{counts}" if counts else ""
    return (
        f"Mean return ± standard error of {final['episodes']} episodes per team without exploration, after"
        f" {final['steps']:,} steps; games of seed {final['seed']}, the same for all columns. Communication is the"
        f" share of coach steps in which a player is spoken to.\n\n{markdown_table(final)}{counted}"
    )


def _throughput(history: History) -> str:
    rows = [
        ("environment steps per second", history.steps_per_second),
        ("updates per second", history.updates_per_second),
    ]
    lines = ["| | mean | most |", "| --- | ---: | ---: |"]
    lines += [
        f"| {name} | {_mean(series):,.1f} | {max(series.values):,.1f} |" for name, series in rows if series.values
    ]
    return "\n".join(lines) if len(lines) > 2 else "The run was too short to measure its throughput."


def _incidents(history: History, info: Mapping[str, Any]) -> str:
    lines = [
        f"- {death.name} died at {death.steps:,} steps ({death.reason}) and was started again."
        for death in history.deaths
    ]
    stops = [start for start in info["starts"][:-1] if start.get("state") != "finished"]
    if stops:
        lines.append(f"- The run was stopped and resumed {len(stops)} time{'s' * (len(stops) > 1)}.")
    if history.lost:
        lines.append(f"- {history.lost:,} segments were lost (with a process that died before Redis had kept them).")
    return "\n".join(lines) if lines else "No process died, and no segment was lost."


def _what(info: Mapping[str, Any]) -> str:
    commands = "\n".join(shlex.join(start["command"]) for start in info["starts"])
    versions = ", ".join(f"{name} {number}" for name, number in info["versions"].items())
    return f"```\n{commands}\n```\n\n{versions}; {machine()}; begun {info['created']}."


def _differences(config: Config) -> str:
    paper = resolve(preset="paper", flags={TASK: config.task.name}).config
    rows = [
        f"| `{path}` | {_shown(value)} | {_shown(default)} |"
        for path, setting in SETTINGS.items()
        if setting.section != "run"
        and (value := getattr(getattr(config, setting.section), setting.field))
        != (default := getattr(getattr(paper, setting.section), setting.field))
    ]
    return "\n".join(["| setting | here | paper |", "| --- | --- | --- |", *rows]) if rows else "None."


def _next(folder: RunFolder, config: Config) -> str:
    run = shlex.quote(str(folder.path))
    commands = {
        f"copa eval --checkpoint {run} --episodes 300": "play the newest checkpoint again",
        f"copa train --resume {run} --run.steps {2 * config.run.steps}": "train on",
        f"tensorboard --logdir {shlex.quote(str(folder.tensorboard))}": "look at everything that was measured",
        f"copa report {run}": "write this report anew",
    }
    width = max(map(len, commands))
    return "```\n" + "\n".join(f"{command:<{width}}  # {use}" for command, use in commands.items()) + "\n```"


def _duration(info: Mapping[str, Any]) -> str:
    seconds = sum(start.get("seconds", time.time() - start["began"]) for start in info["starts"])
    return f"{seconds / 60:.1f} minutes of running"


def _mean(series: Series) -> float:
    return sum(series.values) / len(series.values)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)
