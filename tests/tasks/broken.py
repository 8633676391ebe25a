"""Tasks with one fault each: for every check of the contract at least one that it must find."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from piano_movers import PianoMovers

from copa.tasks.base import Ints, Snapshot, Step, View
from copa.tasks.drawing import Drawing

SPEC = PianoMovers.spec


class Viewed(PianoMovers):
    """A task whose views are changed by `change`."""

    def change(self, view: View) -> dict[str, Any]:
        raise AssertionError("every subclass says what it changes")

    def _view(self) -> View:
        view = super()._view()
        return replace(view, **self.change(view))


class Stepped(PianoMovers):
    """A task whose steps are changed by `change`."""

    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        raise AssertionError("every subclass says what it changes")

    def step(self, actions: Ints) -> Step:
        step = super().step(actions)
        return replace(step, **self.change(step, self.state["clock"]))


class OtherName(PianoMovers):
    spec = replace(SPEC, name="movers")


class RecordsTooMuch(PianoMovers):
    spec = replace(SPEC, recorded_steps=49)


class HoldsOutNobody(PianoMovers):
    spec = replace(SPEC, held_out=("6",))


class Float64(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"agents": view.agents.astype(np.float64)}


class RewardPerAgent(Stepped):
    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        return {"reward": np.stack([step.reward] * 5, axis=1)}


class TakesAnyTeam(PianoMovers):
    def __init__(self, *, games: int, seed: int, team: str, options: Mapping[str, Any]) -> None:
        super().__init__(games=games, seed=seed, team=team if team in SPEC.teams else "train", options=options)


class NotANumber(Stepped):
    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        return {"reward": np.where(clock == 7, np.float32(np.nan), step.reward)}


class TellsNow(Stepped):
    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        return {"info": {"won": step.reward} if clock.max() > 3 else {}}


class TellsOtherwise(Stepped):
    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        return {"info": {"won": step.reward if clock.max() > 3 else step.reward > 0}}


class NobodyCame(PianoMovers):
    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        super().reset(rows, episode_numbers)
        self.state["here"][rows] &= self.team != "5"
        return self._view()


class SeesTheAbsent(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"visible": np.ones_like(view.visible)}


class TellsOneLess(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        view.present[:, 0, -1] = False
        return {"visible": view.visible & view.present}


class NoWayOut(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"available": np.broadcast_to(view.members()[..., None], view.available.shape).copy()}


class AbsentMayMove(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        view.available[..., 4] = False
        return {}


class Tires(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"traits": view.traits + (self.state["clock"][:, None, None] > 5).astype(np.float32)}


class FewArrivals(PianoMovers):
    arrivals = property(lambda self: 3, lambda self, value: None)


class EndsEarly(Stepped):
    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        return {"truncated": step.truncated | (clock == 40)}


class NeverEnds(Stepped):
    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        return {"truncated": np.zeros_like(step.truncated)}


class PaysOn(Stepped):
    def change(self, step: Step, clock: Ints) -> dict[str, Any]:
        return {"reward": step.reward + ((clock == 48) & ~step.truncated).astype(np.float32)}


class MovesOn(PianoMovers):
    def greedy(self) -> Ints:
        self.state["place"] = (self.state["place"] + 1) % 6
        return super().greedy()


class BeginsFull(PianoMovers):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.state["here"][:] = True


class Unseeded(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"entities": view.entities + np.random.default_rng().random(dtype=np.float32)}


class OfThisProcess(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"agents": view.agents + np.float32(os.getpid())}


class ByRow(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"entities": view.entities + np.arange(self.games, dtype=np.float32)[:, None, None]}


class OneSeed(PianoMovers):
    def __init__(self, *, seed: int, **settings: Any) -> None:
        super().__init__(seed=0, **settings)


class OneEpisode(PianoMovers):
    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        return super().reset(rows, np.zeros_like(episode_numbers))


class ResetsAll(PianoMovers):
    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        self.state["place"][:] = 0
        return super().reset(rows, episode_numbers)


class RemembersTheLast(PianoMovers):
    def reset(self, rows: Ints, episode_numbers: Ints) -> View:
        before = self.state["size"][rows, 0]
        super().reset(rows, episode_numbers)
        self.state["size"][rows, 0] += before
        return self._view()


class KeepsItsArrays(Viewed):
    shared = np.zeros((0, 5, 5), np.bool_)

    def change(self, view: View) -> dict[str, Any]:
        if len(self.shared) != self.games:
            self.shared = view.available
        self.shared[:] = view.available
        self.shared[..., 4] = self.state["clock"][:, None] % 2 == 0
        return {"available": self.shared}


class MindsChanges(PianoMovers):
    def _view(self) -> View:
        view = super()._view()
        self.last = view.traits
        return view

    def step(self, actions: Ints) -> Step:
        before = self.last
        step = super().step(actions)
        return replace(step, view=replace(step.view, agents=step.view.agents + before))


class WritesActions(PianoMovers):
    def step(self, actions: Ints) -> Step:
        step = super().step(actions)
        actions[:] = 0
        return step


class ReadOnly(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        return {"available": np.broadcast_to(np.True_, view.available.shape)}


class SharesItsState(PianoMovers):
    def snapshot(self) -> Snapshot:
        return dict(self.state)


class ForgetsTheClock(PianoMovers):
    def restore(self, state: Snapshot) -> View:
        return super().restore(state | {"clock": np.zeros_like(state["clock"])})


class KeepsTheSnapshot(PianoMovers):
    def restore(self, state: Snapshot) -> View:
        self.state = state
        return self._view()


class SavesObjects(PianoMovers):
    def snapshot(self) -> Snapshot:
        return super().snapshot() | {"team": np.array([self.team], object)}


class OffTheMap(PianoMovers):
    def greedy(self) -> Ints:
        return super().greedy() + 5


class Obstinate(Viewed):
    def change(self, view: View) -> dict[str, Any]:
        view.available[..., 2] = False
        return {}


class MoodyExpert(PianoMovers):
    def greedy(self) -> Ints:
        return np.roll(super().greedy(), 1, axis=0)


class DrawsNobody(PianoMovers):
    def drawing(self, row: int) -> Drawing:
        drawing = super().drawing(row)
        return replace(drawing, bodies=drawing.bodies[:-1])


class DrawsRed(PianoMovers):
    def drawing(self, row: int) -> Drawing:
        drawing = super().drawing(row)
        return replace(drawing, bodies=(*drawing.bodies[:-1], replace(drawing.bodies[-1], colour="red")))


class DrawsAndMoves(PianoMovers):
    def drawing(self, row: int) -> Drawing:
        self.state["place"][row] = 0
        return super().drawing(row)


class Raises(PianoMovers):
    def step(self, actions: Ints) -> Step:
        raise ValueError("the lift is out of order")


FAULTS: dict[str, dict[type[PianoMovers], str]] = {
    "spec": {
        OtherName: r"name is 'movers', but the task is registered as 'piano_movers'",
        RecordsTooMuch: r"recorded_steps is 49, more than the horizon of 48",
        HoldsOutNobody: r"held_out names '6', which is not in teams",
    },
    "arrays": {
        Float64: r"agents is float64\[8, 5, 2\] instead of float32\[8, 5, 2\] \(team 'train', after the reset\)",
        RewardPerAgent: r"reward is float32\[8, 5\] instead of float32\[8\] \(team 'train', after step 1\)",
        Raises: r"broken.py, line \d+, raised ValueError: the lift is out of order",
    },
    "refusals": {TakesAnyTeam: r"the team 'no team has this name' is accepted"},
    "values": {NotANumber: r"reward\[0\] is nan \(team 'train', after step 7, episode 0\)"},
    "info": {
        TellsNow: r"info names \['won'\], and \[\] before \(team 'train', after step 4\)",
        TellsOtherwise: r"info\['won'\] is float32, of truth values at some steps and of numbers .*after step 4\)",
    },
    "teams": {NobodyCame: r"present\[0\] is all false: nobody plays \(team '5', after the reset, episode 0\)"},
    "masks": {
        SeesTheAbsent: r"visible\[0, 0, 2\] is True where what is not present is seen",
        TellsOneLess: r"present\[0, 0, 7\] is False where one agent is told something else than another",
    },
    "available": {
        NoWayOut: r"available\[0, 2\] is all false \(team 'train', after the reset, episode 0\)",
        AbsentMayMove: r"available\[0, 2\] allows actions \[0, 1, 2, 3\] to an absent agent",
    },
    "traits": {Tires: r"traits\[0, 0, 0\] goes from \S+ to \S+ while the slot stays taken .*after step 6, episode 0"},
    "arrivals": {FewArrivals: r"arrivals is 3, but 4 agents came \(team 'train', after the reset, episode 2\)"},
    "ending": {
        EndsEarly: r"truncated\[0\] is true before the horizon of 48 \(team 'train', after step 40, episode 0\)",
        NeverEnds: r"neither terminated\[0\] nor truncated\[0\] is true at the horizon",
    },
    "ended": {
        PaysOn: r"reward\[0\] is 1.0 in an ended game \(team 'train', step 49\)",
        MovesOn: r"agents\[0, 0, 0\] was \S+ and is \S+ in an ended game",
    },
    "unstarted": {BeginsFull: r"slot 0 of game 0, which was never started, holds an agent"},
    "repeated": {Unseeded: r"entities\[0, 0\] of episode 0 at step 0 is \S+, and \S+ when it is played again"},
    "batch": {ByRow: r"entities\[0, 0\] of episode \d+ at step 0 is .* in 16 games in another order"},
    "seeds": {
        OneSeed: r"are the same under seeds 11 and 12",
        OneEpisode: r"are all the same game",
    },
    "reset": {
        ResetsAll: r"agents\[\d, \d, \d\] was \S+ and is 0.0 through a reset of games \[3, 1\]",
        RemembersTheLast: r"traits\[3, 0, 0\] was \S+ and is \S+ where the game was played before its reset",
    },
    "views": {
        KeepsItsArrays: r"step\(\) writes to available of the view before \(team 'train', step 1\)",
        MindsChanges: r"agents\[.*\] was \S+ and is \S+ after the arrays given before were written to",
        WritesActions: r"step\(\) writes to its actions \(team 'train', step 1\)",
        ReadOnly: r"available cannot be written to",
    },
    "snapshot": {
        SharesItsState: r"a later step writes to 'clock' of a snapshot \(team 'train', after step 16\)",
        ForgetsTheClock: r"is \S+ at the end of the game, in a snapshot restored in a new task",
        KeepsTheSnapshot: r"at the end of the game, in a snapshot restored in a new task",
        SavesObjects: r"snapshot\(\)\['team'\] is ndarray of objects",
    },
    "greedy": {
        OffTheMap: r"greedy\(\) gives actions 5 to \d of 5 \(team 'train', step 1\)",
        Obstinate: r"greedy\(\) gives game \d, slot \d action 2, which is not available",
        MoodyExpert: r"of episode \d+ at step \d+ is .* instead of among 16",
    },
    "drawing": {
        DrawsNobody: r"the bodies stand for slots \[0\], but the agents are in slots \[0, 1\]",
        DrawsRed: r"has the colour 'red', which is not #rrggbb",
        DrawsAndMoves: r"drawing\(\) changes 'place' of the state",
    },
}
"""By check, the tasks that must fail it and what it must say."""
