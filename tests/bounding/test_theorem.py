"""Theorem 1 where everything is known: Q*, eta, kappa, and the exact value of playing with held-back strategies."""

import math

import numpy as np
import pytest

from copa.bounding.theorem import bound, kappa_proxy, largest_beta, strategy_term
from copa.communication import Communication

STATES, AGENTS, ACTIONS, WIDTH, GAMMA = 5, 2, 3, 3, 0.9
JOINT = np.stack(np.meshgrid(*[np.arange(ACTIONS)] * AGENTS, indexing="ij"), -1).reshape(-1, AGENTS)


class World:
    """A random decision process whose coach says `said` [S, A, W], and `Q_tot = Q* + error + slopes . (z - said)`.

    Q_tot is linear in each agent's strategy, so the largest norm of `slopes` [A, U, W] is its Lipschitz constant.
    """

    def __init__(self, seed: int, kappa: float) -> None:
        rng = np.random.default_rng(seed)
        self.following = rng.dirichlet(np.full(STATES, 0.3), (STATES, len(JOINT)))
        self.rewards = rng.normal(size=(STATES, len(JOINT)))
        self.said = rng.normal(size=(STATES, AGENTS, WIDTH)).astype(np.float32)
        self.slopes = rng.normal(size=(AGENTS, ACTIONS, WIDTH))
        self.eta = float(np.linalg.norm(self.slopes, axis=-1).max())
        self.best = np.zeros((STATES, len(JOINT)))
        for _ in range(500):
            self.best = self.rewards + GAMMA * self.following @ self.best.max(1)
        self.learned = self.best + rng.uniform(-kappa, kappa, self.best.shape)

    def chosen(self, states: np.ndarray, held: np.ndarray) -> np.ndarray:
        """The joint action [n] of players that hold `held` [n, A, W] in `states` [n]."""
        change = np.einsum("auw,naw->nau", self.slopes, held - self.said[states])
        return (self.learned[states] + sum(change[:, a, JOINT[:, a]] for a in range(AGENTS))).argmax(1)

    def lost(self, beta: float) -> float:
        """The largest value lost over all situations: a state, and for each agent the state it was last told in.

        Exact: who is told follows from the situation (Eq. 3), so situations form a Markov chain.
        """
        places = np.stack(np.meshgrid(*[np.arange(STATES)] * (1 + AGENTS), indexing="ij"), -1).reshape(-1, 1 + AGENTS)
        states, told = places[:, 0], places[:, 1:]
        everyone = np.ones(told.shape, bool)
        talk = Communication(len(places), AGENTS, WIDTH)
        talk.commit(everyone, self.said[told, np.arange(AGENTS)][everyone], version=1)
        travelled = talk.update(self.said[states], everyone, ~everyone, beta, version=1)
        assert (np.linalg.norm(talk.held - self.said[states], axis=-1) <= beta + 1e-6).all()
        told = np.where(travelled, states[:, None], told)
        actions = self.chosen(states, talk.held)
        moves = np.zeros((len(places), len(places)))
        for state in range(STATES):
            places_after = np.ravel_multi_index((np.full(len(places), state), *told.T), (STATES,) * (1 + AGENTS))
            moves[np.arange(len(places)), places_after] += self.following[states, actions, state]
        values = np.linalg.solve(np.eye(len(places)) - GAMMA * moves, self.rewards[states, actions])
        lost: np.ndarray = self.best.max(1)[states] - values
        assert lost.min() > -1e-9
        return float(lost.max())


@pytest.mark.parametrize("kappa", [0.0, 0.2])
def test_no_value_beyond_the_bound_is_lost(kappa: float) -> None:
    found = []
    for seed in range(12):
        world = World(seed, kappa)
        for beta in (0.0, 0.1, 0.3, 1.0, 3.0):
            lost = world.lost(beta)
            assert lost <= bound(AGENTS, world.eta, beta, kappa, GAMMA) + 1e-9, (seed, beta)
            if kappa == 0.0:
                assert lost <= strategy_term(AGENTS, world.eta, beta, GAMMA) + 1e-9
            found.append((beta, lost))
    assert max(lost for _, lost in found) > 1.0
    assert (max(lost for beta, lost in found if beta == 0.0) > 0.1) == (kappa > 0.0)


@pytest.mark.parametrize("agents", [1, 3])
def test_the_strategy_term_cannot_be_smaller(agents: int) -> None:
    """Agents kept just within beta of what they should know are misled at every step: they lose 99 % of the term."""
    eta, beta, gamma, share = 0.7, 1.5, 0.95, 0.995
    direction = np.array([0.6, 0.8], np.float32)
    slopes = np.stack([eta * direction, -eta * direction])
    rewards = np.array([2 * eta * beta * (share - 0.001), 0.0])
    talk = Communication(1, agents, 2)
    there = np.ones((1, agents), bool)
    talk.update(np.zeros((1, agents, 2), np.float32), there, there, beta, version=1)
    said = np.broadcast_to(beta * share * direction, (1, agents, 2)).astype(np.float32)
    lost = 0.0
    for step in range(1000):
        travelled = talk.update(said, there, ~there, beta, version=1)
        assert not travelled.any()
        utilities = rewards + (talk.held - said)[0] @ slopes.T
        lost += gamma**step * (rewards.max() - rewards[utilities.argmax(1)]).sum()
    term = strategy_term(agents, eta, beta, gamma)
    assert 0.99 * term < lost <= term


def test_the_largest_beta_is_the_one_whose_term_is_the_loss() -> None:
    beta = largest_beta(4, 0.3, 7.0, 0.97)
    assert strategy_term(4, 0.3, beta, 0.97) == pytest.approx(7.0)
    assert largest_beta(4, 0.0, 7.0, 0.97) == math.inf


def test_nothing_bounds_an_undiscounted_loss() -> None:
    assert strategy_term(4, 0.3, 1.0, 1.0) == kappa_proxy(0.1, 1.0) == math.inf
    assert strategy_term(4, 0.3, 0.0, 1.0) == 0.0
    assert kappa_proxy(0.3, 0.9) == pytest.approx(3.0)
