"""`make benchmark NAME=new-dishes SET=…`: five folds of a set's dishes, each hidden from everybody, pooled.

The folds are equally large. Text factors are those of a night, which choose their reading inside the training
period of each fold. Rivals are the rules of a night, the same closed form on words and on tags, and the
nearness of untuned vectors. Every pair of hidden dishes counts; intervals count people and dishes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.pooled import Measured, measured, minus, pooled
from benchmarks.sample import base, opinions_of, setting_by
from components.domain.params import Params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.dish_split import split_by_dish
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.prompts import Reading
from components.domain.records import Dish
from components.domain.rivals.pairs import pairs_of
from components.domain.rivals.retrieval import nearness
from components.domain.training_params import FactorParams
from components.domain.verdict.table import Contender
from components.stages import contenders, model_contenders
from components.stages.contenders import Setting

_WHAT = """five folds of the dishes, equally large, each hidden from everybody, pooled. Text factors
choose their reading in each fold, inside its training period, as a night does. Intervals count people and
dishes."""
FOLDS, SEED = 5, 0
FACTORS = FactorParams(size=contenders.DEFAULT_SIZE)


def main() -> None:
    """Measures every fold and writes results/new-dishes-SET.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.new_dishes", description=__doc__)
    parser.add_argument("set", nargs="?", default="new-dishes")
    name = parser.parse_args().set
    parts, readings = [], []
    for setting in folds(*opinions_of(name)):
        scores, reading = _of_the_model(setting)
        scores |= {row.name: row.scores for row in _rules(setting)}
        parts.append(measured(setting.test, scores, setting.counts))
        readings.append(reading)
    publish(RESULTS / f"new-dishes-{name}.md", _page(name, pooled(parts), readings))


def folds(params: Params, dishes: dict[str, Dish], log: OpinionLog) -> Iterator[Setting]:
    """Yields the setting of each fold, which hides its share of the dishes from everybody."""
    by_dish = params.split.model_copy(update={"by": "dish"})
    params = params.model_copy(update={"split": by_dish})
    order, background = (
        np.random.default_rng(SEED).permutation(len(log.dishes)),
        frozenset(by_dish.background),
    )
    for number in range(FOLDS):
        hidden = np.zeros(len(log.dishes), bool)
        hidden[order[number::FOLDS]] = True
        split = split_by_dish(log, hidden, background, by_dish.min_history, SEED)
        yield setting_by(params, dishes, split)


def _rules(setting: Setting) -> Iterator[Contender]:
    yield from contenders.simple_rules(setting, contenders.fit_rules(setting).rules)
    yield from contenders.factor_rules(setting, contenders.fit_factor_rules(setting))


def _of_the_model(setting: Setting) -> tuple[dict[str, Floats], str]:
    """Scores the rows that read dishes with the base, and names the reading that was chosen."""
    started = time.perf_counter()
    model, tokens = base(setting)
    pairs = pairs_of(setting.test)
    vectors = model_contenders.dish_embeddings(setting, model, partial(hidden_states, model))
    fitted = give_text_factors(model, tokens, setting.train, setting.may_know, FACTORS, "dish")
    reading = model.head.reading if model.head else Reading()
    print(f"{reading}, {time.perf_counter() - started:.0f} s for all readings", flush=True)
    near = pairs.on_offer(nearness(pairs, vectors, setting.ratings))
    scores = {"nearness of untuned vectors": near, "factors": fitted.scores(setting.test)}
    return scores, f"{reading.template!r}, layer {reading.layer}"


def _page(name: str, result: Measured, readings: Sequence[str]) -> str:
    lines = [
        f"# New dishes: {name}",
        "",
        f"`python -m benchmarks.new_dishes {name}`: {_WHAT}",
        "",
        *rows_of(result, "factors"),
        "",
        "Readings chosen in the folds:",
        "",
        *(f"- {reading}" for reading in readings),
        "",
    ]
    return "\n".join(lines)


def rows_of(result: Measured, best: str) -> Iterator[str]:
    """Yields what was compared, and a table of the rows with their difference from one of them."""
    others = result.of(~result.counts)
    size = result.estimate(result.accuracies[best])
    yield f"{size.comparisons:,} comparisons of {size.people:,} people, {size.others:,} dishes."
    yield ""
    heading = f"row | pair accuracy | {best} minus it"
    rows = sorted(result.accuracies, key=lambda row: -result.interval(row).mean)
    cells = [[row, in_words(result.interval(row)), minus(result, best, row)] for row in rows]
    if others.counts.any():
        heading += " | new against ones that training read"
        cells = [[*each, in_words(others.interval(each[0]))] for each in cells]
    yield from table(heading, cells)


if __name__ == "__main__":
    main()
