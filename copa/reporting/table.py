"""The final table: returns by team, of the trained team beside the expert and random actions."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from copa.evaluation.result import PER_EPISODE
from copa.reporting.tables import markdown


def team_names(final: Mapping[str, Any]) -> list[str]:
    """Teams of the table, in order."""
    return list(next(iter(final["policies"].values()), {}))


def cell(values: Mapping[str, Any]) -> str:
    """Mean and standard error of the return, with the decimals that the error leaves room for, then what the task says
    of how episodes ended, as shares of them."""
    digits = 1 if values["stderr"] >= 0.2 else 2
    reached = f"{values['mean']:.{digits}f} ± {values['stderr']:.{digits}f}"
    return ", ".join((reached, *shares(values.get("outcomes", {}))))


def shares(outcomes: Mapping[str, float]) -> list[str]:
    """What a task says of how episodes ended, in words: `battle won 27%`; what it counted in them is left out."""
    return [
        f"{name.replace('_', ' ')} {share:.0%}" for name, share in outcomes.items() if not name.endswith(PER_EPISODE)
    ]


def counts_table(final: Mapping[str, Any]) -> str:
    """What the task counted in an episode, on average: a line per team and policy; empty where it counts nothing."""
    policies = final["policies"]
    found = {
        (team, policy): policies[policy][team].get("outcomes", {}) for team in team_names(final) for policy in policies
    }
    names = [name for name in next(iter(found.values()), {}) if name.endswith(PER_EPISODE)]
    if not names:
        return ""
    head = ["team", "policy", *(name.removesuffix(PER_EPISODE).replace("_", " ") for name in names)]
    rows = [
        [*who, *(f"{outcomes[name]:.2f}" if name in outcomes else "-" for name in names)]
        for who, outcomes in found.items()
    ]
    return markdown([head, *rows], left=2)


def rate(values: Mapping[str, Any]) -> str:
    """Share of coach steps in which a player was spoken to."""
    said = values.get("communication_rate")
    return "-" if said is None else f"{said:.0%}"


def beats(final: Mapping[str, Any], team: str) -> bool | None:
    """Whether the trained team's mean is above the expert's; None where one of them is missing."""
    policies = final["policies"]
    if team not in policies.get("trained", {}) or team not in policies.get("greedy", {}):
        return None
    return bool(policies["trained"][team]["mean"] > policies["greedy"][team]["mean"])


def final_table(final: Mapping[str, Any]) -> Table:
    """The table for a terminal."""
    table = Table(title=f"Mean return ± standard error, {final['episodes']} episodes, no exploration")
    table.add_column("team")
    for policy in final["policies"]:
        table.add_column(policy, justify="right")
    table.add_column("communication", justify="right")
    for team in team_names(final):
        style = "green" if beats(final, team) else ""
        cells = [
            f"[{style}]{cell(values[team])}[/]" if policy == "trained" and style else cell(values[team])
            for policy, values in final["policies"].items()
        ]
        table.add_row(team, *cells, rate(final["policies"].get("trained", {}).get(team, {})))
    return table


def markdown_table(final: Mapping[str, Any]) -> str:
    """The table for a report."""
    policies = final["policies"]
    head = ["team", *policies, "communication"]
    rows = [
        [team, *(cell(values[team]) for values in policies.values()), rate(policies.get("trained", {}).get(team, {}))]
        for team in team_names(final)
    ]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
