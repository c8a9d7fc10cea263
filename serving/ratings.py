"""Ratings that the night would quarantine are refused: they would count in every answer until then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bentoml.exceptions import InvalidArgument

from serving.feedback_schema import FeedbackRequest
from serving.schema import PastBody


def check_feedback(request: FeedbackRequest, facts: Mapping[str, Any]) -> None:
    """Compares the value of feedback with the range of the site's ratings, or of feedback where it has one.

    Args:
        request: What was sent.
        facts: Content of served.json; of a release from before 0.3.0 without a range, which checks nothing.

    Raises:
        InvalidArgument: The value lies outside.
    """
    _check("value", request.value, facts.get("feedback_range"))


def check_history(history: Iterable[PastBody], facts: Mapping[str, Any]) -> None:
    """Compares the ratings of a request's history with the range of those that were trained on.

    Args:
        history: As it was sent.
        facts: As above.

    Raises:
        InvalidArgument: One lies outside.
    """
    for number, line in enumerate(history):
        _check(f"history.{number}.rating", line.rating, facts.get("value_range"))


def _check(where: str, rating: float | None, value_range: tuple[float, float] | None) -> None:
    if rating is None or value_range is None:
        return
    low, high = value_range
    if not low <= rating <= high:
        raise InvalidArgument(f"{where} {rating} is not from {low:g} to {high:g}: send one on that scale.")
