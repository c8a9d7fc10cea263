"""Settings that fit a user's tables better than the current ones, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from components.domain.errors import DataRejected
from components.domain.params import Params
from components.domain.preferences.events import Collected
from components.domain.preferences.held_out_days import MIN_PEOPLE
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.opinions import dishes_of
from components.domain.preferences.splits import Split
from components.domain.ranker.prompts import dish_text
from components.domain.records import DISLIKED, LIKED
from components.domain.verdict.gate import MIN_OTHERS
from components.stages.split import divide

FIELDS = ("name", "description", "cuisine", "tags", "ingredients")  # of a dish, that the model may read
MOST = 0.9  # share of ratings on one side from which a scale tells little


def suggestions(params: Params, collected: Collected, log: OpinionLog, split: Split | None) -> list[str]:
    """Writes each suggested setting as a line of YAML with the reason as its comment.

    Args:
        split: The split of the current settings; None where nothing can be held out.
    """
    parts = (_value_range(params, collected), _scale(log), _checks(params, collected))
    more = (_fields(params, collected), _held_out(params, log, split))
    return [f"{line}  # {why}" for part in (*parts, *more) for line, why in part]


def _value_range(params: Params, collected: Collected) -> Iterator[tuple[str, str]]:
    outside = [row.reason for row in collected.quarantined if "check.value_range" in row.reason]
    if outside:
        values = [*(float(reason.split()[1]) for reason in outside), *params.check.value_range]
        yield (
            f"check: {{value_range: [{min(values):g}, {max(values):g}]}}",
            f"{len(outside):,} ratings lie outside {list(params.check.value_range)}, if they are meant",
        )


def _scale(log: OpinionLog) -> Iterator[tuple[str, str]]:
    """Suggests a scale by which some ratings are likes and some are not, if nearly all are on one side."""
    rated = ~np.isnan(log.rating)
    if not rated.any():
        return
    ratings, verdicts = log.rating[rated], log.verdict[rated]
    one_sided = [verdict for verdict in (LIKED, DISLIKED) if (verdicts == verdict).mean() > MOST]
    if not one_sided and len(np.intersect1d(verdicts, [LIKED, DISLIKED])) == 2:
        return
    low, high = (float(np.quantile(ratings, share)) for share in (0.3, 0.7))
    if low < high:
        yield (
            f"collect: {{like_at: {high:g}, dislike_at: {low:g}}}",
            "the upper and lower three tenths of your ratings; today nearly all are on one side or between",
        )


def _checks(params: Params, collected: Collected) -> Iterator[tuple[str, str]]:
    events, check = collected.counts["events"].accepted, params.check
    if 0 < events < check.min_events:
        yield f"check: {{min_events: {events}}}", f"{events:,} events are fewer than {check.min_events:,}"


def _fields(params: Params, collected: Collected) -> Iterator[tuple[str, str]]:
    dishes, fields = dishes_of(collected.tables["dishes"]).values(), params.prompt.dish_fields
    filled = {name: sum(bool(dish_text(dish, (name,))) for dish in dishes) for name in FIELDS}
    unread = [name for name in FIELDS if name not in fields and filled[name] > len(dishes) / 2]
    empty = not any(filled[name] for name in fields) and any(filled.values())
    if unread or empty:
        better = [name for name in FIELDS if filled[name] and (name in fields or name in unread)]
        yield (
            f"prompt: {{dish_fields: [{', '.join(better)}]}}",
            "no dish has a value in the fields that the model reads"
            if empty
            else f"most dishes have {', '.join(unread)}, which the model does not read",
        )


def _held_out(params: Params, log: OpinionLog, split: Split | None) -> Iterator[tuple[str, str]]:
    days = len(np.unique(log.day))
    if params.split.by == "time" and 0 < days < MIN_OTHERS:
        yield "split: {by: within_person}", f"events of {days} days are too few to hold out days"
    elif (
        params.split.by == "time"
        and params.split.test_days < MIN_OTHERS
        and days >= 3 * MIN_OTHERS
        and len(log.people) >= MIN_PEOPLE
    ):
        yield f"split: {{test_days: {MIN_OTHERS}}}", "so many days let the first night decide"
    if params.split.by == "time" and days >= MIN_OTHERS and params.split.min_history > 1:
        tested = _tested(split)
        if tested < MIN_PEOPLE and _tested(_with_least_history(params, log)) > tested:
            yield "split: {min_history: 1}", "too few people have more comparisons before what is held out"


def _tested(split: Split | None) -> int:
    """Counts the people who are tested."""
    return len(np.unique(split.test.person)) if split else 0


def _with_least_history(params: Params, log: OpinionLog) -> Split | None:
    """Divides the log with the lowest `split.min_history`; None where nothing can be compared."""
    try:
        return divide(params.split.model_copy(update={"min_history": 1}), log)
    except DataRejected:
        return None
