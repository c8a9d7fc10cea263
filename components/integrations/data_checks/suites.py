"""What is expected of the accepted tables: every expectation of a night, by suite.

A failed `critical` expectation stops the night. A failed `warning` is only shown. So is `quarantine`, which
says how many rows broke the contract: these were quarantined on arrival (`preferences.events`) and are not in
the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from components.domain.params import CheckParams
from components.domain.preferences.contract import FIRST_YEAR, KEYS, KINDS, required_columns
from components.domain.preferences.limits import CLOCK_SKEW
from components.domain.records import NightFacts
from components.integrations.data_checks.frames import NEWS, Frames, once_a_person

_EARLIEST = pd.Timestamp(year=FIRST_YEAR, month=1, day=1, tz="UTC")
_WARNING = {"severity": FailureSeverity.WARNING}
_QUARANTINE = {"severity": FailureSeverity.INFO}  # our name for it is in `checkpoints`
_MIN_NIGHTS = 5  # with fewer past nights their news are no range
_MIN_NEWS = 20  # fewer events are no distribution
_MOST_OF_A_PERSON = 0.2  # share of all events by one person, among ten people or more
_MOST_LIKE_SHIFT = 0.2  # from last night's share of likes among likes, dislikes and ratings
_MOST_DIVERGENCE = 0.5  # nats (Kullback-Leibler) of the news' kinds, and of recurring dishes, from older ones
_LEAST_RECURRING = 0.9  # share of the news about dishes of older events, for their dishes to be compared
_HOLDOUT = 0.01  # weight of kinds or dishes that the older events lack
Suites = Mapping[str, Sequence[Expectation]]


def suites(frames: Frames, night: NightFacts, params: CheckParams, *, has_people: bool) -> Suites:
    """Lists the expectations by suite; each is about the frame of the suite's name.

    Args:
        frames: The frames to check; the older events in them say how news should be distributed.
        has_people: Whether there is a table of people; every event's person should then be in it.
    """
    return {
        "dishes": _keys("dishes"),
        "people": _keys("people"),
        "menus": [*_keys("menus"), *_all_true("dish_exists")],
        "events": _events(night, params, has_people=has_people),
        "night": _night(night, params),
        "shares": [
            gxe.ExpectColumnValuesToBeBetween(
                column="share_of_events", max_value=_most_of_a_person(len(frames["shares"])), **_WARNING
            )
        ],
        NEWS: _news(frames, night),
    }


def _most_of_a_person(people: int) -> float:
    """Computes the highest usual share of one person; among few people, as in a home, twice an even one."""
    return max(_MOST_OF_A_PERSON, 2 / max(1, people))


def _events(night: NightFacts, params: CheckParams, *, has_people: bool) -> list[Expectation]:
    latest = pd.Timestamp(datetime.fromisoformat(night.collected_at) + CLOCK_SKEW)
    low, high = params.value_range
    return [
        *_keys("events"),
        gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=list(KINDS)),
        gxe.ExpectColumnValuesToBeBetween(column="value", min_value=low, max_value=high),
        gxe.ExpectColumnValuesToBeBetween(column="occurred_at", min_value=_EARLIEST, max_value=latest),
        *_all_true("dish_exists", "was_offered", "rating_has_value"),
        # Events may be older than the table of people, and who was in it may be gone.
        *_all_true(*(["person_exists"] if has_people else []), "ever_offered", **_WARNING),
    ]


def _night(night: NightFacts, params: CheckParams) -> list[Expectation]:
    """Expects volumes, freshness and the share of likes to be as in the nights before.

    Expectations about feedback only warn.
    """
    previous = night.previous_events
    most = None if previous is None else int(previous * params.max_growth)
    least = max(params.min_events, previous or 0)
    expectations: list[Expectation] = [
        gxe.ExpectColumnMinToBeBetween(column="dishes", min_value=2),
        gxe.ExpectColumnMaxToBeBetween(column="events", min_value=least, max_value=most),
        gxe.ExpectColumnMaxToBeBetween(column="quarantined_share", max_value=params.max_quarantined_share),
        gxe.ExpectColumnMaxToBeBetween(column="quarantined_rows", max_value=0, **_QUARANTINE),
    ]
    if night.previous_feedback:
        most = int(night.previous_feedback * params.max_growth)
        expectations.append(gxe.ExpectColumnMaxToBeBetween(column="feedback", max_value=most, **_WARNING))
    if night.previous_newest:
        after = pd.Timestamp(night.previous_newest)
        expectations.append(
            gxe.ExpectColumnMaxToBeBetween(
                column="newest_event", min_value=after, strict_min=True, **_WARNING
            )
        )
    if night.like_share is not None and night.previous_like_share is not None:
        expectations.append(
            gxe.ExpectColumnMaxToBeBetween(column="like_share_shift", max_value=_MOST_LIKE_SHIFT, **_WARNING)
        )
    if len(night.past_news) >= _MIN_NIGHTS:
        low, high = min(night.past_news) / params.max_growth, max(night.past_news) * params.max_growth
        expectations.append(
            gxe.ExpectColumnMaxToBeBetween(column="new_events", min_value=low, max_value=high, **_WARNING)
        )
    return expectations


def _news(frames: Frames, night: NightFacts) -> list[Expectation]:
    """Expects the kinds of news to be distributed like those of older events.

    If dishes recur, it expects the same of the dishes.
    """
    events, news = frames["events"], frames[NEWS]
    if not night.previous_newest:
        return []
    newest = datetime.fromisoformat(night.previous_newest)
    older = once_a_person(events.filter(pc.less_equal(events["occurred_at"], newest)))
    if not len(older) or len(news) < _MIN_NEWS:
        return []
    recurs = pc.is_in(news["dish_id"], value_set=older["dish_id"].combine_chunks())
    recur = pc.mean(pc.cast(recurs, pa.float64())).as_py()
    return [
        gxe.ExpectColumnKLDivergenceToBeLessThan(
            column=column,
            partition_object=_partition(older[column]),
            threshold=_MOST_DIVERGENCE,
            tail_weight_holdout=_HOLDOUT,
            **_WARNING,
        )
        for column in ("kind", *(["dish_id"] if recur > _LEAST_RECURRING else []))
    ]


def _partition(values: pa.ChunkedArray) -> dict[str, Any]:
    counts = {each["values"]: each["counts"] for each in values.value_counts().to_pylist()}
    names = sorted(counts)
    return {"values": names, "weights": [counts[name] / len(values) for name in names]}


def _keys(table: str) -> list[Expectation]:
    """Expects every row to have the required columns, and no two rows to have the same key."""
    key = KEYS[table]
    unique = (
        gxe.ExpectColumnValuesToBeUnique(column=key[0])
        if len(key) == 1
        else gxe.ExpectCompoundColumnsToBeUnique(column_list=list(key))
    )
    return [*(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in required_columns(table)), unique]


def _all_true(*columns: str, **severity: Any) -> list[Expectation]:
    return [gxe.ExpectColumnValuesToBeInSet(column=name, value_set=[True], **severity) for name in columns]
