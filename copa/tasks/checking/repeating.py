"""Checks that the same seed and episode number are the same game, and different ones are not."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from copa.tasks.checking.comparing import difference, require_same_episodes
from copa.tasks.checking.elsewhere import environment, instructions, read
from copa.tasks.checking.playing import Frames, recorded
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import SEED, Check, Subject

BATCH = 16
"""Games side by side, which are then played in another order and in smaller batches."""
FAR = 2**40
"""An episode number that needs more than 32 bits."""


def games_repeat(subject: Subject) -> None:
    """The same seed and episodes give the same games."""
    for team in subject.spec.teams:
        episodes = np.arange(4)
        first, second = (recorded(subject.task(team, games=4), episodes) for _ in range(2))
        require_same_episodes(first, second, f"when it is played again (team {team!r})")


def processes_agree(subject: Subject) -> None:
    """Another process plays the same games."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "played.npz"
        done = subprocess.run(
            [sys.executable, "-m", "copa.tasks.checking.elsewhere", str(file)],
            input=instructions(subject.name, subject.options),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["nothing"]
            raise ContractError(f"another process cannot play it; it said: {said[-1]}")
        there = read(file)
    for team in subject.spec.teams:
        here = recorded(subject.task(team, games=4), np.arange(4))
        require_same_episodes(here, there[team], f"in another process (team {team!r})")


def batches_agree(subject: Subject) -> None:
    """A game does not depend on the games beside it, on their number or their order."""
    require_batches_agree(subject, greedy=False)


def require_batches_agree(subject: Subject, *, greedy: bool) -> None:
    """Episodes played side by side are the same as in another order and in smaller batches."""
    episodes = np.arange(BATCH)
    for team in subject.spec.teams:
        together = recorded(subject.task(team, games=BATCH), episodes, greedy=greedy)
        for name, some in {
            f"in {BATCH} games in another order": np.random.default_rng(0).permutation(episodes),
            "in a batch of 5": episodes[4:9],
            "alone": episodes[6:7],
        }.items():
            again = recorded(subject.task(team, games=len(some)), some, greedy=greedy)
            require_same_episodes(together, again, f"{name}, instead of among {BATCH} (team {team!r})")


def games_differ(subject: Subject) -> None:
    """Other seeds and other episode numbers give other games, under the same actions."""
    team = subject.spec.teams[0]
    episodes = np.array([0, 1, 2, 3, FAR, FAR + 1])
    alike = np.zeros_like(episodes)

    def play(seed: int) -> dict[int, Frames]:
        return recorded(subject.task(team, games=len(episodes), seed=seed), episodes, streams=alike)

    first, second = play(SEED), play(SEED + 1)
    if all(_same(first[number], second[number]) for number in first):
        raise ContractError(
            f"episodes {episodes.tolist()} are the same under seeds {SEED} and {SEED + 1} (team {team!r})"
        )
    if all(_same(first[0], other) for other in first.values()):
        raise ContractError(f"episodes {episodes.tolist()} are all the same game (team {team!r})")


def _same(first: Frames, second: Frames) -> bool:
    return all(
        len(array) == len(second[name]) and difference(array, second[name]) is None for name, array in first.items()
    )


REPEATED = Check("repeated", "the same seed and episode number give the same game, to the last bit", games_repeat)
PROCESS = Check("process", "another process plays the same game, to the last bit", processes_agree)
BATCHES = Check("batch", "a game is the same whatever is played beside it, to the last bit", batches_agree)
SEEDS = Check("seeds", "other seeds and episode numbers, also large ones, give other games", games_differ)
