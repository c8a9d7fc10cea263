"""Turns accepted tables into dishes, menus and the log of opinions, the arrays of the main path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np

from components.domain.params import CollectParams
from components.domain.preferences.arrays import Floats, Ints, Moments
from components.domain.preferences.event_columns import Coded, EventColumns
from components.domain.preferences.opinion_log import NO_MENU, Menus, OpinionLog, moment
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish

STATED = ("like", "dislike", "rating")  # kinds that a later event replaces or retracts
_VERDICTS = {"like": LIKED, "choice": LIKED, "order": LIKED, "dislike": DISLIKED}


def dishes_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Dish]:
    """Converts rows of the dishes table to dishes by id, ordered by id."""
    dishes = {
        row["dish_id"]: Dish(
            row["dish_id"],
            row["name"],
            row["description"] or "",
            row["cuisine"] or "",
            tuple(row["tags"] or ()),
            tuple(row["ingredients"] or ()),
        )
        for row in rows
    }
    return dict(sorted(dishes.items()))


def menus_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Groups rows of the menus table as dish ids by menu id."""
    menus: dict[str, list[str]] = {}
    for row in rows:
        menus.setdefault(row["menu_id"], []).append(row["dish_id"])
    return menus


@dataclass(frozen=True)
class Scale:
    """The settings by which events become opinions.

    Attributes:
        like_at: Lowest rating that is a like.
        dislike_at: Highest rating that is a dislike.
        timezone: Name of the site's time zone, whose days are menu days.
        sources: Own `like_at` and `dislike_at` of sources with another scale, by source. Their ratings are
            converted to the scale of the rest.
    """

    like_at: float
    dislike_at: float
    timezone: str
    sources: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, collect: CollectParams) -> Self:
        """Reads the scale from the section `collect`."""
        sources = {name: (scale.like_at, scale.dislike_at) for name, scale in collect.scales.items()}
        return cls(collect.like_at, collect.dislike_at, collect.timezone, sources)

    def limits(self, sources: Sequence[str]) -> Floats:
        """Looks up `like_at` and `dislike_at` of each source, (sources, 2)."""
        limits = [self.sources.get(source, (self.like_at, self.dislike_at)) for source in sources]
        return np.array(limits, np.float64).reshape(-1, 2)


def opinion_log(
    events: EventColumns, dishes: Iterable[str], menus: Mapping[str, Sequence[str]], scale: Scale
) -> OpinionLog:
    """Converts events to a log, ordered by person, moment, source, menu and dish.

    A `retract` removes the likes, dislikes and ratings that its person stated on its dish up to its moment.
    When two opinions on one dish have one moment, the less favourable one comes last and so replaces the
    other.

    Args:
        events: Events in any order; equally favourable opinions on one dish at one moment keep their order.
        dishes: Ids of all dishes.
        menus: Dishes by menu; one from which nobody chose, such as of a coming day, says nothing.
        scale: The settings by which events become opinions.
    """
    events = _without_retracted(events)
    choices = np.flatnonzero(events.kind.is_one_of("choice"))
    chosen_from = events.menu.take(choices)
    dish_ids, menu_ids = sorted(dishes), chosen_from.names
    dish_number = {name: n for n, name in enumerate(dish_ids)}
    rating = np.where(events.kind.is_one_of("rating"), events.value, np.nan)
    menu = np.full(len(events), NO_MENU, np.int64)
    menu[choices] = chosen_from.number
    columns: dict[str, Any] = {
        "person": events.person.number,
        "dish": events.dish.map(dish_number.__getitem__),
        "at": events.at,
        "verdict": _verdicts(events, scale),
        "rating": _on_one_scale(rating, events.source, scale),
        "menu": menu,
        "source": events.source.number,
        "is_order": events.kind.is_one_of("order"),
        "day": local_days(events.at, scale.timezone),
    }
    favour = [-np.nan_to_num(rating), -columns["verdict"]]
    order = np.lexsort([*favour, *(columns[name] for name in ("dish", "menu", "source", "at", "person"))])
    sorted_columns = {name: column[order] for name, column in columns.items()}
    people, sources = events.person.names, events.source.names
    flat = [dish_number[dish] for menu_id in menu_ids for dish in menus[menu_id]]
    sizes = [len(menus[menu_id]) for menu_id in menu_ids]
    table = Menus(menu_ids, np.array(flat, np.int64), np.array(sizes, np.int64))
    offset = np.zeros(len(sources))
    return OpinionLog(people, tuple(dish_ids), table, sources, **sorted_columns, offset=offset)


def _without_retracted(events: EventColumns) -> EventColumns:
    retracts = events.kind.is_one_of("retract")
    if not retracts.any():
        return events
    pair = events.person.number * len(events.dish.names) + events.dish.number
    pairs, number = np.unique(pair, return_inverse=True)
    until = np.full(len(pairs), np.datetime64("NaT", "us"))
    np.fmax.at(until, number[retracts], events.at[retracts])
    is_retracted = events.kind.is_one_of(*STATED) & (events.at <= until[number])  # never, where it is NaT
    return events.take(np.flatnonzero(~retracts & ~is_retracted))


def _verdicts(events: EventColumns, scale: Scale) -> Ints:
    verdict = events.kind.map(lambda kind: _VERDICTS.get(kind, NEUTRAL))
    rated, value, source = events.kind.is_one_of("rating"), events.value, events.source
    like_at, dislike_at = scale.limits(source.names)[source.number].T
    verdict[rated & (value >= like_at)] = LIKED
    verdict[rated & (value <= dislike_at)] = DISLIKED
    return verdict


def _on_one_scale(rating: Floats, source: Coded, scale: Scale) -> Floats:
    """Rescales ratings of sources with another scale, so that likes and dislikes begin where others' do."""
    result = rating.copy()
    for number, name in enumerate(source.names):
        if name in scale.sources:
            (like_at, dislike_at), mask = scale.sources[name], source.number == number
            factor = (scale.like_at - scale.dislike_at) / (like_at - dislike_at)
            result[mask] = scale.dislike_at + (rating[mask] - dislike_at) * factor
    return result


def local_days(at: Moments, timezone: str) -> Moments:
    """Converts moments in UTC to days of a time zone."""
    zone = ZoneInfo(timezone)
    quarters, number = np.unique(at.astype("datetime64[m]").astype(np.int64) // 15, return_inverse=True)
    offsets = [
        moment(np.datetime64(int(quarter) * 15, "m")).astimezone(zone).utcoffset() or timedelta()
        for quarter in quarters
    ]  # an offset changes on a quarter of an hour only
    seconds = np.array([int(offset.total_seconds()) for offset in offsets], np.int64)
    return np.asarray((at + seconds[number].astype("timedelta64[s]")).astype("datetime64[D]"))


def like_share(events: EventColumns, scale: Scale) -> float | None:
    """Averages over people the share of likes among their likes, dislikes and ratings; None without any.

    Args:
        events: Events in any order.
        scale: The settings by which ratings become likes.
    """
    stated = events.kind.is_one_of(*STATED)
    like_at = scale.limits(events.source.names)[events.source.number, 0]
    likes = events.kind.is_one_of("like") | (events.kind.is_one_of("rating") & (events.value >= like_at))
    person = np.unique(events.person.number[stated], return_inverse=True)[1]
    shares = np.bincount(person, likes[stated]) / np.bincount(person)
    return float(shares.mean()) if len(shares) else None
