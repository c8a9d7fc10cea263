"""Refuses ratings that the night would quarantine: until then they would count in every answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bentoml.exceptions import InvalidArgument

from serving.schemas.feedback import FeedbackRequest
from serving.schemas.fields import PastBody


def check_feedback(request: FeedbackRequest, facts: Mapping[str, Any]) -> None:
    """Checks that the value of feedback lies within the site's ratings, or within feedback's own range.

    Args:
        request: The feedback that was sent.
        facts: Content of served.json; a release from before 0.3.0 has no range, so nothing is checked.

    Raises:
        InvalidArgument: The value lies outside the range.
    """
    _check("value", request.value, facts.get("feedback_range"))


def check_history(history: Iterable[PastBody], facts: Mapping[str, Any]) -> None:
    """Checks that the ratings of a request's history lie within the range of the trained ratings.

    Args:
        history: The history that was sent.
        facts: As for `check_feedback`.

    Raises:
        InvalidArgument: A rating lies outside the range.
    """
    for number, line in enumerate(history):
        _check(f"history.{number}.rating", line.rating, facts.get("value_range"))


def _check(where: str, rating: float | None, value_range: tuple[float, float] | None) -> None:
    if rating is None or value_range is None:
        return
    low, high = value_range
    if not low <= rating <= high:
        raise InvalidArgument(f"{where} {rating} is not from {low:g} to {high:g}: send one on that scale.")
