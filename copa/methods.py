"""The family of methods: each is one declaration over shared parts."""

from dataclasses import dataclass
from typing import Any, Literal

from copa.config.schema import Config
from copa.errors import ConfigError
from copa.suggest import did_you_mean

BATCH_WITHOUT_COACH = 256
_COACH_REFERENCE_STEPS = 8

Sight = Literal["visible", "present", "periodic"]


@dataclass(frozen=True, slots=True)
class Method:
    """Who decides what, and what is learned."""

    name: str
    summary: str
    coach: bool = False
    """Strategies of a coach enter the players and the mixer."""
    variational: bool = False
    """The coach learns from the variational objective too (needs a coach)."""
    imagined: bool = False
    """The mixer's loss has an imagined part, with the entities split in two groups."""
    sight: Sight = "visible"
    """What players see: what is near; all that is present; or all at every T-th step, else what is near."""
    sum_mixer: bool = False
    """Utilities are summed, whatever `nets.mixer` says."""

    def __post_init__(self) -> None:
        if self.variational and not self.coach:
            raise ValueError(f"{self.name}: the variational objective needs a coach")
        if self.imagined and self.coach:
            raise ValueError(f"{self.name}: there is no imagined split with a coach")

    def batch(self, config: Config) -> int:
        """Segments per update: `learning.batch`, else 256 without a coach and round(256 * 8 / T) with one (Table 3)."""
        if config.learning.batch is not None:
            return config.learning.batch
        if not self.coach:
            return BATCH_WITHOUT_COACH
        return round(BATCH_WITHOUT_COACH * _COACH_REFERENCE_STEPS / config.method.T)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("copa", "coach, with the variational objective", coach=True, variational=True),
        Method("copa-novi", "coach, without the variational objective", coach=True),
        Method("aqmix", "attention QMIX: no coach, players see what is near"),
        Method("aqmix-full", "attention QMIX whose players always see everything", sight="present"),
        Method("aqmix-periodic", "attention QMIX whose players see everything at every T-th step", sight="periodic"),
        Method("refil", "attention QMIX with an imagined split of the entities (AI-QMIX)", imagined=True),
        Method("avdn", "attention players and a sum of their utilities", sum_mixer=True),
    )
}


def method_named(name: str) -> Method:
    """The method called `name`.

    Raises:
        ConfigError: there is none; the message lists those there are.
    """
    if name not in METHODS:
        raise ConfigError(f"method.name is {name!r}{did_you_mean(name, METHODS)}; allowed are {', '.join(METHODS)}")
    return METHODS[name]


def sight(method: Method, visible: Any, present: Any, step: Any, T: int) -> Any:
    """The mask players look through, [..., A, A+E] bool; for NumPy arrays (acting) and tensors (learning) alike.

    Args:
        visible, present: [..., A, A+E] bool.
        step: step of the episode, a number or an array of it that broadcasts against `visible` (for instance
            [N, 1, 1]). A segment begins where the coach spoke, so its own steps 0..T serve as well.
    """
    if method.sight == "visible":
        return visible
    if method.sight == "present":
        return present
    return visible | (present & (step % T == 0))
