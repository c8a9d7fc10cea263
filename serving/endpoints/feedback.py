"""/feedback: stores what people do and say; what cannot be stored is refused, so that it is sent again."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from anyio.to_thread import run_sync
from bentoml import Context
from bentoml.exceptions import InvalidArgument

from components.domain.errors import Erased, PalateError, QuotaReached
from components.domain.exposures import PICKS, Feedback
from components.domain.feedback import id_of, why_not_of
from components.domain.preferences.contract import FIRST_YEAR, LAST_YEAR
from serving import store
from serving.refusals import ComeAgain, Conflict, Gone, Unavailable, check_rating
from serving.schemas.feedback import FeedbackAnswer, FeedbackRequest

logger = logging.getLogger("palate")
CLOCK_SKEW = timedelta(minutes=5)  # that a caller's clock may be ahead


async def answer(facts: Mapping[str, Any], request: FeedbackRequest, ctx: Context) -> FeedbackAnswer:
    """Stores feedback, once even if it is sent again; the status says whether its dish is known.

    Raises:
        InvalidArgument: It contradicts its answer, lies in the future, or its value is out of range.
        Conflict: Its event_id belongs to other feedback of the same person.
        ComeAgain: A quota is used up: of new people a day, or of feedback that waits for an unknown dish.
        Gone: The person was erased.
        Unavailable: The feedback cannot be stored now.
    """
    if not store.url():
        raise Unavailable(store.MISSING)
    check_rating("value", request.value, facts.get("feedback_range"))
    feedback = _feedback_of(request)
    try:
        stored, is_known = await run_sync(_store, feedback, facts["serve"]["max_new_people"])
    except Erased as error:  # since it was looked up
        raise Gone(str(error)) from error
    except QuotaReached as error:
        raise ComeAgain(str(error), error.wait_s) from error
    except PalateError as error:
        logger.error("feedback was not stored: %s", error)  # noqa: TRY400
        raise Unavailable("The feedback could not be stored: send it again.") from error
    if not _says_the_same(stored, feedback, request):
        raise Conflict(f"event_id '{feedback.event_id}' names other feedback: send another one.")
    ctx.response.status_code = HTTPStatus.OK if is_known else HTTPStatus.ACCEPTED
    return FeedbackAnswer(event_id=feedback.event_id, again=stored is not feedback)


def _store(feedback: Feedback, most_newcomers: int) -> tuple[Feedback, bool]:
    """Stores feedback; returns what is stored under its id, and whether its dish is known.

    An answer that is not in the store was removed long ago. Feedback on it is taken as feedback without an
    answer.

    Raises:
        Gone: The person was erased.
        InvalidArgument: The feedback contradicts the answer that it names.
    """
    store.refuse_erased(feedback.person_id)
    answers = store.answers()
    answer = answers.answer_of(feedback) if feedback.answer_id else None
    reason = answer and why_not_of(feedback, answer[0], was_shown=answer[1])
    if reason:
        raise InvalidArgument(reason)
    is_known = answer is not None or store.catalogue().has_dish(feedback.dish_id)
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
