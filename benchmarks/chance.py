"""`make benchmark NAME=chance`: on random data every rule and probe must stand at one half.

Each made-up shape of `benchmarks.shapes` is split as a night would, with as many seeds as bring the standard
errors below ERROR; writes results/chance.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from benchmarks.shapes import RANDOM, Events
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

FEWEST, MOST, ERROR = 20, 240, 0.004  # seeds of a shape, and the standard error to reach
SCALE = Scale(like_at=4, dislike_at=2, timezone="America/New_York")
WITHIN = ("ratings", "dishes rated again", "a standing card")
TAGS = 3


def main() -> None:
    """Measures every shape and writes the page."""
    lines = [
        "# Chance",
        "",
        f"`make benchmark NAME=chance`: pair accuracy per person on random data, mean over {FEWEST} to",
        f"{MOST} seeds, as many as bring the standard error to {ERROR}. Everything must stand at 0.500.",
        "",
    ]
    shapes = [(name, "time") for name in RANDOM]
    shapes += [(name, by) for by in ("within_person", "dish") for name in WITHIN]
    for name, by in [*shapes, ("ratings", "source")]:
        accuracies = _accuracies(name, by)
        seeds = len(accuracies["popularity"])
        if len(lines) == 5:
            lines += table(f"shape | split | seeds | {' | '.join(accuracies)}", [])
        lines += table("", [[name, by, str(seeds), *map(_cell, accuracies.values())]])[2:]
        print(lines[-1], flush=True)
    publish(RESULTS / "chance.md", "\n".join([*lines, ""]))


def _accuracies(name: str, by: str) -> dict[str, list[float]]:
    """By rule the accuracy of each seed."""
    accuracies: dict[str, list[float]] = {}
    for seed in range(MOST):
        for rule, accuracy in measure(RANDOM[name](seed), by, seed):
            accuracies.setdefault(rule, []).append(accuracy)
        if seed + 1 >= FEWEST and max(map(_error, accuracies.values())) <= ERROR:
            break
    return accuracies


def _error(values: list[float]) -> float:
    """Standard error of the mean."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _cell(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ± {_error(values):.3f}"


def split_events(events: Events, by: str, seed: int) -> Split:
    """The split of made-up events that a night would make.

    Args:
        events: Rows of the tables.
        by: As `split.by`.
        seed: Seed of groups and of what is held out within people.
    """
    log = opinion_log(EventColumns.of(events.rows), events.dishes, events.menus, SCALE)
    return divide(split_params(by, seed), log)


def split_params(by: str, seed: int) -> SplitParams:
    """Section `split` for made-up events."""
    settings = read_params(REPO / "params.yaml").split
    changes = {"by": by, "seed": seed, "min_history": 2, "test_days": 5, "test_sources": ("test",)}
    return SplitParams(**(settings.model_dump() | changes))


def measure(events: Events, by: str, seed: int) -> Iterator[tuple[str, float]]:
    """Names of rules and probes, and their pair accuracy."""
    split = split_events(events, by, seed)
    draw = np.random.default_rng([seed, TAGS])  # another stream than the shapes'
    dishes = {dish: Dish(dish, f"dish {dish}", tags=(f"t{draw.integers(TAGS)}",)) for dish in events.dishes}
    unit = unit_of(split_params(by, seed))
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


if __name__ == "__main__":
    main()
