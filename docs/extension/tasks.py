"""Sizes of tasks, from their specs."""

from copa.tasks import BUILT_IN, task_spec
from docs.extension.markdown import code, table


def sizes() -> str:
    """Every built-in task."""
    specs = [task_spec(name) for name in BUILT_IN]
    rows = [
        [
            code(spec.name),
            str(spec.slots),
            str(spec.entity_rows),
            str(len(spec.actions)),
            str(spec.horizon),
            code(spec.teams[0]),
            ", ".join(code(team) for team in spec.held_out) or "none",
        ]
        for spec in specs
    ]
    titles = ["name", "agents, at most", "other entities", "actions", "steps", "trains on", "held out"]
    return table(titles, rows)
