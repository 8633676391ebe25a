"""What `copa bound` found, as text and JSON, and as files: `bound.txt`, `bound.json`, and `bound.png` where
matplotlib is there."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from copa.bounding.estimate import Allowed, Estimate, Point
from copa.bounding.losses import Mean
from copa.bounding.spread import Spread
from copa.reporting.tables import aligned


def write_bound(folder: Path, found: Estimate) -> list[Path]:
    """Write all files into `folder`; returns what was written. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "bound.txt", folder / "bound.json"]
    written[0].write_text(text(found) + "\n", encoding="utf-8")
    written[1].write_text(json.dumps(data(found), indent=1) + "\n", encoding="utf-8")
    try:
        from copa.reporting.bound_picture import draw_bound
    except ImportError:
        return written
    draw_bound(folder / "bound.png", found)
    return [*written, folder / "bound.png"]


def data(found: Estimate) -> dict[str, Any]:
    """Everything as plain numbers by name; None for what is infinite."""
    slopes, allowed = found.slopes, found.allowed
    return {
        "kind": "estimate, not a certificate",
        **{
            name: getattr(found, name)
            for name in ("method", "task", "team", "episodes", "states", "seed", "gamma", "reward_scale", "agents")
        },
        "eta": slopes.eta,
        "eta_ceiling": slopes.ceiling,
        "slopes": {
            name: getattr(slopes, name).json() for name in ("gradient", "secant", "mixer", "player", "distance")
        },
        "eta1_times_eta2": slopes.mixer.largest * slopes.player.largest,
        "bellman_errors": found.errors.json(),
        "bellman_errors_target": found.target_errors.json(),
        "kappa_proxy": _finite(found.kappa),
        "value": found.value,
        "points": [_point(point) for point in found.points],
        "allowed": None if allowed is None else {name: _finite(getattr(allowed, name)) for name in Allowed.__slots__},
    }


def text(found: Estimate) -> str:
    """For a terminal."""
    parts = [
        f"Theorem 1 for {found.method} on {found.task}, team {found.team}: an estimate, not a certificate.\n"
        f"gamma = {found.gamma:g}, n_a = {found.agents} (most agents present at once); all values in discounted reward,"
        f" unscaled (Q_tot / scale of rewards, {found.reward_scale:g}).",
        "How fast Q_tot changes with one agent's strategy"
        f" ({found.states:,} visited states, strategies of the coach):\n{aligned(_slope_cells(found), left=1)}",
        _about_eta(found),
        f"kappa, by proxy: largest |Bellman error| / (1 - gamma) = {found.errors.largest:.4g} /"
        f" {1 - found.gamma:.4g} = {found.kappa:.4g}.\n"
        "The theorem's kappa, the largest distance of Q_tot from Q*, is not known; sup |Bellman error| / (1 - gamma)"
        " bounds it, and this is\na sample of that: too small where worse steps were not visited, too large by what is"
        " random in rewards and next states.",
        "Bound 2 (n_a eta beta + kappa) / (1 - gamma) beside the discounted value lost by playing with beta"
        f" ({found.episodes} paired episodes, mean and 95 % interval;\ntold everything, the team reaches"
        f" {found.value:.4g} from the start):\n{aligned(_point_cells(found), left=0)}",
        _verdict(found),
    ]
    if found.allowed is not None:
        parts.append(_allowed(found.allowed))
    return "\n\n".join(parts)


def times(above: float, loss: float) -> str:
    """How many times the loss `above` is; a dash where nothing was lost."""
    return f"{above / loss:,.0f}x" if loss > 0 else "-"


def _slope_cells(found: Estimate) -> list[list[str]]:
    slopes = found.slopes
    rows: Mapping[str, Spread] = {
        "gradient norm of Q_tot": slopes.gradient,
        "secant slope of Q_tot": slopes.secant,
        "eta1, mixer: dQ_tot / dq": slopes.mixer,
        "eta2, player: gradient norm of q": slopes.player,
        "distance of a pair's strategies": slopes.distance,
        "|Bellman error|": found.errors,
        "|Bellman error|, target networks after": found.target_errors,
    }
    cells = [["", "samples", "median", "90 %", "99 %", "largest"]]
    for name, spread in rows.items():
        cells.append([name, f"{spread.count:,}", *(f"{spread.percentiles[place]:.4g}" for place in (50, 90, 99, 100))])
    return cells


