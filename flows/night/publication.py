"""The task that gives the service the night's dishes, people and histories."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from components.domain.catalogue import Line, never_emptied
from components.domain.diet.nutrition import nutrition_of
from components.domain.preferences.contract import Stored
from components.domain.preferences.opinion_log import OpinionLog, moment
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.preferences.popularity import popularities
from components.domain.preferences.reused_ids import former_ids
from components.domain.refused_people import with_refused
from components.integrations import event_sources, foods, quarantine
from components.integrations.service_store import Catalogue
from components.stages.paths import EVENTS, QUARANTINE
from flows.environment import REPO
from flows.night.data import read_forgotten
from flows.night.feedback import thresholds_of
from flows.night.tonight import Night

FOODS = REPO / "data" / "foods" / "foods.csv"


@task(cache_policy=NO_CACHE)
def publish(night: Night) -> bool:
    """Writes tonight's data to the store that PALATE_STORE names; returns whether they were new to it.

    Raises:
        StageFailed: The store does not answer.
    """
    catalogue, now = Catalogue(os.environ["PALATE_STORE"]), datetime.now(UTC)
    collect = night.params.collect
    data = f"{night.data_md5[:32]} {night.quarantine_md5[:12]} {foods.digest(FOODS)[:12]}"
    # The first number grows when more is published of the same data.
    thresholds = thresholds_of(collect)
    version = " ".join(["6", data, *(f"{each:g}" for each in vars(thresholds).values() if each is not None)])
    if catalogue.version() == version:
        catalogue.confirm(now)
        return False
    tables = event_sources.read_tables(REPO / EVENTS)
    accepted = event_sources.read_events(REPO / EVENTS)
    events, answers = event_sources.event_columns(accepted), event_sources.menus_of_answers(accepted)
    log = opinion_log(events, dishes_of(tables["dishes"]), menus_of(tables["menus"]), Scale.of(collect))
    catalogue.publish(
        version,
        thresholds,
        dishes_with_popularity(tables, log),
        _people(tables, were_people=catalogue.has_people()),
        histories(log),
        eaten(log),
        coming_menus(tables["menus"], answers, now.astimezone(ZoneInfo(collect.timezone)).date()),
    )
    catalogue.confirm(now)
    return True


def dishes_with_popularity(
    tables: Stored, log: OpinionLog
) -> Iterator[tuple[Mapping[str, Any], float, bool]]:
    """Yields the rows of dishes, each with its popularity and whether it is offered."""
    popularity = popularities(log)
    former = {dish for dishes in former_ids(tables).values() for dish in dishes}
    for row in with_nutrition(tables["dishes"], FOODS):
        dish = row["dish_id"]
        if _is_storable(dish):
            is_offered = dish not in former and not row.get("hidden")
            yield {**row, "opinions": popularity[dish].opinions}, popularity[dish].share, is_offered


def coming_menus(
    rows: Iterable[Mapping[str, Any]], answers: Container[str], today: date
) -> set[tuple[date, str]]:
    """Collects day and dish of the menus that are served from today on.

    Args:
        rows: Rows of menus.
        answers: Ids of menus that are answers of the service.
        today: Day of the site.
    """
    return {
        (row["served_on"], row["dish_id"])
        for row in rows
        if row["served_on"] >= today and row["menu_id"] not in answers and _is_storable(row["dish_id"])
    }


def _people(tables: Stored, *, were_people: bool) -> list[dict[str, Any]]:
    """Collects the rows of people, with the restrictions that quarantined rows state for them."""
    listed = [row for row in tables["people"] if _is_storable(row["person_id"])]
    people = with_refused(listed, quarantine.rows_of(REPO / QUARANTINE, "people"))
    some_forgotten = bool(read_forgotten().hashes)
    return never_emptied(people, were_people=were_people, some_forgotten=some_forgotten)


def with_nutrition(dishes: Iterable[Mapping[str, Any]], table: Path) -> list[dict[str, Any]]:
    """Adds to each row of a dish its `nutrition`.

    Args:
        dishes: Rows of the contract.
        table: The table of foods.

    Raises:
        StageFailed: The table of foods is missing or is not a table of foods.
    """
    prepared = foods.read_foods(table)
    return [{**row, "nutrition": nutrition_of(row, prepared)} for row in dishes]


def _is_storable(*ids: str) -> bool:
    """Tells whether ids are free of NUL, which the store refuses; earlier releases accepted such ids."""
    return not any("\0" in name for name in ids)


def eaten(log: OpinionLog) -> Iterator[tuple[str, str, datetime]]:
    """Yields person, dish and moment of the last choice or order of each dish by each person."""
    lines = np.flatnonzero(~log.is_stated).tolist()  # a person's in the order of time
    last = {(log.person[line], log.dish[line]): line for line in lines}
    for (person, dish), line in last.items():
        if _is_storable(log.people[person], log.dishes[dish]):
            yield log.people[person], log.dishes[dish], moment(log.at[line])


def histories(log: OpinionLog) -> Iterator[tuple[str, list[Line]]]:
    """Yields each person with the opinions that no later one replaces, oldest first."""
    stays, is_stated = log.replaced_by == len(log), log.is_stated
    for person, (start, stop) in enumerate(pairwise(log.bounds())):
        if not _is_storable(log.people[person]):
            continue
        yield (
            log.people[person],
            [
                Line(
                    log.past(line), moment(log.at[line]), log.sources[log.source[line]], bool(is_stated[line])
                )
                for line in range(start, stop)
                if stays[line] and _is_storable(log.dishes[log.dish[line]])
            ],
        )
