"""data/events → data/splits: training and test comparisons, frozen, and the dishes they name."""

from __future__ import annotations

from components.domain.comparisons import compare, dishes_of, opinions_of, split_by_time
from components.domain.params import Params
from components.integrations import comparison_files, event_sources
from components.stages.paths import EVENTS, SPLITS


def split(params: Params) -> None:
    """Makes comparisons of all events and cuts them by time."""
    tables = event_sources.read_tables(EVENTS)
    menus: dict[str, list[str]] = {}
    for row in tables["menus"]:
        menus.setdefault(row["menu_id"], []).append(row["dish_id"])
    opinions = opinions_of(tables["events"], params.collect.like_at, params.collect.dislike_at)
    comparisons = compare(opinions, menus, params.split.max_history)
    halves = split_by_time(comparisons, params.split.test_days, params.split.min_history)
    SPLITS.mkdir(parents=True, exist_ok=True)
    comparison_files.write_comparisons(SPLITS / "train.parquet", halves.train)
    comparison_files.write_comparisons(SPLITS / "test.parquet", halves.test)
    comparison_files.write_dishes(SPLITS / "dishes.parquet", dishes_of(tables["dishes"]))
