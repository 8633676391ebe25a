"""One wording for names that a task does not know."""

from collections.abc import Iterable

from copa.suggest import did_you_mean


def unknown(kind: str, given: object, allowed: Iterable[str]) -> str:
    """A sentence that names what was given, what was probably meant, and what is allowed."""
    names = list(allowed)
    return f"Unknown {kind}: {given!r}{did_you_mean(str(given), names)}. Allowed: {', '.join(map(repr, names))}."
