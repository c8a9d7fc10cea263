"""Stores the answers that were shown, and people's feedback, in the store that PALATE_STORE names.

An answer is also given if it cannot be stored; a header and a count then say so. Feedback that cannot be
stored is refused, so that the caller sends it again.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import anyio.to_thread
from bentoml.exceptions import InvalidArgument

from components.domain.errors import Erased, PalateError, QuotaReached
from components.domain.exposures import PICKS, Exposure, Feedback
from components.domain.feedback import id_of, why_not_of
from components.domain.preferences.contract import FIRST_YEAR, LAST_YEAR
from serving import ratings, store
from serving.erased import refuse_erased
from serving.refusals import ComeAgain, Conflict, Gone, Unavailable
from serving.schemas.feedback import FeedbackAnswer, FeedbackRequest

logger = logging.getLogger("palate")

HEADER = "X-Palate-Exposure"
CLOCK_SKEW = timedelta(minutes=5)  # that a caller's clock may be ahead
Result = TypeVar("Result")


class Exposures:
    """The store as the service uses it.

    Args:
        facts: Content of served.json, with the range of ratings.

    Attributes:
        failed: Number of answers that were given but could not be stored.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts, self.failed = facts, 0

    async def keep(self, exposure: Exposure) -> str:
        """Stores an answer; returns what the header says: `stored`, `failed`, or `none` without a store.

        Raises:
            Gone: The person was erased meanwhile.
        """
        if not store.url():
            return "none"
        try:
            await self._work(lambda answers: answers.add_exposure(exposure))
        except Erased as error:  # while the answer was being made
            raise Gone(str(error)) from error
        except PalateError as error:
            self.failed += 1
            logger.error("answer %s was not stored: %s", exposure.answer_id, error)  # noqa: TRY400
            return "failed"
        return "stored"

    async def take(self, request: FeedbackRequest) -> tuple[FeedbackAnswer, bool]:
        """Stores feedback, once even if it is sent again; also returns whether its dish is known.

        Raises:
            InvalidArgument: It contradicts its answer, lies in the future, or its value is out of range.
            Conflict: Its event_id belongs to other feedback of the same person.
            ComeAgain: A quota is used up: of new people a day, or of feedback that waits for an unknown dish.
            Gone: The person was erased.
            Unavailable: The feedback cannot be stored now.
        """
        if not store.url():
            raise Unavailable(store.MISSING)
        ratings.check_feedback(request, self.facts)
        feedback = _feedback_of(request)
        await refuse_erased(request.person_id)
        try:
            most = self.facts["serve"]["max_new_people"]
            stored, is_known = await self._work(lambda answers: _store(answers, feedback, most))
        except Erased as error:
            raise Gone(str(error)) from error
        except QuotaReached as error:
            raise ComeAgain(str(error), error.wait_s) from error
        except PalateError as error:
            logger.error("feedback was not stored: %s", error)  # noqa: TRY400
            raise Unavailable("The feedback could not be stored: send it again.") from error
        if not _says_the_same(stored, feedback, request):
            raise Conflict(f"event_id '{feedback.event_id}' names other feedback: send another one.")
        return FeedbackAnswer(event_id=feedback.event_id, again=stored is not feedback), is_known

    async def _work(self, work: Callable[[Any], Result]) -> Result:
        return await anyio.to_thread.run_sync(lambda: work(store.answers(store.url())))


def _store(answers: Any, feedback: Feedback, most_newcomers: int) -> tuple[Feedback, bool]:
    """Stores feedback; returns what is stored under its id, and whether its dish is known.

    An answer that is not in the store was removed long ago. Feedback on it is taken as feedback without an
    answer.

    Raises:
        InvalidArgument: The feedback contradicts the answer that it names.
    """
    answer = answers.answer_of(feedback) if feedback.answer_id else None
    reason = answer and why_not_of(feedback, answer[0], was_shown=answer[1])
    if reason:
        raise InvalidArgument(reason)
    is_known = answer is not None or store.catalogue(store.url()).has_dish(feedback.dish_id)
    return answers.add_feedback(feedback, most_newcomers, is_known=is_known), is_known


def _feedback_of(request: FeedbackRequest) -> Feedback:
    now = datetime.now(UTC)
    at = request.occurred_at or now
    if FIRST_YEAR <= at.year <= LAST_YEAR:  # then it has a UTC time as well
        at = _moment_of(at)
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise InvalidArgument(f"occurred_at is of the year {at.year}: send when it happened.")
    if at > now + CLOCK_SKEW:
        raise InvalidArgument(f"occurred_at {at.isoformat()} lies in the future: send when it happened.")
    # Picks add up, so each counts once an answer; an opinion may be sent as often as it changes.
    names_itself = request.occurred_at or (request.answer_id and request.kind in PICKS)
    content = (
        request.person_id, request.dish_id, request.kind, str(request.value), request.answer_id,
        at.isoformat() if request.occurred_at else "",
    )  # fmt: skip
    event_id = request.event_id or (id_of(content) if names_itself else secrets.token_hex(8))
    # A time by a clock that is ahead would make this count as later than the next feedback.
    content_of = (request.person_id, request.dish_id, request.kind, request.value, request.answer_id)
    return Feedback(event_id, *content_of, min(at, now))


def _moment_of(at: datetime) -> datetime:
    """Converts a caller's time to UTC; a time without an offset counts as UTC."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _says_the_same(stored: Feedback, sent: Feedback, request: FeedbackRequest) -> bool:
    """Tells whether stored and sent feedback agree; the time counts only if the caller sent it."""
    names = ("person_id", "dish_id", "kind", "value", "answer_id")
    same = all(getattr(stored, name) == getattr(sent, name) for name in names)
    if request.occurred_at is None or stored.occurred_at == sent.occurred_at:
        return same
    # A time that was ahead was replaced by the time of arrival.
    return same and stored.occurred_at < _moment_of(request.occurred_at) <= stored.occurred_at + CLOCK_SKEW
