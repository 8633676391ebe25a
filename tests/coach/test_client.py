"""The client against real services: answers, deadlines, weather, deaths."""

import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach_service.server import CoachServer
from copa.coaching import CoachClient
from copa.errors import DataError
from copa.tasks.base import Bools, Floats
from tests.coach.parts import (
    FIRST,
    LOST,
    SPEC,
    Games,
    Loop,
    ServerProcess,
    make_coach,
    make_config,
    means,
    nobody,
    wait_until,
)
from tests.coach.proxy import Proxy

PATIENCE = 10.0


def test_groups_get_their_own_strategies(server: CoachServer, socket: str) -> None:
    coach = make_coach(1)
    groups = {0: Games(4, seed=0), 3: Games(7, seed=1)}
    with CoachClient(socket, make_config(socket), sample=False) as client:
        for number, games in groups.items():
            client.ask(number, 0, games.view, games.everyone)
        for number, games in groups.items():
            answer = client.collect(number, PATIENCE)
            assert answer is not None
            assert answer.held is client.held(number)
            assert client.version(number) == answer.version == 1
            assert answer.sent == answer.eligible == games.everyone.sum()
            np.testing.assert_array_equal(answer.changed, games.everyone)
            np.testing.assert_allclose(answer.held[games.everyone], means(coach, games.view)[games.everyone], atol=1e-5)
        assert client.collect(0, 0.0) is None, "nothing was asked since"


def test_beta_decides_how_often_strategies_travel(server: CoachServer, socket: str) -> None:
    coach = make_coach(1)
    games = Games(16)
    usual = float(
        np.median(np.linalg.norm(means(coach, games.view) - means(coach, games.move()), axis=2)[games.everyone])
    )
    rates = []
    for beta in (0.0, usual, 3 * usual, 1e6):
        games = Games(16)
        eligible = sent = 0
        fresh: Bools = games.everyone
        with CoachClient(socket, make_config(socket, beta=beta), sample=False) as client:
            for step in range(6):
                client.ask(0, step, games.view, fresh)
                answer = client.collect(0, PATIENCE)
                assert answer is not None
                distance = np.linalg.norm(means(coach, games.view) - answer.held, axis=2)[games.everyone]
                assert distance.max() <= beta + 1e-5
                eligible, sent = eligible + answer.eligible, sent + answer.sent
                fresh = nobody(games.view)
                games.move()
        rates.append(sent / eligible)
    assert rates[0] == 1.0
    assert rates[0] > rates[1] > rates[2] > rates[3] == pytest.approx(1 / 6)


def test_training_samples_unless_beta_forbids_it(server: CoachServer, socket: str) -> None:
    games = Games(4)
    mean = means(make_coach(1), games.view)[games.everyone]
    for beta, sampled in ((0.0, True), (0.5, False)):
        with CoachClient(socket, make_config(socket, beta=beta)) as client:
            client.ask(0, 0, games.view, games.everyone)
            answer = client.collect(0, PATIENCE)
            assert answer is not None
            assert np.allclose(answer.held[games.everyone], mean, atol=1e-5) is not sampled


def test_who_joins_between_coach_steps_is_advised(server: CoachServer, socket: str) -> None:
    games = Games(4)
    mean = means(make_coach(1), games.view)
    with CoachClient(socket, make_config(socket, beta=1e6), sample=False) as client:
        client.ask(0, 0, games.view, games.everyone)
        assert client.collect(0, PATIENCE) is not None
        before = client.held(0).copy()
        newcomers = nobody(games.view)
        newcomers[1, 0] = newcomers[3, 1] = True
        games.move()
        assert client.advise(0, games.view, newcomers, PATIENCE)
        held = client.held(0).copy()
        mean = means(make_coach(1), games.view)
        np.testing.assert_allclose(held[newcomers], mean[newcomers], atol=1e-5)
        np.testing.assert_array_equal(held[~newcomers], before[~newcomers])
        client.ask(0, 1, games.view, nobody(games.view))
        np.testing.assert_array_equal(client.held(0), held)
        answer = client.collect(0, PATIENCE)
        assert answer is not None
        np.testing.assert_array_equal(answer.changed, newcomers, "the service was told who is new")


