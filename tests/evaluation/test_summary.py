"""Figures of a team over episodes and runs."""

import numpy as np
import pytest

from copa.evaluation.result import TeamResult
from copa.evaluation.summary import summarise


def result(returns: list[float], sent: int = 0, eligible: int = 0, **outcomes: float) -> TeamResult:
    values = np.array(returns)
    return TeamResult(
        values, values, T=4, eligible=eligible, sent=sent, strategy_bytes=8 * sent, steps=16, outcomes=outcomes
    )


def test_one_run_is_as_sure_as_its_episodes() -> None:
    returns = list(np.random.default_rng(0).normal(10.0, 2.0, 400))
    found = summarise([result(returns)])
    assert found["mean"] == pytest.approx(np.mean(returns))
    assert found["stderr"] == pytest.approx(np.std(returns, ddof=1) / 20)
    assert (found["episodes"], found["runs"]) == (400, 1)
    width = 1.96 * float(found["stderr"] or 0.0)
    assert found["low"] == pytest.approx(np.mean(returns) - width, abs=0.05)
    assert found["high"] == pytest.approx(np.mean(returns) + width, abs=0.05)
    assert found["communication_rate"] is None


def test_several_runs_are_as_sure_as_the_runs() -> None:
    found = summarise([result([10.0] * 50), result([20.0] * 10)])
    assert (found["mean"], found["low"], found["high"]) == (15.0, 10.0, 20.0)
    assert found["stderr"] == pytest.approx(5.0)
    assert (found["episodes"], found["runs"]) == (60, 2)


def test_communication_and_outcomes_are_means_over_runs() -> None:
    found = summarise([result([1.0], sent=2, eligible=4, won=1.0), result([1.0], sent=4, eligible=4, won=0.0)])
    assert found["communication_rate"] == 0.75
    assert found["communication_per_step"] == 0.75 / 4
    assert found["strategy_bytes_per_step"] == (1.0 + 2.0) / 2
    assert found["won"] == 0.5


def test_nothing_has_no_summary() -> None:
    with pytest.raises(ValueError, match="needs a result"):
        summarise([])
