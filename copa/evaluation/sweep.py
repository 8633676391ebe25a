"""Many evaluations at once: runs of several methods, several betas, all teams."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from copa import checkpoint
from copa.config.schema import Config
from copa.errors import ConfigError
from copa.evaluation.evaluate import Source, default_teams, evaluate
from copa.evaluation.result import TeamResult
from copa.evaluation.summary import Summary, summarise
from copa.methods import method_named
from copa.nets import NEED
from copa.tasks import task_spec

log = logging.getLogger(__name__)

RATE_EPISODES = 64
"""Episodes that one look at the communication rate takes."""

RATE_TOLERANCE = 0.005
_LOOKS = 24


@dataclass(frozen=True, slots=True)
class Player:
    """Who plays: one policy, or the runs of one method."""

    label: str
    config: Config
    sources: tuple[Source, ...]

    @property
    def has_coach(self) -> bool:
        """Whether a beta means anything to it."""
        return not isinstance(self.sources[0], str) and method_named(self.config.method.name).coach

    @property
    def criterion(self) -> str:
        """What its coach compares with beta: `need` or `distance`."""
        return "need" if self.has_coach and _foretells(self.sources[0]) else "distance"


@dataclass(frozen=True, slots=True)
class Row:
    """What one player reached with one team at one beta."""

    label: str
    team: str
    beta: float | None
    """None without a coach."""
    summary: Summary


def untrained(policy: Source, config: Config) -> Player:
    """The `random` or `greedy` policy of `config`'s task."""
    return Player(str(policy), config, (policy,))


def trained(paths: Sequence[Path]) -> list[Player]:
    """Players of checkpoints (files, or folders of runs); those that differ in no setting but seeds are one player.

    A player is called by its method; where several have the same, by the path of its first run too, so that no two
    labels are equal.

    Raises:
        ConfigError: they play different tasks.
        UnavailableError: there is no checkpoint at a path.
    """
    groups: dict[str, list[tuple[Path, checkpoint.Checkpoint]]] = {}
    for path in paths:
        saved = checkpoint.load(path)
        parts = [getattr(saved.config, name).model_dump(mode="json") for name in ("task", "method", "nets", "learning")]
        parts.append(_foretells(saved.tensors))
        groups.setdefault(json.dumps(parts, sort_keys=True), []).append((path, saved))
    tasks = {members[0][1].config.task.name for members in groups.values()}
    if len(tasks) > 1:
        raise ConfigError(f"the checkpoints play different tasks ({', '.join(sorted(tasks))}); evaluate them apart")
    names = [members[0][1].config.method.name for members in groups.values()]
    return [
        Player(
            name if names.count(name) == 1 else f"{name} ({members[0][0]})",
            members[0][1].config,
            tuple(saved.playing for _, saved in members),
        )
        for name, members in zip(names, groups.values(), strict=True)
    ]


def by_distance(player: Player) -> Player:
    """`player` with a coach that holds back by distance (Eq. 3), also where it foretells need."""
    if player.criterion == "distance":
        return player
    sources = tuple(
        source if isinstance(source, str) else {name: source[name] for name in source if not name.startswith(NEED)}
        for source in player.sources
    )
    return replace(player, label=f"{player.label}, by distance", sources=sources)


def sweep(
    players: Sequence[Player],
    *,
    betas: Sequence[float] | None = None,
    teams: Sequence[str] = (),
    episodes: int,
    seed: int,
    tell: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Play every team with every player, at every beta where there is a coach (`coach.beta` when none is given).

    `tell` gets each row as soon as it is known. Raises ConfigError for an unknown team.
    """
    rows = []
    for player in players:
        spec = task_spec(player.config.task.name, player.config.task.options)
        for beta in (betas or (player.config.coach.beta,)) if player.has_coach else (None,):
            for team in teams or default_teams(spec):
                results = _play(player, team, episodes, seed, beta or 0.0)
                rows.append(Row(player.label, team, beta, summarise(results)))
                tell(rows[-1])
    return rows


def beta_for_rate(player: Player, rate: float, *, team: str, seed: int) -> float:
    """The beta at which the coach speaks to a player in `rate` of the coach steps, measured with `team`.

    Found by halving an interval, to `RATE_TOLERANCE`. Where the rate does not move so finely the coach speaks less, and
    a warning says how often.

    Raises:
        ConfigError: the player has no coach.
    """
    if not player.has_coach:
        raise ConfigError(f"--rate: {player.label} has no coach, so there is no communication to set")
    if rate >= 1.0:
        return 0.0

    def reached(beta: float) -> float:
        results = _play(player, team, RATE_EPISODES, seed, beta)
        return sum(result.communication_rate or 0.0 for result in results) / len(results)

    low, high = 0.0, 1.0
    for _ in range(_LOOKS):
        if reached(high) <= rate:
            break
        low, high = high, 2.0 * high
    for _ in range(_LOOKS):
        middle = (low + high) / 2
        found = reached(middle)
        if abs(found - rate) <= RATE_TOLERANCE:
            return middle
        low, high = (middle, high) if found > rate else (low, middle)
    log.warning(
        "%s cannot be told in %.1f %% of the coach steps: in %.1f %% at beta %g, in %.1f %% at %g",
        *(player.label, 100 * rate, 100 * reached(high), high, 100 * reached(low), low),
    )
    return high


def _foretells(source: Source) -> bool:
    return any(name.startswith(NEED) for name in source)


def _play(player: Player, team: str, episodes: int, seed: int, beta: float) -> list[TeamResult]:
    return [
        evaluate(player.config, source, teams=[team], episodes=episodes, seed=seed, beta=beta)[team]
        for source in player.sources
    ]
