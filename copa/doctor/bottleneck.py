"""What holds a running system back: one verdict, from what its processes waited for."""

from collections.abc import Mapping

from copa.doctor.findings import Finding
from copa.doctor.rates import Rates

_MUCH = 0.25
"""Share of its time from which on a wait is what holds a process back."""


def bottleneck(rates: Rates) -> Finding:
    """The one thing to change first, with its numbers; the first of these that holds, in this order."""
    pace = f"{rates.steps:,.0f} environment steps/s, {rates.updates:.1f} updates/s"
    if rates.ended:
        return Finding("bottleneck", "skipped", "the run ended while it was watched")
    if rates.finished:
        return _say("ok", "the run has all its environment steps", pace)
    for missing, role in ((rates.actors, "actor"), (rates.learners, "learner")):
        if not missing:
            return _say("problem", f"no {role} answers", pace, f"see its log, and start it (`copa {role}`).")
    if rates.redis_failures > 0:
        return _say(
            "problem",
            f"Redis refused or missed {rates.redis_failures:.1f} commands/s",
            pace,
            "see the findings about Redis.",
        )
    reason, share = _largest(rates.learner_waits)
    held, held_share = _largest(rates.actor_waits)
    if not rates.steps and not rates.updates:
        because = f"actors wait: {held}; the learner waits: {reason}" if held or reason else "nobody says why"
        return _say("problem", f"nothing moves ({because})", pace, "look at the logs of actor, coach and learner.")
    if reason == "warming up" and share >= _MUCH:
        return _say(
            "ok", f"the replay is filling for the first time; the learner waits {_percent(share)} of the time", pace
        )
    return _say(*_slowest(rates, held, held_share, reason, share, pace))


def _slowest(
    rates: Rates, held: str, held_share: float, reason: str, share: float, pace: str
) -> tuple[str, str, str, str]:
    if rates.coach_wait >= _MUCH or rates.missed > 0.1:
        late = f", {rates.missed:.1f} strategies/s came too late" if rates.missed > 0 else ""
        return (
            "warning",
            f"the coach: actors stand still for it {_percent(rates.coach_wait)} of the time{late}",
            pace,
            "give the coach a core of its own or a GPU, lengthen T (method.T), or hold more groups of games"
            " (actor.groups) so that one plays while another waits.",
        )
    if rates.outbox_wait >= _MUCH:
        return (
            "warning",
            f"Redis: actors stand still for it {_percent(rates.outbox_wait)} of the time",
            pace,
            "bring Redis nearer, give it a core of its own, or share the replay out (redis.shards).",
        )
    if held == "actors ahead" and held_share >= _MUCH:
        return (
            "warning",
            f"the learner: actors are ahead and wait {_percent(held_share)} of the time",
            pace,
            f"{_learner_advice(rates)} More actors will not help.",
        )
    if reason == "learner ahead" and share >= _MUCH:
        return (
            "warning",
            f"play: the learner is ahead and waits {_percent(share)} of the time",
            pace,
            "start more actors, on more machines if their cores are taken, or play more games in each (actor.games).",
        )
    return ("ok", "nothing stands out: play and learning keep pace", pace, "")


def _learner_advice(rates: Rates) -> str:
    if rates.sampling > rates.updating:
        return (
            f"It draws batches {_percent(rates.sampling)} of the time and updates {_percent(rates.updating)}: bring"
            " Redis nearer to it, or draw more ahead (replay.prefetch)."
        )
    if rates.gpu is not None and rates.gpu < 0.5:
        return (
            f"Its GPU computes {_percent(rates.gpu)} of the time: larger batches (learning.batch) with more steps per"
            " update cost it little."
        )
    return (
        f"It updates {_percent(rates.updating)} of the time: a faster device, more threads (learner.threads), or more"
        " steps per update (learning.steps_per_update)."
    )


def _largest(waits: Mapping[str, float]) -> tuple[str, float]:
    return max(waits.items(), key=lambda item: item[1], default=("", 0.0))


def _percent(share: float) -> str:
    return f"{share:.0%}"


def _say(state: str, what: str, pace: str, advice: str = "") -> Finding:
    assert state in ("ok", "warning", "problem")
    words = f"{what}. {pace}." + (f" {advice[0].upper()}{advice[1:]}" if advice else "")
    return Finding("bottleneck", state, words)  # type: ignore[arg-type]
