"""Refuses requests that are too large to be ranked in time, before they reach the model's one thread."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bentoml.exceptions import InvalidArgument

from components.domain.preferences.contract import as_id
from components.domain.records import Question
from serving.arm import Arm
from serving.schemas.rank import RankRequest

MAX_CONTEXT_TOKENS = 3_000  # tokens of a history that is read in context, whose memory grows with the square


def check_sizes(arm: Arm, request: RankRequest) -> None:
    """Checks the numbers of dishes in a request.

    Raises:
        InvalidArgument: There are too many dishes, or one dish is offered twice.
    """
    for field, entries in (("dishes", request.dishes), ("history", request.history)):
        limit = arm.facts["serve"][f"max_{field}"]
        if len(entries) > limit:
            raise InvalidArgument(f"{field} has {len(entries)} entries: send at most {limit}.")
    counts = Counter(as_id(dish.dish_id) for dish in request.dishes)
    duplicates = sorted(dish_id for dish_id, count in counts.items() if count > 1)
    if duplicates:
        raise InvalidArgument(f"dish_id {duplicates[0]!r} is offered twice: send each dish once.")


def check_tokens(arm: Arm, question: Question, tokens: Any) -> None:
    """Checks how many tokens the model would read, and leaves them in `tokens` for its use.

    Raises:
        InvalidArgument: A dish, all dishes together, or the history has too many tokens.
    """
    limits, total = arm.facts["serve"], 0
    lines = *(past.dish_id for past in question.history), *question.dishes
    for count, dish in enumerate(lines, 1):
        length = arm.length(tokens, dish)
        if length > limits["max_line_tokens"]:
            raise InvalidArgument(
                f"dish_id {dish.partition('/')[2]!r} is {length} tokens long: send at most "
                f"{limits['max_line_tokens']}, which are fewer letters where they are rare."
            )
        total += length
        if total > limits["max_tokens"]:
            raise InvalidArgument(
                f"the first {count} of {len(lines)} dishes, history included, are {total} tokens long "
                f"together: send at most {limits['max_tokens']}."
            )
    in_context = arm.context_tokens(tokens, question)
    if in_context > MAX_CONTEXT_TOKENS:
        raise InvalidArgument(f"the history is {in_context} tokens long: send at most {MAX_CONTEXT_TOKENS}.")


def is_short(arm: Arm, tokens: Any, dish: str) -> bool:
    """Tells whether a dish is within the limit of tokens; letters that are rare cost several tokens each."""
    return arm.length(tokens, dish) <= int(arm.facts["serve"]["max_line_tokens"])
