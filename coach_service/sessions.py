"""What the service remembers of one group of games, for as long as its stream lives."""

from dataclasses import dataclass

from coach_service.questions import Question
from coach_service.strategist import Answer
from copa.communication import Communication
from copa.errors import DataError
from copa.tasks.base import Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Unconfirmed:
    number: int
    mask: Bools
    vectors: Floats
    version: int


class Group:
    """One group: what its players are known to hold, and the one reply that may still be acknowledged."""

    def __init__(self, games: int, slots: int, width: int) -> None:
        self.games = games
        self.communication = Communication(games, slots, width)
        self._confirmed = 0
        self._unconfirmed: _Unconfirmed | None = None

    def arrive(self, question: Question, acknowledged: int) -> None:
        """Take note of a request: of the reply that it acknowledges, who is new. In order of arrival.

        Raises DataError when the number of games changed or `acknowledged` is no reply of this group that could be.
        """
        if question.rows != self.games:
            raise DataError(
                f"view.agents: has {question.rows} games, this group of the stream has {self.games};"
                " take another group number or a new stream"
            )
        pending = self._unconfirmed
        if pending is not None and acknowledged == pending.number:
            self.communication.commit(pending.mask, pending.vectors, pending.version)
            self._confirmed = acknowledged
        elif acknowledged != self._confirmed:
            allowed = f"{self._confirmed} (nothing new)" + (f" or {pending.number}" if pending else "")
            raise DataError(f"acknowledged: is {acknowledged}, can be {allowed} for this group")
        self._unconfirmed = None
        self.communication.forget(question.fresh)

    def reply(self, number: int, question: Question, answer: Answer) -> tuple[Bools, Floats]:
        """Mask [B, A] and vectors [n, W] of what travels in reply `number` to the group's latest question."""
        mask = self.communication.select(
            answer.strategies, question.members, question.fresh, question.beta, answer.version, answer.measure
        )
        vectors = answer.strategies[mask]
        self._unconfirmed = _Unconfirmed(number, mask, vectors, answer.version)
        return mask, vectors
