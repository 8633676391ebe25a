"""Several services behind one name: callers spread over them, and are answered as long as one of them can answer."""

from contextlib import ExitStack

import pytest

from coach_service.weights import FixedWeights
from copa.coaching import CoachClient
from copa.coaching.address import Address
from tests.coach.parts import Games, Loop, make_coach, make_config, nobody, wait_until, weights_of

CALLERS = 8
WEIGHTS = weights_of(make_coach(1))
GAMES = Games(2)


class Named:
    """Services behind one name, and callers who know that name."""

    def __init__(self, loop: Loop, stack: ExitStack, patch: pytest.MonkeyPatch, versions: list[int]) -> None:
        """`versions`: of the weights of each service; 0 for one that has none."""
        config = make_config("127.0.0.1:0")
        self.services = [stack.enter_context(ExitStack()) for _ in versions]
        addresses = []
        for service, version in zip(self.services, versions, strict=True):
            weights = FixedWeights(WEIGHTS if version else {}, version=version)
            addresses.append(service.enter_context(loop.serving(config, weights))[1])
        patch.setattr(Address, "target", property(lambda _: "ipv4:" + ",".join(addresses)))
        self._callers = [stack.enter_context(CoachClient("127.0.0.1:1", config, sample=False)) for _ in range(CALLERS)]

    def answered(self, deadline: float = 1.0) -> list[int]:
        """The weights of each caller's answer; 0 for none within `deadline` seconds."""
        for caller in self._callers:
            caller.ask(0, 0, GAMES.view, nobody(GAMES.view))
        answers = [caller.collect(0, deadline) for caller in self._callers]
        return [0 if answer is None else answer.version for answer in answers]


def test_callers_spread_stay_and_go_elsewhere_when_one_is_gone(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        named = Named(loop, stack, monkeypatch, [1, 2])
        wait_until(lambda: 0 not in named.answered())
        first = named.answered()
        assert set(first) == {1, 2}
        assert named.answered() == first
        named.services[0].close()
        wait_until(lambda: named.answered() == [2] * CALLERS)


def test_nobody_stays_with_a_service_that_cannot_answer(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        named = Named(loop, stack, monkeypatch, [0, 2])
        wait_until(lambda: named.answered() == [2] * CALLERS, seconds=60.0)
