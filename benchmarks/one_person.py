"""`make benchmark NAME=one-person SET=…`: one person alone, with few answers and nobody else's opinions.

Each tested person gets a log of their own. Some of their opinions are known, the others are tested. Rows are
the text factors of a night and the rules of a night, fitted on what is known of this person. Intervals count
people.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from torch import Tensor

from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.sample import base, opinions_of
from components.domain.errors import DataRejected
from components.domain.params import Params
from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.splits import split_within_person
from components.domain.preferences.strengths import known_opinions, rating_scale
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens, Reading
from components.domain.records import NEUTRAL, Dish
from components.domain.training_params import FactorParams
from components.domain.verdict.metrics import Interval, comparison_metrics, per_person
from components.stages import contenders
from components.stages.contenders import Setting

_WHAT = """each tested person alone: a log of their opinions, some known, the others tested. Intervals count
people."""
PEOPLE, SEED = 150, 0
FACTORS = FactorParams(size=contenders.DEFAULT_SIZE)
Known = Callable[[OpinionLog], Bools]  # selects the lines of one person's log that are known
Scores = dict[str, list[float]]  # pair accuracy of each tested person, by row


@dataclass(frozen=True)
class Case:
    """What is known of a person: the heading of the table's column, and how the lines are selected."""

    heading: str
    known: Known
    likes_alone: bool = False


@dataclass(frozen=True)
class Reader:
    """The base, which reads every dish once in each reading."""

    model: LanguageModel
    tokens: DishTokens
    states: dict[Reading, Tensor] = field(default_factory=dict)

    def __call__(self, lines: Sequence[Sequence[int]], *, reading: Reading) -> Tensor:
        """Looks up or computes the states of the lines, which are the same in every call."""
        if reading not in self.states:
            self.states[reading] = hidden_states(self.model, lines, reading=reading)
        return self.states[reading]


CASES = {
    "food-world-cup": (
        Case("5 likes or dislikes", lambda log: _drawn(log, 5), likes_alone=True),
        Case("10 ratings", lambda log: _drawn(log, 10)),
        Case("20 ratings", lambda log: _drawn(log, 20)),
    ),
    "italian-recipes": (
        Case("10 opinions", lambda log: _drawn(log, 10)),
        Case("20 opinions", lambda log: _drawn(log, 20)),
    ),
    "canteen": (Case("5 days", lambda log: np.isin(log.day, np.unique(log.day)[:5])),),
}


def main() -> None:
    """Measures every case of a set and writes results/one-person-SET.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_person", description=__doc__)
    parser.add_argument("set", nargs="?", default="food-world-cup", choices=CASES)
    name = parser.parse_args().set
    params, dishes, log = opinions_of(name)
    columns = {case.heading: _column(params, dishes, log, case) for case in CASES[name]}
    publish(RESULTS / f"one-person-{name}.md", _page(name, columns))


def _column(params: Params, dishes: dict[str, Dish], log: OpinionLog, case: Case) -> Scores:
    """Computes the pair accuracy of each tested person by row."""
    if case.likes_alone:
        log = replace(log.take(np.flatnonzero(log.verdict != NEUTRAL)))
        log = replace(log, rating=np.full(len(log), np.nan))
    scores: Scores = {}
    reader: Reader | None = None
    for person in np.random.default_rng(SEED).permutation(len(log.people)).tolist():
        if len(scores.get("factors", ())) == PEOPLE:
            break
        setting = _setting(params, dishes, log.take(np.flatnonzero(log.person == person)), case.known)
        if setting:
            reader = reader or Reader(*base(setting))
            for row, accuracy in _rows(setting, reader):
                scores.setdefault(row, []).append(accuracy)
    return scores


def _setting(params: Params, dishes: dict[str, Dish], log: OpinionLog, known: Known) -> Setting | None:
    """Builds the setting of one person; None where too little is known or tested."""
    if not len(log):
        return None
    try:
        split = split_within_person(log, ~known(log), frozenset(), 1, SEED)
    except DataRejected:
        return None
    ratings = rating_scale(known_opinions(split.train.log, split.may_know))
    return contenders.setting_of(params, split, dishes, ratings)


def _rows(setting: Setting, reader: Reader) -> Iterator[tuple[str, float]]:
    """Yields each row with the person's pair accuracy."""
    train, test, may_know = setting.train, setting.test, setting.may_know
    accuracy = partial(_accuracy, setting)
    fitted = give_text_factors(reader.model, reader.tokens, train, may_know, FACTORS, "day", reader)
    yield "factors", accuracy(fitted.scores(test))
    for row in contenders.simple_rules(setting, contenders.fit_rules(setting).rules):
        yield row.name, accuracy(row.scores)
    for row in contenders.factor_rules(setting, contenders.fit_factor_rules(setting)):
        yield row.name, accuracy(row.scores)


def _accuracy(setting: Setting, scores: Floats) -> float:
    (person,) = per_person(comparison_metrics(scores, setting.test), setting.test).values()
    return float(person[0])


def _drawn(log: OpinionLog, count: int) -> Bools:
    """Selects so many opinions at random."""
    known = np.zeros(len(log), bool)
    known[np.random.default_rng(SEED).permutation(len(log))[:count]] = True
    return known


def _interval(values: Sequence[float]) -> Interval:
    margin = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5
    return Interval.around(float(np.mean(values)), margin, 0.0)


def _page(name: str, columns: dict[str, Scores]) -> str:
    first = next(iter(columns.values()))
    rows = [row for row in first if all(len(each.get(row, ())) > 1 for each in columns.values())]
    rows.sort(key=lambda row: -float(np.mean([np.mean(each[row]) for each in columns.values()])))
    people = ", ".join(f"{len(each['factors'])} with {heading}" for heading, each in columns.items())
    lines = [
        f"# One person: {name}",
        "",
        f"`python -m benchmarks.one_person {name}`: {_WHAT}",
        "",
        f"People: {people}.",
        "",
        *table(
            " | ".join(["row", *columns]),
            ([row, *(in_words(_interval(each[row])) for each in columns.values())] for row in rows),
        ),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
