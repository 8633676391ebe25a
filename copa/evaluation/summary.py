"""One line of a table: what a team reached, over episodes and runs."""

from collections.abc import Sequence

import numpy as np

from copa.evaluation.result import TeamResult
from copa.reporting.statistics import interquartile_mean, interval

Summary = dict[str, float | int | None]


def summarise(results: Sequence[TeamResult]) -> Summary:
    """Figures of one team, played by one run or several.

    With one run, `stderr` and the 95 % interval `low`..`high` tell how sure the mean over episodes is. With several
    they tell how sure the mean over runs is: a run counts once, by its mean, since episodes of a run do not show how
    runs differ. `iqm` is the interquartile mean of all episodes' returns.

    Raises:
        ValueError: there is no result.
    """
    if not results:
        raise ValueError("a summary needs a result")
    returns = np.concatenate([result.returns for result in results])
    means = np.array([result.mean for result in results])
    several = len(results) > 1
    low, high = interval([means if several else returns])
    first = results[0]
    return {
        "mean": float(means.mean()),
        "stderr": float(means.std(ddof=1) / np.sqrt(len(means))) if several else first.stderr,
        "low": low,
        "high": high,
        "iqm": interquartile_mean(returns),
        "episodes": len(returns),
        "runs": len(results),
        "communication_rate": _mean([result.communication_rate for result in results]),
        "communication_per_step": _mean([result.communication_per_step for result in results]),
        "strategy_bytes_per_step": _mean([result.strategy_bytes_per_step for result in results]),
        **{name: _mean([result.outcomes.get(name) for result in results]) for name in first.outcomes},
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
