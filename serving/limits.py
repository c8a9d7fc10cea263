"""Refuses requests that are too large to be ranked in time, and ratings beyond the site's scale.

A night would quarantine such a rating, but until then it would count in every answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bentoml.exceptions import InvalidArgument

from components.domain.preferences.contract import as_id
from components.domain.records import Question
from serving.arm import Arm
from serving.schemas.feedback import FeedbackRequest
from serving.schemas.fields import PastBody
from serving.schemas.rank import RankRequest


def check_sizes(request: RankRequest, facts: Mapping[str, Any]) -> None:
    """Checks the numbers of dishes in a request.

    Args:
        request: The request.
        facts: Content of served.json.

    Raises:
        InvalidArgument: There are too many dishes, or one dish is offered twice.
    """
    for field, entries in (("dishes", request.dishes), ("history", request.history)):
        limit = facts["serve"][f"max_{field}"]
        if len(entries) > limit:
            raise InvalidArgument(f"{field} has {len(entries)} entries: send at most {limit}.")
    counts = Counter(as_id(dish.dish_id) for dish in request.dishes)
    duplicates = sorted(dish_id for dish_id, count in counts.items() if count > 1)
    if duplicates:
        raise InvalidArgument(f"dish_id {duplicates[0]!r} is offered twice: send each dish once.")


def check_tokens(arm: Arm, question: Question, tokens: Any) -> None:
    """Checks how many tokens the model would read, and leaves them in `tokens` for its use.

    Raises:
        InvalidArgument: A dish, or all dishes together, have too many tokens.
    """
    limits, total = arm.facts["serve"], 0
    dishes = *(past.dish_id for past in question.history), *question.dishes
    for count, dish in enumerate(dishes, 1):
        length = arm.length(tokens, dish)
        if length > limits["max_line_tokens"]:
            raise InvalidArgument(
                f"dish_id {dish.partition('/')[2]!r} is {length} tokens long: send at most "
                f"{limits['max_line_tokens']}, which are fewer letters where they are rare."
            )
        total += length
        if total > limits["max_tokens"]:
            raise InvalidArgument(
                f"the first {count} of {len(dishes)} dishes, history included, are {total} tokens long "
                f"together: send at most {limits['max_tokens']}."
            )


def is_short(arm: Arm, tokens: Any, dish: str) -> bool:
    """Tells whether a dish is within the limit of tokens; letters that are rare cost several tokens each."""
    return arm.length(tokens, dish) <= int(arm.facts["serve"]["max_line_tokens"])


def check_feedback(request: FeedbackRequest, facts: Mapping[str, Any]) -> None:
    """Checks that the value of feedback lies within the site's ratings, or within feedback's own range.

    Args:
        request: The feedback that was sent.
        facts: Content of served.json; a release from before 0.3.0 has no range, so nothing is checked.

    Raises:
        InvalidArgument: The value lies outside the range.
    """
    _check_rating("value", request.value, facts.get("feedback_range"))


def check_history(history: Iterable[PastBody], facts: Mapping[str, Any]) -> None:
    """Checks that the ratings of a request's history lie within the range of the trained ratings.

    Args:
        history: The history that was sent.
        facts: As for `check_feedback`.

    Raises:
        InvalidArgument: A rating lies outside the range.
    """
    for line, past in enumerate(history):
        _check_rating(f"history.{line}.rating", past.rating, facts.get("value_range"))


def _check_rating(field: str, rating: float | None, value_range: tuple[float, float] | None) -> None:
    if rating is None or value_range is None:
        return
    low, high = value_range
    if not low <= rating <= high:
        raise InvalidArgument(f"{field} {rating} is not from {low:g} to {high:g}: send one on that scale.")