def test_who_arrives_holds_nothing_though_the_slot_was_advised(server: CoachServer, socket: str) -> None:
    games = Games(4)
    newcomers, beginning = nobody(games.view), nobody(games.view)
    newcomers[1, 0] = newcomers[3, 1] = True
    beginning[3] = games.everyone[3]
    with CoachClient(socket, make_config(socket, beta=1e6), sample=False) as client:
        client.ask(0, 0, games.view, games.everyone)
        assert client.collect(0, PATIENCE) is not None
        assert client.advise(0, games.view, newcomers, PATIENCE)
        held = client.held(0).copy()
        client.ask(0, 1, games.view, beginning)
        assert (client.held(0)[3] == 0.0).all(), "the game began anew before the advice was used up"
        np.testing.assert_array_equal(client.held(0)[:3], held[:3])
        client.ask(0, 2, games.view, games.everyone)
        assert (client.held(0) == 0.0).all(), "all games began anew after an answer that nobody waited for"
        answer = client.collect(0, PATIENCE)
        assert answer is not None
        np.testing.assert_array_equal(answer.changed, games.everyone)


class Voyage:
    """A client, a service behind bad weather, and what must hold whatever happens."""

    def __init__(self, server: CoachServer, proxy: Proxy, address: str, beta: float, games: int) -> None:
        self._server = server
        self._weather = proxy.weather
        self._client = CoachClient(address, make_config(address, beta=beta), sample=False)
        self._games = Games(games)
        self._fresh = self._games.everyone.copy()
        self._beta = beta
        self._coach = make_coach(1)
        self._version = server.version
        server.install(self._version, self._coach)

    def step(self, number: int, fate: str, joins: int, swap: bool) -> None:
        """One coach step whose reply has `fate`."""
        games, client = self._games, self._client
        if swap:
            self._version += 1
            self._coach = make_coach(self._version)
            self._server.install(self._version, self._coach)
        self._fresh[0, joins] |= games.everyone[0, joins]
        self._weather.fates.put(fate)
        client.ask(0, number, games.view, self._fresh)
        asked = client.held(0).copy()
        answer = client.collect(0, LOST if fate in ("late", "lose") else PATIENCE)
        if fate in ("late", "lose"):
            assert answer is None
            np.testing.assert_array_equal(client.held(0), asked)
        else:
            assert answer is not None
            distance = np.linalg.norm(means(self._coach, games.view) - answer.held, axis=2)
            assert distance[games.everyone].max() <= self._beta + 1e-5
            assert answer.version == self._version
        wait_until(lambda: self._service_believes(asked))
        self._fresh = nobody(games.view)
        games.move(1)

    def _service_believes(self, asked: Floats) -> bool:
        """Whether all that the service believes players to hold is what they held when the question was asked."""
        beliefs = [group.communication for stream in self._server.streams for group in stream.groups.values()]
        return all(np.array_equal(belief.held[belief.known], asked[belief.known]) for belief in beliefs)

    def end(self) -> None:
        """Close the client; the service forgets it."""
        self._client.close()
        wait_until(lambda: not self._server.streams)


FATES = st.sampled_from(["deliver", "deliver", "deliver", "late", "lose", "cut"])
STEPS = st.lists(st.tuples(FATES, st.integers(0, SPEC.slots - 1), st.integers(0, 5)), min_size=1, max_size=8)


@pytest.fixture
def proxy(server: CoachServer, socket: str) -> Iterator[tuple[Proxy, str]]:
    address = f"{socket}-proxy"
    proxy = Proxy(address, socket)
    yield proxy, address
    proxy.close()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, beta=st.sampled_from([0.0, 0.02, 1e6]))
def test_both_sides_agree_in_any_weather(
    server: CoachServer,
    proxy: tuple[Proxy, str],
    steps: list[tuple[str, int, int]],
    beta: float,
) -> None:
    voyage = Voyage(server, *proxy, beta, games=3)
    try:
        for number, (fate, joins, luck) in enumerate(steps):
            voyage.step(number, fate, joins, swap=luck == 0)
    finally:
        voyage.end()


def test_a_service_that_hangs_costs_the_deadline_and_no_more(socket: str) -> None:
    process = ServerProcess(socket, seed=1)
    games = Games(3)
    try:
        with CoachClient(socket, make_config(socket, beta=1e6), sample=False) as client:
            client.ask(0, 0, games.view, games.everyone)
            answer = client.collect(0, PATIENCE)
            assert answer is not None
            held = answer.held.copy()
            process.signal(signal.SIGSTOP)
            for step in range(3):
                client.ask(0, step, games.view, nobody(games.view))
                began = time.monotonic()
                assert client.collect(0, LOST) is None
                assert time.monotonic() - began < LOST + 1.0
                np.testing.assert_array_equal(client.held(0), held)
            process.signal(signal.SIGCONT)
            client.ask(0, 9, games.view, nobody(games.view))
            answer = client.collect(0, PATIENCE)
            assert answer is not None
            assert answer.sent == 0, "the stream lived on, and what was acknowledged is known"
    finally:
        process.kill()


