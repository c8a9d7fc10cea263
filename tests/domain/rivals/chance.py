"""Splits made-up events as a night would, and measures every rule and probe on them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.shapes import Events
from components.domain.params import SplitParams
from components.domain.params_file import read_params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.folds import unit_of
from components.domain.preferences.opinions import Scale, opinion_log
from components.domain.preferences.splits import Split
from components.domain.preferences.tables import Comparisons
from components.domain.records import Dish
from components.domain.rivals import probes, rules
from components.domain.rivals.fit_stacked_rules import fit_stacked_rules
from components.domain.verdict.metrics import comparison_metrics, per_person
from components.stages.split import divide
from tests.conftest import REPO

SCALE = Scale(like_at=4, dislike_at=2, timezone="America/New_York")
TAGS = 3


def split_events(events: Events, by: str) -> Split:
    """Splits made-up events by `split.by`."""
    log = opinion_log(EventColumns.of(events.rows), events.dishes, events.menus, SCALE)
    return divide(split_params(by), log)


def split_params(by: str) -> SplitParams:
    """Makes the section `split` for made-up events."""
    settings = read_params(REPO / "params.yaml").split
    changes = {"by": by, "min_history": 2, "test_days": 5, "test_sources": ("test",)}
    return SplitParams(**(settings.model_dump() | changes))


def measure(events: Events, by: str, seed: int) -> Iterator[tuple[str, float]]:
    """Yields names of rules and probes, and their pair accuracy."""
    split = split_events(events, by)
    draw = np.random.default_rng([seed, TAGS])  # another stream than the shapes'
    dishes = {dish: Dish(dish, f"dish {dish}", tags=(f"t{draw.integers(TAGS)}",)) for dish in events.dishes}
    unit = unit_of(split_params(by))
    stacked = fit_stacked_rules(dishes, split.train, split.may_know, unit=unit).rules
    test, swapped = split.test, probes.with_history_of_another(split.test, seed)
    yield "popularity", _accuracy(rules.popularity(split.train, test), test)
    yield "tag-affinity", _accuracy(rules.tag_affinity(dishes, test), test)
    yield "content-history", _accuracy(stacked.content.scores(dishes, test), test)
    yield "usual", _accuracy(stacked.usual(test), test)
    yield "item-knn", _accuracy(stacked.neighbours(test), test)
    yield "matrix-factorisation", _accuracy(stacked.factors(test), test)
    yield "stacked-rules", _accuracy(stacked.scores(dishes, test), test)
    yield "other-history", _accuracy(stacked.scores(dishes, swapped), test)


def _accuracy(scores: Floats, test: Comparisons) -> float:
    people = per_person(comparison_metrics(scores, test), test)
    return float(np.mean([metrics[0] for metrics in people.values()]))
