"""Accepted tables as the numbered arrays of the main path: dishes, menus and the log of opinions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np

from components.domain.params import CollectParams
from components.domain.preferences.arrays import Floats, Ints, Moments, Texts
from components.domain.preferences.opinion_log import NO_MENU, Menus, OpinionLog, moment, timestamp
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish

STATED = ("like", "dislike", "rating")  # kinds that a later event replaces or retracts
_VERDICTS = {"like": LIKED, "choice": LIKED, "order": LIKED, "dislike": DISLIKED}


def dishes_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Dish]:
    """Rows of the dishes table as dishes by id, ordered by id."""
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
    """Rows of the menus table as dish ids by menu id."""
    menus: dict[str, list[str]] = {}
    for row in rows:
        menus.setdefault(row["menu_id"], []).append(row["dish_id"])
    return menus


@dataclass(frozen=True)
class Scale:
    """How events become opinions.

    Attributes:
        like_at: A rating is a like from here up.
        dislike_at: A rating is a dislike from here down.
        timezone: Name of the site's time zone, whose days are menu days.
        sources: By source its own `like_at` and `dislike_at`, where these are others; its ratings are brought
            to the scale of the rest.
    """

    like_at: float
    dislike_at: float
    timezone: str
    sources: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, collect: CollectParams) -> Self:
        """The scale of section `collect`."""
        sources = {name: (scale.like_at, scale.dislike_at) for name, scale in collect.scales.items()}
        return cls(collect.like_at, collect.dislike_at, collect.timezone, sources)


def opinion_log(
    rows: Iterable[Mapping[str, Any]], dishes: Iterable[str], menus: Mapping[str, Sequence[str]], scale: Scale
) -> OpinionLog:
    """Rows of the events table as a log, ordered by person, moment, source, menu and dish.

    A `retract` takes back what the person stated of that dish until then (likes, dislikes, ratings), as if it
    had never been stated. Of two opinions on one dish at one moment the less favourable one comes last, and
    so replaces the other.

    Args:
        rows: Events in any order.
        dishes: All dish ids.
        menus: Dish ids by menu id.
        scale: How events become opinions.
    """
    events = _without_retracted(list(rows))
    people, person = _numbered([row["person_id"] for row in events])
    sources, source = _numbered([row["source"] for row in events])
    dish_ids, menu_ids = sorted(dishes), sorted(menus)
    dish_number = {dish: index for index, dish in enumerate(dish_ids)}
    menu_number = {menu: index for index, menu in enumerate(menu_ids)}
    kind = np.array([row["kind"] for row in events], object)
    rating = np.array([row["value"] if row["kind"] == "rating" else np.nan for row in events], np.float64)
    choices = (menu_number[row["menu_id"]] if row["kind"] == "choice" else NO_MENU for row in events)
    at = np.array([timestamp(row["occurred_at"]) for row in events], "datetime64[us]")
    columns = {
        "person": person,
        "dish": np.array([dish_number[row["dish_id"]] for row in events], np.int64),
        "at": at,
        "verdict": _verdicts(kind, rating, source, sources, scale),
        "rating": _on_one_scale(rating, source, sources, scale),
        "menu": np.fromiter(choices, np.int64, len(events)),
        "source": source,
        "is_order": kind == "order",
        "day": local_days(at, scale.timezone),
    }
    favour = [-np.nan_to_num(rating), -columns["verdict"]]
    order = np.lexsort([*favour, *(columns[name] for name in ("dish", "menu", "source", "at", "person"))])
    sorted_columns: dict[str, Any] = {name: column[order] for name, column in columns.items()}
    offset = np.zeros(len(sources))
    flat = [dish_number[dish] for menu in menu_ids for dish in menus[menu]]
    sizes = [len(menus[menu]) for menu in menu_ids]
    table = Menus(tuple(menu_ids), np.array(flat, np.int64), np.array(sizes, np.int64))
    return OpinionLog(people, tuple(dish_ids), table, sources, **sorted_columns, offset=offset)


def _without_retracted(events: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    retracted: dict[tuple[str, str], datetime] = {}
    for row in events:
        if row["kind"] == "retract":
            key = row["person_id"], row["dish_id"]
            retracted[key] = max(row["occurred_at"], retracted.get(key, row["occurred_at"]))
    if not retracted:
        return events
    return [row for row in events if row["kind"] != "retract" and not _is_retracted(row, retracted)]


def _is_retracted(row: Mapping[str, Any], retracted: Mapping[tuple[str, str], datetime]) -> bool:
    until = retracted.get((row["person_id"], row["dish_id"]))
    return until is not None and row["kind"] in STATED and row["occurred_at"] <= until


def _numbered(values: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    names, numbers = np.unique(np.array(values, object), return_inverse=True)
    return tuple(names.tolist()), numbers.astype(np.int64)


def _verdicts(kind: Texts, rating: Floats, source: Ints, sources: Sequence[str], scale: Scale) -> Ints:
    verdict = np.array([_VERDICTS.get(name, NEUTRAL) for name in kind], np.int64)
    rated = kind == "rating"
    limits = [scale.sources.get(name, (scale.like_at, scale.dislike_at)) for name in sources]
    like_at, dislike_at = np.array(limits, np.float64).reshape(-1, 2)[source].T
    verdict[rated & (rating >= like_at)] = LIKED
    verdict[rated & (rating <= dislike_at)] = DISLIKED
    return verdict


def _on_one_scale(rating: Floats, source: Ints, sources: Sequence[str], scale: Scale) -> Floats:
    """Ratings of sources with a scale of their own, such that likes and dislikes begin where others' do."""
    result = rating.copy()
    for number, name in enumerate(sources):
        if name in scale.sources:
            (like_at, dislike_at), mask = scale.sources[name], source == number
            factor = (scale.like_at - scale.dislike_at) / (like_at - dislike_at)
            result[mask] = scale.dislike_at + (rating[mask] - dislike_at) * factor
    return result


def local_days(at: Moments, timezone: str) -> Moments:
    """Days of a time zone, for moments in UTC."""
    zone = ZoneInfo(timezone)
    quarters, number = np.unique(at.astype("datetime64[m]").astype(np.int64) // 15, return_inverse=True)
    offsets = [
        moment(np.datetime64(int(quarter) * 15, "m")).astimezone(zone).utcoffset() or timedelta()
        for quarter in quarters
    ]  # an offset changes on a quarter of an hour only
    seconds = np.array([int(offset.total_seconds()) for offset in offsets], np.int64)
    return np.asarray((at + seconds[number].astype("timedelta64[s]")).astype("datetime64[D]"))


def like_share(rows: Iterable[Mapping[str, Any]], scale: Scale) -> float | None:
    """Share of likes among likes, dislikes and ratings; None without any.

    Args:
        rows: Events.
        scale: How ratings become likes.
    """
    likes = [
        row["kind"] == "like"
        or (
            row["kind"] == "rating"
            and row["value"] >= scale.sources.get(row["source"], (scale.like_at, 0))[0]
        )
        for row in rows
        if row["kind"] in STATED
    ]
    return sum(likes) / len(likes) if likes else None
