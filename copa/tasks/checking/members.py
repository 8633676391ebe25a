"""Checks of who is there, who sees whom, and what each may do."""

import itertools

import numpy as np

from copa.tasks.base import Bools
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import GAMES, Check, Moment, Subject


def masks_agree(subject: Subject) -> None:
    """`present` says the same to every agent, and `visible` is a part of it."""
    slots = subject.spec.slots
    for moment in subject.moments():
        view = moment.view
        members = view.members()
        there: Bools = np.logical_or.reduce(view.present, axis=1)
        told = "one agent is told something else than another"
        _none("present", (view.present != there[:, None]) & members[..., None], told, moment)
        agents = view.present[..., :slots] != members[:, None]
        _none(
            "present",
            agents & members[..., None],
            "its column and its own row disagree on whether an agent is there",
            moment,
        )
        _none("visible", view.visible & ~view.present, "what is not present is seen", moment)


def _none(name: str, wrong: Bools, why: str, moment: Moment) -> None:
    for index in np.argwhere(wrong)[:1].tolist():
        value = getattr(moment.view, name)[tuple(index)]
        raise ContractError(f"{name}{index} is {value} where {why} ({moment.where(index[0])})")


def actions_are_available(subject: Subject) -> None:
    """Every slot has an available action, an absent agent exactly one unless all are always available."""
    moments = subject.moments()
    free = all(moment.view.available.all() for moment in moments)
    no_ops: set[int] = set()
    for moment in moments:
        available = moment.view.available
        for game, slot in np.argwhere(~available.any(axis=2))[:1].tolist():
            raise ContractError(f"available[{game}, {slot}] is all false ({moment.where(game)})")
        absent = ~moment.view.members()
        if free or not absent.any():
            continue
        for game, slot in np.argwhere(absent & (available.sum(axis=2) != 1))[:1].tolist():
            allowed = np.flatnonzero(available[game, slot]).tolist()
            raise ContractError(
                f"available[{game}, {slot}] allows actions {allowed} to an absent agent ({moment.where(game)})"
            )
        no_ops |= set(np.unique(available[absent].argmax(axis=1)).tolist())
        if len(no_ops) > 1:
            raise ContractError(
                f"available gives absent agents different no-ops, actions {sorted(no_ops)} ({moment.where()})"
            )


def traits_stay(subject: Subject) -> None:
    """The traits of an agent do not change while it stays."""
    for team in subject.spec.teams:
        moments = subject.seen(team)
        for before, after in itertools.pairwise(moments):
            stays = before.view.members() & after.view.members() & after.running[:, None]
            changed = (before.view.traits != after.view.traits) & stays[..., None]
            for index in np.argwhere(changed)[:1].tolist():
                place = tuple(index)
                raise ContractError(
                    f"traits{index} goes from {before.view.traits[place]} to {after.view.traits[place]} while the slot"
                    f" stays taken ({after.where(index[0])})"
                )


def arrivals_are_counted(subject: Subject) -> None:
    """No episode sees more agents than `arrivals` says."""
    for team in subject.spec.teams:
        most = subject.task(team).arrivals
        came, before = np.zeros(GAMES, np.int64), np.zeros((GAMES, subject.spec.slots), np.bool_)
        for moment in subject.seen(team):
            members = moment.view.members()
            came += (members & ~before).sum(axis=1) * moment.running
            if (came > most).any():
                game = int(came.argmax())
                raise ContractError(f"arrivals is {most}, but {came[game]} agents came ({moment.where(game)})")
            before = members


def teams_have_members(subject: Subject) -> None:
    """Every team of the spec begins its episodes with at least one agent."""
    for team in subject.spec.teams:
        first = subject.seen(team)[0]
        for game in np.flatnonzero(~first.view.members().any(axis=1))[:1].tolist():
            raise ContractError(f"present[{game}] is all false: nobody plays ({first.where(game)})")


MASKS = Check(
    "masks", "present tells every agent the same, visible is a part of it, absent agents' rows are empty", masks_agree
)
AVAILABLE = Check(
    "available",
    "no row is all false, and an absent agent has exactly its no-op (or everything is available always)",
    actions_are_available,
)
TRAITS = Check(
    "traits",
    "traits are constant while an agent stays; a new agent takes a slot that was empty in the view before",
    traits_stay,
)
ARRIVALS = Check("arrivals", "no episode sees more agents than arrivals", arrivals_are_counted)
TEAMS = Check("teams", "every team begins with at least one agent", teams_have_members)
