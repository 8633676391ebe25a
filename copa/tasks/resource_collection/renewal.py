"""What comes back, and how the invader moves: step 5 of the rules."""

import numpy as np

from copa.tasks.base import Bools, Ints
from copa.tasks.resource_collection.chance import Chance, Numbers
from copa.tasks.resource_collection.options import Variant
from copa.tasks.resource_collection.physics import squared_distance
from copa.tasks.resource_collection.rules import INVADER, INVADER_PACE, RESOURCE_SPACING, RESOURCES, SMALLEST
from copa.tasks.resource_collection.state import State

CLEARANCE = RESOURCE_SPACING**2
NONE = np.empty(0, np.int64)


def renew(state: State, chance: Chance, lost: Bools, variant: Variant) -> None:
    """Resources that are gone reappear, the invader comes nearer or waits; it went in this step where `lost` [B]."""
    fresh, back = invaders_due(state, lost) if variant.invader else (NONE, NONE)
    games, resources = resources_due(state) if variant.renewal else (NONE, NONE)
    if not (len(fresh) or len(back) or len(games)):
        move_invaders(state)
        return
    drawn = chance.renewal(state, fresh, back, games, resources)
    state.delay[fresh] = drawn.delays
    move_invaders(state)
    put_invaders(state, back, drawn.invaders)
    replace(state, chance, games, resources, drawn.places)


def open_world(state: State, chance: Chance, variant: Variant) -> None:
    """Resources and, in most variants, the invader of games in which there are none yet appear."""
    games, resources = resources_due(state)
    back = np.arange(state.games) if variant.invader else NONE
    drawn = chance.renewal(state, NONE, back, games, resources)
    put_invaders(state, back, drawn.invaders)
    replace(state, chance, games, resources, drawn.places)


def invaders_due(state: State, lost: Bools) -> tuple[Ints, Ints]:
    """Games whose invader needs a delay, and games whose invader comes back."""
    back = ~(state.there[INVADER] | lost)
    back &= state.delay <= 0
    return np.flatnonzero(lost), np.flatnonzero(back)


def resources_due(state: State) -> tuple[Ints, Ints]:
    """Games [N] and the resources [N] that are gone from them, in order."""
    games, resources = np.divmod(np.flatnonzero(~state.there[RESOURCES].T), len(RESOURCES))
    return games, RESOURCES[resources]


def replace(state: State, chance: Chance, games: Ints, resources: Ints, places: Numbers) -> None:
    """Put `resources` [N] of `games` [N], in order, at the first proposed place that is clear of the others.

    `places` [2, PROPOSALS, N] are the first proposals; more are drawn where none of them is clear. Games take
    their turns at once, each with its first resource that still waits.
    """
    draws = np.zeros(len(games), np.int64)
    while len(games):
        first = np.diff(games, prepend=-1) > 0
        turn = np.flatnonzero(first)
        placed = put_resources(state, games[turn], resources[turn], places[:, :, turn])
        again = turn[~placed]
        if len(again):
            draws[again] += 1
            places[:, :, again] = chance.places(state, games[again], resources[again], draws[again])
            first[again] = False
        rest = ~first
        games, resources, places, draws = games[rest], resources[rest], places[:, :, rest], draws[rest]


def put_resources(state: State, games: Ints, resources: Ints, places: Numbers) -> Bools:
    """Put `resources` [N] of different `games` [N] at the first of `places` [2, PROPOSALS, N] that is clear, if any."""
    others = state.landmark[:, RESOURCES[:, None], games]
    proposed = places.astype(state.dtype)
    near = squared_distance(proposed[:, :, None], others[:, None]) < CLEARANCE
    clear: Bools = ~np.logical_or.reduce(near, axis=1)
    placed: Bools = np.logical_or.reduce(clear, axis=0)
    now = np.flatnonzero(placed)
    state.landmark[:, resources[now], games[now]] = proposed[:, clear[:, now].argmax(axis=0), now]
    state.there[resources[now], games[now]] = True
    return placed


def put_invaders(state: State, games: Ints, places: Numbers) -> None:
    """The invader of `games` [N] appears at `places` [2, N]."""
    state.landmark[:, INVADER, games] = places
    state.there[INVADER, games] = True


def move_invaders(state: State) -> None:
    """An invader that is there comes straight nearer to home; the delay of one that went is counted down."""
    place = state.landmark[:, INVADER]
    distance = np.maximum(np.sqrt(squared_distance(place, np.zeros_like(place))), SMALLEST)
    place -= place * (state.there[INVADER] * INVADER_PACE / distance)
    state.delay -= ~state.there[INVADER] & (state.delay > 0)
