"""The canteen's training comparisons and the base model, for benchmarks that need no night."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from components.domain.params import Params
from components.domain.params_file import read_params
from components.domain.preferences.comparisons import compare, dishes_of, opinions_of
from components.domain.preferences.events import accept
from components.domain.preferences.splits import Split, split_by_time
from components.domain.ranker.language_model import LanguageModel
from components.domain.records import Comparison, Dish
from components.integrations import base_models, event_sources

REPO = Path(__file__).resolve().parent.parent


def canteen() -> tuple[Params, dict[str, Dish], list[Comparison]]:
    """Params, dishes and training comparisons, as a night on the sample makes them."""
    params, dishes, split = canteen_split()
    return params, dishes, list(split.train)


def canteen_split() -> tuple[Params, dict[str, Dish], Split]:
    """The same with the test comparisons."""
    params = read_params(REPO / "params.yaml")
    raw = event_sources.read_inbox(REPO / "data" / "sample" / "canteen")
    tables = accept(raw, {}, datetime.now(UTC), params.collect.clock_skew_h).tables
    menus: dict[str, list[str]] = {}
    for row in tables["menus"]:
        menus.setdefault(row["menu_id"], []).append(row["dish_id"])
    opinions = opinions_of(tables["events"], params.collect.like_at, params.collect.dislike_at)
    comparisons = compare(opinions, menus, params.split.max_history)
    split = split_by_time(comparisons, params.split.test_days, params.split.min_history)
    return params, dishes_of(tables["dishes"]), split


def base(params: Params) -> LanguageModel:
    """The base model of params.yaml on the best device."""
    folder = REPO / "models" / "base"
    base_models.materialise(params.base.model, folder)
    device = base_models.choose_device()
    return base_models.load(folder, base_models.choose_dtype(device), device)
