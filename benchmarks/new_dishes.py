"""`make benchmark NAME=new-dishes SET=…`: five folds of a set's dishes, each hidden from everybody, pooled.

The folds are equally large. Text factors are those of a night, which choose their reading inside the training
period of each fold. Rivals are the rules of a night, the same closed form on words and on tags, and the
nearness of untuned vectors. Every pair of hidden dishes counts; intervals count people and dishes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import partial
from typing import Any

import numpy as np

from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.sample import base, opinions_of
from components.domain.params import Params
from components.domain.preferences.arrays import Floats
from components.domain.preferences.dish_split import split_by_dish
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.strengths import known_opinions, rating_scale
from components.domain.preferences.tables import Comparisons
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.prompts import Reading
from components.domain.records import Dish
from components.domain.rivals.pairs import pairs_of
from components.domain.rivals.retrieval import nearness
from components.domain.training_params import FactorParams
from components.domain.verdict.clusters import estimate
from components.domain.verdict.metrics import comparison_metrics
from components.domain.verdict.table import Contender
from components.stages import contenders, model_contenders
from components.stages.contenders import Setting

_WHAT = """five folds of the dishes, equally large, each hidden from everybody, pooled. Text factors
choose their reading in each fold, inside its training period, as a night does. Intervals count people and
dishes."""
FOLDS, SEED, CONFIDENCE = 5, 0, 0.95
FACTORS = FactorParams(size=contenders.DEFAULT_SIZE)


def main() -> None:
    """Measures every fold and writes results/new-dishes-SET.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.new_dishes", description=__doc__)
    parser.add_argument("set", nargs="?", default="new-dishes")
    name = parser.parse_args().set
    params, dishes, log = opinions_of(name)
    folds = [_fold(params, dishes, log, number) for number in range(FOLDS)]
    report = _report([setting for setting, _, _ in folds], [scores for _, scores, _ in folds])
    readings = [reading for _, _, reading in folds]
    publish(RESULTS / f"new-dishes-{name}.md", _page(name, report, readings))


def _fold(
    params: Params, dishes: dict[str, Dish], log: OpinionLog, number: int
) -> tuple[Setting, dict[str, Floats], str]:
    """Returns the setting of a fold, scores of its test by row, and the reading that was chosen."""
    order = np.random.default_rng(SEED).permutation(len(log.dishes))
    hidden = np.zeros(len(log.dishes), bool)
    hidden[order[number::FOLDS]] = True
    by_dish = params.split.model_copy(update={"by": "dish"})
    params = params.model_copy(update={"split": by_dish})
    background = frozenset(by_dish.background)
    split = split_by_dish(log, hidden, background, by_dish.min_history, SEED)
    ratings = rating_scale(known_opinions(split.train.log, split.may_know))
    setting = contenders.setting_of(params, split, dishes, ratings)
    scores = {row.name: row.scores for row in _rules(setting)}
    reading = ""
    for label, values, words in _of_the_model(setting):
        scores[label], reading = values, words
    return setting, scores, reading


def _rules(setting: Setting) -> Iterator[Contender]:
    yield from contenders.simple_rules(setting, contenders.fit_rules(setting).rules)
    yield from contenders.factor_rules(setting, contenders.fit_factor_rules(setting))


def _of_the_model(setting: Setting) -> Iterator[tuple[str, Floats, str]]:
    """Yields the rows that read dishes with the base; the last one names the reading that was chosen."""
    started = time.perf_counter()
    model, tokens = base(setting)
    pairs = pairs_of(setting.test)
    vectors = model_contenders.dish_embeddings(setting, model, partial(hidden_states, model))
    yield "nearness of untuned vectors", pairs.on_offer(nearness(pairs, vectors, setting.ratings)), ""
    fitted = give_text_factors(model, tokens, setting.train, setting.may_know, FACTORS, "dish")
    reading = model.head.reading if model.head else Reading()
    print(f"{reading}, {time.perf_counter() - started:.0f} s for all readings", flush=True)
    yield "factors", fitted.scores(setting.test), f"{reading.template!r}, layer {reading.layer}"


def _report(settings: Sequence[Setting], scores: Sequence[dict[str, Floats]]) -> dict[str, Any]:
    """Pools the folds: pair accuracy of each row on new dishes, its distance, and on new against others."""
    test = _joined([setting.test for setting in settings])
    counts = np.concatenate([setting.counts for setting in settings])
    rows: dict[str, Any] = {}
    names = [name for name in scores[0] if all(name in fold for fold in scores)]
    pooled = {name: np.concatenate([fold[name] for fold in scores]) for name in names}
    values = {name: comparison_metrics(each, test)[:, 0] for name, each in pooled.items()}
    for name, measured in values.items():
        new, mixed = (np.where(part, measured, np.nan) for part in (counts, ~counts))
        gap = np.where(counts, values["factors"] - measured, np.nan)
        rows[name] = {
            "new": estimate(new, test, "dishes").interval(CONFIDENCE, lowest=0.0),
            "mixed": estimate(mixed, test, "dishes").interval(CONFIDENCE, lowest=0.0),
            "gap": estimate(gap, test, "dishes").interval(CONFIDENCE) if name != "factors" else None,
        }
    size = estimate(np.where(counts, values["factors"], np.nan), test, "dishes")
    return {"rows": rows, "people": size.people, "dishes": size.others, "comparisons": size.comparisons}


def _joined(tests: Sequence[Comparisons]) -> Comparisons:
    """Joins tests whose people and dishes have the same numbers."""
    columns = [column.name for column in fields(Comparisons) if column.name != "log"]
    joined = {name: np.concatenate([getattr(test, name) for test in tests]) for name in columns}
    return Comparisons(log=tests[0].log, **joined)


def _page(name: str, report: dict[str, Any], readings: Sequence[str]) -> str:
    rows = sorted(report["rows"].items(), key=lambda item: -item[1]["new"].mean)
    lines = [
        f"# New dishes: {name}",
        "",
        f"`python -m benchmarks.new_dishes {name}`: {_WHAT}",
        "",
        f"{report['comparisons']:,} comparisons of {report['people']:,} people, {report['dishes']} dishes.",
        "",
        *table(
            "row | new against new | factors minus it | new against ones that training read",
            (
                [
                    label,
                    in_words(row["new"]),
                    in_words(row["gap"], "+") if row["gap"] else "",
                    in_words(row["mixed"]),
                ]
                for label, row in rows
            ),
        ),
        "",
        "Readings chosen in the folds:",
        "",
        *(f"- {reading}" for reading in readings),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
