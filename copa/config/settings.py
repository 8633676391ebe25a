"""What is known of each setting: its place, type, default, meaning, and how to write it."""

import json
import math
import types
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from copa.config.schema import Config

TASK = "task.name"
OPTIONS = "task.options"
Scalar = str | int | float | bool


@dataclass(frozen=True)
class Setting:
    """One field of the schema."""

    section: str
    field: str
    info: FieldInfo

    @property
    def path(self) -> str:
        """`section.field`, as in files and messages."""
        return f"{self.section}.{self.field}"

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return f"COPA_{self.section}_{self.field}".upper()

    @property
    def flag(self) -> str:
        """Name of the command line flag."""
        return f"--{self.path}"

    @property
    def doc(self) -> str:
        """What the setting means."""
        return self.info.description or ""

    @property
    def default(self) -> Any:
        """The schema's default."""
        return self.info.get_default(call_default_factory=True)

    @property
    def optional(self) -> bool:
        """Whether the setting may be left unset."""
        return type(None) in get_args(self.info.annotation)

    @property
    def allowed(self) -> str:
        """Which values are allowed, in words."""
        return _describe(self.info.annotation, self.info.metadata)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter[Any](Annotated[self.info.annotation, self.info])  # type: ignore[arg-type]

    def from_text(self, text: str) -> Any:
        """Value of `text`, as it is written in a flag or a variable.

        Raises ValueError when it is not allowed. `none` unsets an optional setting; lists are separated by commas.
        """
        value: Any = text
        if self.optional and text.lower() in ("", "none"):
            value = None
        elif get_origin(self.info.annotation) is tuple:
            value = [part.strip() for part in text.split(",") if part.strip()]
        return self._finite(lambda: self._adapter.validate_python(value))

    def from_value(self, value: Any) -> Any:
        """Value of a file's `value`, whose type must fit; raises ValueError when it is not allowed."""
        if self.optional and value == "none":
            value = None
        return self._finite(lambda: self._adapter.validate_json(json.dumps(value, default=str), strict=True))

    def _finite(self, validate: Any) -> Any:
        try:
            value = validate()
        except ValidationError as error:
            raise ValueError(str(error)) from None
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("not finite")
        return value


def scalar(text: str) -> Scalar:
    """A task option's value from a flag or a variable: a whole number, a number, true/false, else text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _describe(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        return _describe(inner, [item for one in extra for item in getattr(one, "metadata", [one])])
    if origin in (types.UnionType, Union):
        return " or ".join([_describe(part) for part in get_args(annotation) if part is not type(None)] + ["none"])
    if origin is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(annotation))
    if origin is tuple:
        return "names, separated by commas"
    if origin is dict:
        return "a table of names and values"
    word = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path"}[annotation]
    return " ".join([word, *_bounds(metadata)])


def _bounds(metadata: Iterable[Any]) -> list[str]:
    words = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [
        f"{word} {getattr(item, name)}"
        for name, word in words.items()
        for item in metadata
        if getattr(item, name, None) is not None
    ]
    patterns = [f"matching {item.pattern}" for item in metadata if getattr(item, "pattern", None)]
    return [" and ".join(found)] * bool(found) + patterns


SETTINGS: dict[str, Setting] = {
    f"{section}.{name}": Setting(section, name, info)
    for section, part in Config.model_fields.items()
    for name, info in part.annotation.model_fields.items()  # type: ignore[union-attr]
}
"""Every setting by its path."""
