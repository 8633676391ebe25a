"""The players of one group of games: their network, memory and previous actions."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from copa.config.schema import Config
from copa.methods import method_named, sight
from copa.nets import build_player, load_weights
from copa.segments import NO_ACTION
from copa.tasks.base import Bools, Floats, Ints, TaskSpec, View


class Players:
    """Chooses actions for B games with one network.

    Games move in lockstep from coach step to coach step: `begin_segment` where a segment begins, then `values` and
    `remember` at each of its steps. An agent that joins inside an episode needs no call: its slot was empty in the
    view before, so it has no previous action, and its memory is what an empty slot carries, as in learning.
    """

    def __init__(self, spec: TaskSpec, config: Config, games: int) -> None:
        self._method = method_named(config.method.name)
        self._T = config.method.T
        self._forgets = config.nets.memory_span == "segment"
        self._net = build_player(spec, config)
        self._net.eval()
        self.memory = self._net.first_memory(games)
        """[B, A, M], what each player carries to the next step."""
        self.previous: Ints = np.full((games, spec.slots), NO_ACTION, dtype=np.int64)
        """[B, A], each player's last action, `NO_ACTION` for none."""

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Take the player's weights out of published ones."""
        load_weights(self._net, weights, "player.")

    def begin_segment(self) -> None:
        """A segment begins: players whose memory spans one forget."""
        if self._forgets:
            self.memory = torch.zeros_like(self.memory)
            self.previous.fill(NO_ACTION)

    def begin_agents(self, fresh: Bools) -> None:
        """Agents [B, A] whose episode begins know nothing yet."""
        if fresh.any():
            self.memory = self.memory.masked_fill(torch.from_numpy(fresh)[..., None], 0.0)
            self.previous[fresh] = NO_ACTION

    def values(self, view: View, step: int, strategies: Floats | None) -> Floats:
        """Q [B, A, U] of every action, -inf where not available; the memory moves on.

        `step` counts from the last coach step; `strategies` [B, A, W] are those the players hold, None
        without a coach.
        """
        visible = sight(self._method, view.visible, view.present, step, self._T)
        with torch.inference_mode():
            q, self.memory = self._net.step(
                torch.from_numpy(view.agents),
                torch.from_numpy(view.traits),
                torch.from_numpy(view.entities),
                torch.from_numpy(visible),
                torch.from_numpy(view.members()),
                torch.from_numpy(self.previous),
                self.memory,
                None if strategies is None else torch.from_numpy(strategies),
            )
            values: Floats = q.masked_fill(~torch.from_numpy(view.available), -torch.inf).numpy()
        return values

    def remember(self, actions: Ints, members: Bools) -> None:
        """Note the actions [B, A] that the agents present ([B, A]) took."""
        self.previous = np.where(members, actions, NO_ACTION)