def _about_eta(found: Estimate) -> str:
    slopes = found.slopes
    lines = [
        f"eta = {slopes.eta:.4g}, the largest slope found: sampled, so a lower bound of the Lipschitz constant.",
        f"eta1 * eta2 = {slopes.mixer.largest:.4g} * {slopes.player.largest:.4g} ="
        f" {slopes.mixer.largest * slopes.player.largest:.4g} (largest of each, as the proof splits it).",
    ]
    if slopes.ceiling is None:
        lines.append("These networks give no upper bound of eta from their weights alone.")
    else:
        lines.append(
            f"From the weights alone, eta cannot exceed {slopes.ceiling:.4g}"
            f" ({times(slopes.ceiling, slopes.eta)} the one found)."
        )
    return "\n".join(lines)


def _point_cells(found: Estimate) -> list[list[str]]:
    cells = [
        [
            "beta",
            "told",
            "lost from the start",
            "lost from visited states",
            "strategy term",
            "/ lost",
            "whole bound",
            "/ lost",
        ]
    ]
    for point in found.points:
        lost = point.loss.largest
        cells.append(
            [
                f"{point.beta:.4g}",
                f"{point.loss.rate:.1%}",
                _mean(point.loss.start),
                _mean(point.loss.visited),
                f"{point.strategy_term:,.4g}",
                times(point.strategy_term, lost),
                f"{point.bound:,.4g}",
                times(point.bound, lost),
            ]
        )
    return cells


def _mean(mean: Mean) -> str:
    return f"{mean.mean:.3g} [{mean.low:.3g}, {mean.high:.3g}]"


def _verdict(found: Estimate) -> str:
    below_term = [point for point in found.points if point.strategy_term < point.loss.largest]
    below_bound = [point for point in found.points if point.bound < point.loss.largest]
    if not below_term:
        said = "The strategy term alone, and so the whole bound, is at least the measured loss at every beta tried."
    else:
        named = ", ".join(f"{point.beta:.4g}" for point in below_term)
        said = (
            f"The measured loss is above the strategy term at beta {named}: the strategy term covers only what a Q_tot"
            " equal to Q* would lose (kappa = 0), with an eta that is not sampled too low."
        )
        if below_bound:
            named = ", ".join(f"{point.beta:.4g}" for point in below_bound)
            said += (
                f" At beta {named} it is above the whole bound too: eta and kappa's proxy are the largest values found,"
                " and the true ones must be larger. Try more states."
            )
        else:
            said += " The whole bound is above the measured loss at every beta tried."
    vacuous = [point for point in found.points if point.strategy_term > found.value]
    if vacuous:
        said += f"\nFrom beta = {vacuous[0].beta:.4g} on, the term is above all the reward that there is to lose."
    return (
        f"{said}\n`/ lost` says how loose it is, against the larger of the two means; `told` is the share of coach"
        " steps in which a player is spoken to."
    )


def _allowed(allowed: Allowed) -> str:
    measured = f"{allowed.by_measure:.4g}"
    more = (
        "; no beta tried lost more" if allowed.exceeded_at is None else f"; beta = {allowed.exceeded_at:.4g} lost more"
    )
    return (
        f"To lose at most {allowed.loss:g}: beta up to {allowed.by_strategy_term:.4g} by the strategy term, up to"
        f" {measured} as measured (mean{more})."
    )


def _point(point: Point) -> dict[str, Any]:
    loss = point.loss
    return {
        "beta": point.beta,
        "communication_rate": loss.rate,
        "lost_from_start": _plain(loss.start),
        "lost_from_visited": _plain(loss.visited),
        "strategy_term": _finite(point.strategy_term),
        "bound": _finite(point.bound),
        "strategy_term_ceiling": None if point.ceiling_term is None else _finite(point.ceiling_term),
        "strategy_term_by_lost": _finite(point.strategy_term / loss.largest) if loss.largest > 0 else None,
        "bound_by_lost": _finite(point.bound / loss.largest) if loss.largest > 0 else None,
    }


def _plain(mean: Mean) -> dict[str, Any]:
    return {name: getattr(mean, name) for name in Mean.__slots__}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
