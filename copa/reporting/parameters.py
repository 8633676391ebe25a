"""How many parameters each method has, and what it acts with."""

from collections.abc import Sequence
from dataclasses import dataclass

from copa.config.schema import Config
from copa.methods import METHODS
from copa.nets import build_coach, build_mixer, build_player, build_posterior, count, method_width
from copa.tasks import task_spec


@dataclass(frozen=True, slots=True)
class Parameters:
    """Numbers of parameters of one method's networks."""

    method: str
    width: int
    player: int
    coach: int
    mixer: int
    posterior: int
    matched_width: int
    """Width at which the method would act with as many parameters as copa (`nets.matched`)."""

    @property
    def acting(self) -> int:
        """What playing takes."""
        return self.player + self.coach

    @property
    def learning(self) -> int:
        """What learning takes, without target networks."""
        return self.acting + self.mixer + self.posterior


def parameters(config: Config) -> list[Parameters]:
    """Of every method with the sizes of `config`."""
    import torch

    spec = task_spec(config.task.name, config.task.options)
    found = []
    for name, method in METHODS.items():
        of = config.model_copy(update={"method": config.method.model_copy(update={"name": name})})
        matched = of.model_copy(update={"nets": of.nets.model_copy(update={"matched": True})})
        with torch.device("meta"):
            found.append(
                Parameters(
                    method=name,
                    width=method_width(spec, of),
                    player=count(build_player(spec, of)),
                    coach=count(build_coach(spec, of)) if method.coach else 0,
                    mixer=count(build_mixer(spec, of)),
                    posterior=count(build_posterior(spec, of)) if method.variational else 0,
                    matched_width=method_width(spec, matched),
                )
            )
    return found


def cells(found: Sequence[Parameters]) -> list[list[str]]:
    """A table's cells, titles first."""
    titles = ["method", "width", "player", "coach", "acts with", "mixer", "posterior", "learns", "matched width"]
    return [titles] + [
        [
            one.method,
            str(one.width),
            *(f"{n:,}" for n in (one.player, one.coach, one.acting, one.mixer, one.posterior, one.learning)),
            str(one.matched_width),
        ]
        for one in found
    ]
