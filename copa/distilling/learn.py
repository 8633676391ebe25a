"""Rounds of play and learning, in which one team takes after several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from copa.checkpoint import Checkpoint, acting_part
from copa.distilling.practice import Lessons, practise
from copa.distilling.student import Distance, Student
from copa.distilling.teachers import Teachers, spread_of
from copa.errors import ConfigError
from copa.methods import method_named
from copa.nets import NEED
from copa.tasks import make_task, task_spec
from copa.tasks.base import TaskSpec

GAMES = 64
"""Episodes that are played in a round, at once."""

UPDATES = 60
"""Updates of a round."""

BATCH = 40
"""Lessons of an update."""

SOURCES = 4
"""Rounds that the lessons of an update come from."""

KEPT = 20
"""Rounds whose lessons are kept: some 250 MB for Resource Collection, 700 MB for StarCraft."""

RATE = 6e-4
"""Learning rate at the beginning; it falls to 0."""

TEMPERATURE = 0.25
"""Of the choices that are compared, in units of the first teacher's spread (`spread_of`)."""


@dataclass(frozen=True, slots=True)
class Round:
    """A round that is over."""

    number: int
    """From 1."""
    distance: Distance
    """Mean over its updates."""


def distill(
    teachers: Sequence[Checkpoint],
    *,
    teams: Sequence[str] = (),
    rounds: int,
    hold: float = 0.0,
    seed: int,
    tell: Callable[[Round], None] = lambda done: None,
) -> Checkpoint:
    """One team that plays like the average of `teachers`, which know the same task and at least one of which is given.

    It begins as the first of them, whose settings and options of the task it has. In each of `rounds` rounds (at least
    1) it plays 64 episodes, of each of `teams` (the training distribution when none is given) in turn, while the
    teachers look on, whose coaches tell them everything; then it makes 60 updates towards what they would have done.
    Its own coach is silent to a player with a probability drawn from 0 to `hold` (0..1): in play at any coach step,
    drawn for each game; in learning at the coach steps inside a segment, drawn for each.

    Returns:
        Player and coach, without need; its `steps` are those of the teachers and its own, its `updates` its own.

    Raises:
        ConfigError: teachers know different tasks, a team is unknown, a teacher has values that are no numbers or all
            alike, or `hold` is out of range, or above 0 where nothing can be held: without a coach, or without coach
            steps inside a segment.
    """
    first = acting_part(teachers[0])
    spec = _common_task(teachers)
    _check_hold(first, hold)
    names = teams or spec.teams[:1]
    options = first.config.task.options
    tasks = [make_task(spec.name, games=GAMES, seed=seed, team=team, options=options) for team in names]
    spreads = [spread_of(each, spec, tasks[0], np.arange(GAMES)) for each in teachers]
    for place, spread in enumerate(spreads):
        _check_spread(f"checkpoint {place + 1} of {len(teachers)}", spread)
    rng = np.random.default_rng(seed)
    weights = {name: tensor for name, tensor in first.tensors.items() if not name.startswith(NEED)}
    student = Student(spec, first.config, weights, temperature=TEMPERATURE * spreads[0], seed=seed)
    known: list[Lessons] = []
    steps = 0
    for number in range(rounds):
        looking_on = Teachers(spec, teachers, GAMES, spreads)
        lessons = practise(
            spec,
            first.config,
            student.weights,
            looking_on,
            tasks[number % len(tasks)],
            first=GAMES * (1 + number),
            hold=hold,
            rng=rng,
        )
        steps += int(lessons.segments.lengths.sum())
        known = [*known[-KEPT + 1 :], lessons]
        found: list[Distance] = []
        for update in range(UPDATES):
            rate = RATE * (1 - (number + update / UPDATES) / rounds)
            found.append(student.learn(_drawn(known, rng), rate=rate, hold=hold))
        tell(Round(number + 1, _mean(found)))
    return replace(
        first,
        tensors=student.weights,
        updates=student.updates,
        steps=steps + sum(each.steps for each in teachers),
    )


def _common_task(teachers: Sequence[Checkpoint]) -> TaskSpec:
    specs = [task_spec(each.config.task.name, each.config.task.options) for each in teachers]
    for place, (spec, each) in enumerate(zip(specs, teachers, strict=True)):
        if spec != specs[0]:
            raise ConfigError(
                f"checkpoint {place + 1} plays {each.config.task.name} with options {each.config.task.options}, the"
                f" first one {teachers[0].config.task.name} with {teachers[0].config.task.options}; teams that teach"
                " one other must know the same task"
            )
    return specs[0]


def _check_hold(first: Checkpoint, hold: float) -> None:
    config = first.config
    if not 0.0 <= hold <= 1.0:
        raise ConfigError(f"hold is {hold:g}; allowed: 0 to 1, a probability")
    if hold == 0.0:
        return
    if not method_named(config.method.name).coach:
        raise ConfigError(f"hold is {hold:g} and method.name {config.method.name}, which has no coach; leave hold out")
    if config.learning.periods == 1:
        raise ConfigError(
            f"hold is {hold:g}, and at T = {config.method.T} a segment of the first checkpoint, {config.segment_steps}"
            " steps, has no coach step inside it at which a strategy could be kept; give a smaller T that divides it,"
            " begin with a team of preset best, or leave hold out"
        )


def _check_spread(which: str, spread: float) -> None:
    if not np.isfinite(spread):
        raise ConfigError(f"{which} values actions at {spread:g} on average: its weights are broken; leave it out")
    if spread == 0.0:
        raise ConfigError(f"to {which} all actions are worth the same, so nothing can be learned from it; leave it out")


def _drawn(known: Sequence[Lessons], rng: np.random.Generator) -> Lessons:
    """The lessons of one update."""
    count = BATCH // SOURCES
    sources = [known[index] for index in rng.integers(len(known), size=SOURCES)]
    return Lessons.joined([each.take(rng.integers(len(each), size=count)) for each in sources])


def _mean(found: Sequence[Distance]) -> Distance:
    return Distance(
        divergence=float(np.mean([each.divergence for each in found])),
        agreement=float(np.mean([each.agreement for each in found])),
    )