def test_a_service_that_dies_is_found_again(socket: str) -> None:
    games = Games(3)
    everyone = games.everyone.sum()
    process = ServerProcess(socket, seed=1)
    with CoachClient(socket, make_config(socket, beta=1e6), sample=False) as client:
        try:
            client.ask(0, 0, games.view, games.everyone)
            assert client.collect(0, PATIENCE) is not None
            process.kill()
            held = client.held(0).copy()
            client.ask(0, 1, games.view, nobody(games.view))
            assert client.collect(0, LOST) is None
            np.testing.assert_array_equal(client.held(0), held)
            process = ServerProcess(socket, seed=2)
            client.ask(0, 2, games.view, nobody(games.view))
            answer = client.collect(0, PATIENCE)
            assert answer is not None
            assert (answer.version, answer.sent) == (2, everyone), "a new stream begins by sending all"
        finally:
            process.kill()


def test_a_client_waits_for_a_service_that_is_not_there(server: CoachServer, socket: str) -> None:
    games = Games(1)
    with CoachClient(f"{socket}-none", make_config(socket), sample=False) as client:
        client.ask(0, 0, games.view, games.everyone)
        assert client.collect(0, LOST) is None
        assert (client.held(0) == 0.0).all()
        assert not client.advise(0, games.view, games.everyone, LOST)
        assert (client.held(0) == 0.0).all()
        assert client.version(0) == 0


def test_deadlines_count_from_the_question(proxy: tuple[Proxy, str]) -> None:
    games = Games(1)
    weather, address = proxy[0].weather, proxy[1]
    groups = range(1, 11)
    with CoachClient(address, make_config(address), sample=False) as client:
        client.ask(0, 0, games.view, games.everyone)
        assert client.collect(0, PATIENCE) is not None
        for group in groups:
            weather.fates.put("lose")
            client.ask(group, 0, games.view, games.everyone)
        began = time.monotonic()
        assert all(client.collect(group, 1.0) is None for group in groups)
        assert time.monotonic() - began < 5.0


def test_a_service_that_is_away_is_not_waited_for(socket: str) -> None:
    games = Games(1)
    with CoachClient(f"{socket}-none", make_config(socket), sample=False) as client:
        client.ask(0, 0, games.view, games.everyone)
        assert client.collect(0, 0.5) is None
        began = time.monotonic()
        for step in range(20):
            client.ask(0, step, games.view, nobody(games.view))
            assert client.collect(0, 0.5) is None
            assert not client.advise(0, games.view, games.everyone, 0.5)
        assert time.monotonic() - began < 5.0


def test_a_service_that_is_back_but_slow_gets_its_time(loop: Loop, socket: str) -> None:
    games = Games(1)
    config = make_config(socket, batch_wait=0.5)
    with CoachClient(socket, config, sample=False) as client:
        client.ask(0, 0, games.view, games.everyone)
        assert client.collect(0, 1.0) is None
        with loop.serving(config, FIRST), CoachClient(socket, config):

            def answered() -> bool:
                client.ask(0, 1, games.view, games.everyone)
                return client.collect(0, 1.0) is not None

            wait_until(answered)


def test_a_faulty_question_is_the_callers_error_and_nobody_elses(server: CoachServer, socket: str) -> None:
    games = Games(2)
    with CoachClient(socket, make_config(socket)) as good, CoachClient(socket, make_config(socket)) as bad:
        good.ask(0, 0, games.view, games.everyone)
        assert good.collect(0, PATIENCE) is not None
        games.view.agents[1, 0, 0] = np.nan
        bad.ask(0, 0, games.view, games.everyone)
        with pytest.raises(DataError, match=r"view\.agents: element \(1, 0, 0\) is nan"):
            bad.collect(0, PATIENCE)
        with pytest.raises(DataError, match="refused"):
            bad.ask(0, 1, games.view, games.everyone)
        with pytest.raises(DataError, match="refused"):
            bad.advise(0, games.view, games.everyone, PATIENCE)
        games.view.agents[1, 0, 0] = 0.0
        good.ask(0, 1, games.view, nobody(games.view))
        assert good.collect(0, PATIENCE) is not None


def test_closing_ends_all_threads(server: CoachServer, socket: str) -> None:
    client = CoachClient(socket, make_config(socket))
    client.close()
    wait_until(lambda: not server.streams)
