"""`make benchmark NAME=chance`: on random data every rule and probe must stand at one half.

Many seeds of each made-up shape of `benchmarks.shapes`, split as a night would; writes results/chance.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.sample import REPO
from benchmarks.shapes import RANDOM, Events
from components.domain.params import SplitParams
from components.domain.params_file import read_params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.opinions import Scale, opinion_log
from components.domain.preferences.splits import Split
from components.domain.preferences.tables import Comparisons
from components.domain.records import Dish
from components.domain.rivals import probes, rules
from components.domain.rivals.stacked_rules import fit_stacked_rules
from components.domain.verdict.metrics import comparison_metrics, per_person
from components.stages.split import divide

SEEDS = 20
SCALE = Scale(like_at=4, dislike_at=2, timezone="America/New_York")
WITHIN = ("ratings", "dishes rated again", "a standing card")
PAGE = REPO / "benchmarks" / "results" / "chance.md"
TAGS = 3


def main() -> None:
    """Measures every shape and writes the page."""
    lines = [
        "# Chance",
        "",
        f"`make benchmark NAME=chance`: pair accuracy per person on random data, mean over {SEEDS} seeds",
        "and its standard error. Everything must stand at 0.500.",
        "",
    ]
    shapes = [*((name, "time") for name in RANDOM), *((name, "within_person") for name in WITHIN)]
    for name, by in [*shapes, ("ratings", "source")]:
        accuracies: dict[str, list[float]] = {}
        for seed in range(SEEDS):
            for rule, accuracy in measure(RANDOM[name](seed), by, seed):
                accuracies.setdefault(rule, []).append(accuracy)
        if len(lines) == 5:
            lines += [f"| shape | split | {' | '.join(accuracies)} |", "|---|---|" + "---|" * len(accuracies)]
        lines.append(f"| {name} | {by} | {' | '.join(map(_cell, accuracies.values()))} |")
        print(lines[-1], flush=True)
    PAGE.write_text("\n".join([*lines, ""]))


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {np.std(values) / len(values) ** 0.5:.3f}"


def split_events(events: Events, by: str, seed: int) -> Split:
    """The split of made-up events that a night would make.

    Args:
        events: Rows of the tables.
        by: As `split.by`.
        seed: Seed of groups and of what is held out within people.
    """
    settings = read_params(REPO / "params.yaml").split
    changes = {"by": by, "seed": seed, "min_history": 2, "test_days": 5, "test_sources": ("test",)}
    log = opinion_log(events.rows, events.dishes, events.menus, SCALE)
    return divide(SplitParams(**(settings.model_dump() | changes)), log)


def measure(events: Events, by: str, seed: int) -> Iterator[tuple[str, float]]:
    """Names of rules and probes, and their pair accuracy."""
    split, draw = split_events(events, by, seed), np.random.default_rng(seed)
    dishes = {dish: Dish(dish, f"dish {dish}", tags=(f"t{draw.integers(TAGS)}",)) for dish in events.dishes}
    stacked = fit_stacked_rules(dishes, split.train, split.may_know, by_day=by == "time")
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


if __name__ == "__main__":
    main()
