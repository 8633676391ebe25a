"""Checks of every array that a task gives."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from copa.tasks.base import Step, TaskSpec, View
from copa.tasks.checking.report import ContractError
from copa.tasks.checking.subject import GAMES, Check, Moment, Subject

REALS = ("agents", "traits", "entities")


def arrays_fit(subject: Subject) -> None:
    """All arrays have the shape and dtype that follow from the spec."""
    shapes = _shapes(subject.spec)
    for moment in subject.moments():
        if not isinstance(moment.view, View):
            raise ContractError(f"the view is {type(moment.view).__name__} instead of View ({moment.where()})")
        for name, shape in shapes.items():
            dtype = np.float32 if name in REALS else np.bool_
            _require(getattr(moment.view, name), name, shape, np.dtype(dtype), moment)
        if moment.step is None:
            continue
        if not isinstance(moment.step, Step):
            raise ContractError(f"step() gives {type(moment.step).__name__} instead of Step ({moment.where()})")
        for name, dtype in (("reward", np.float32), ("terminated", np.bool_), ("truncated", np.bool_)):
            _require(getattr(moment.step, name), name, (GAMES,), np.dtype(dtype), moment)


def _shapes(spec: TaskSpec) -> dict[str, tuple[int, ...]]:
    return {
        "agents": (GAMES, spec.slots, spec.agent_features),
        "traits": (GAMES, spec.slots, spec.trait_features),
        "entities": (GAMES, spec.entity_rows, spec.entity_features),
        "visible": (GAMES, spec.slots, spec.rows),
        "present": (GAMES, spec.slots, spec.rows),
        "available": (GAMES, spec.slots, len(spec.actions)),
    }


def _require(array: NDArray[Any], name: str, shape: tuple[int, ...], dtype: np.dtype[Any], moment: Moment) -> None:
    wanted = f"{dtype}{list(shape)}"
    if not isinstance(array, np.ndarray):
        raise ContractError(f"{name} is {type(array).__name__} instead of {wanted} ({moment.where()})")
    if array.shape != shape or array.dtype != dtype:
        raise ContractError(f"{name} is {array.dtype}{list(array.shape)} instead of {wanted} ({moment.where()})")


def values_are_finite(subject: Subject) -> None:
    """No feature, trait or reward is NaN or infinite."""
    for moment in subject.moments():
        found = {name: getattr(moment.view, name) for name in REALS}
        if moment.step is not None:
            found["reward"] = moment.step.reward
        for name, array in found.items():
            for index in np.argwhere(~np.isfinite(array))[:1].tolist():
                raise ContractError(f"{name}{index} is {array[tuple(index)]} ({moment.where(index[0])})")


def outcomes_fit(subject: Subject) -> None:
    """`info` holds the same names at every step, each one number per game, or always a truth value."""
    for team in subject.spec.teams:
        names: set[str] | None = None
        kinds: dict[str, bool] = {}
        for moment in subject.seen(team)[1:]:
            assert moment.step is not None
            info = moment.step.info
            names = set(info) if names is None else names
            if set(info) != names:
                raise ContractError(f"info names {sorted(info)}, and {sorted(names)} before ({moment.where()})")
            for name, array in info.items():
                if not isinstance(array, np.ndarray) or array.shape != (GAMES,) or array.dtype.kind not in "biuf":
                    raise ContractError(f"info[{name!r}] is no array of {GAMES} numbers ({moment.where()})")
                if kinds.setdefault(name, array.dtype == np.bool_) != (array.dtype == np.bool_):
                    raise ContractError(
                        f"info[{name!r}] is {array.dtype}, of truth values at some steps and of numbers at others:"
                        f" evaluation tells the share of the first and the mean of the second ({moment.where()})"
                    )


ARRAYS = Check("arrays", "every array has the shape and dtype of the spec", arrays_fit)
VALUES = Check("values", "features, traits and rewards are finite", values_are_finite)
OUTCOMES = Check("info", "info has the same names at every step, one number per game", outcomes_fit)
