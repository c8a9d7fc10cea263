"""`make benchmark NAME=one-person SET=…`: one person alone, with few answers and nobody else's opinions.

Each tested person gets a log of their own. Some of their opinions are known, the others are tested. Rows are
the text factors of a night and the rules of a night, fitted on what is known of this person. Intervals count
people, and dishes or menu days.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.pooled import Measured, measured, minus, pooled
from benchmarks.sample import Reader, base, opinions_of, setting_by
from components.domain.errors import DataRejected
from components.domain.params import Params
from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.splits import split_within_person
from components.domain.ranker.closed_form import give_text_factors
from components.domain.records import NEUTRAL, Dish
from components.domain.training_params import FactorParams
from components.stages import contenders
from components.stages.contenders import Setting

_WHAT = """each tested person alone: a log of their opinions, some known, the others
tested. Intervals count people, and dishes or menu days."""
PEOPLE, SEED = 150, 0
FACTORS = FactorParams(size=contenders.DEFAULT_SIZE)
Known = Callable[[OpinionLog], Bools]  # selects the lines of one person's log that are known


@dataclass(frozen=True)
class Case:
    """What is known of a person: the heading of the table's column, and how the lines are selected."""

    heading: str
    known: Known
    likes_alone: bool = False


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


def _column(params: Params, dishes: dict[str, Dish], log: OpinionLog, case: Case) -> Measured:
    """Measures the rows on each tested person, and pools the people."""
    if case.likes_alone:
        log = replace(log.take(np.flatnonzero(log.verdict != NEUTRAL)))
        log = replace(log, rating=np.full(len(log), np.nan))
    people: list[Measured] = []
    reader: Reader | None = None
    for person in np.random.default_rng(SEED).permutation(len(log.people)).tolist():
        if len(people) == PEOPLE:
            break
        setting = _setting(params, dishes, log.take(np.flatnonzero(log.person == person)), case.known)
        if setting:
            reader = reader or Reader(*base(setting))
            people.append(measured(setting.test, dict(_rows(setting, reader))))
    return pooled(people)


def _setting(params: Params, dishes: dict[str, Dish], log: OpinionLog, known: Known) -> Setting | None:
    """Builds the setting of one person; None where too little is known or tested."""
    if not len(log):
        return None
    try:
        split = split_within_person(log, ~known(log), frozenset(), 1, SEED)
    except DataRejected:
        return None
    return setting_by(params, dishes, split)


def _rows(setting: Setting, reader: Reader) -> Iterator[tuple[str, Floats]]:
    """Yields each row with the scores of the tested dishes."""
    train, may_know = setting.train, setting.may_know
    fitted = give_text_factors(reader.model, reader.tokens, train, may_know, FACTORS, "day", reader)
    yield "factors", fitted.scores(setting.test)
    for row in contenders.simple_rules(setting, contenders.fit_rules(setting).rules):
        yield row.name, row.scores
    for row in contenders.factor_rules(setting, contenders.fit_factor_rules(setting)):
        yield row.name, row.scores


def _drawn(log: OpinionLog, count: int) -> Bools:
    """Selects so many opinions at random."""
    known = np.zeros(len(log), bool)
    known[np.random.default_rng(SEED).permutation(len(log))[:count]] = True
    return known


def _page(name: str, columns: dict[str, Measured]) -> str:
    results = list(columns.values())
    rows = [row for row in results[0].accuracies if all(row in each.accuracies for each in results)]
    rows.sort(key=lambda row: -sum(each.interval(row).mean for each in results))
    people = [
        f"{each.estimate(each.accuracies['factors']).people} with {heading}"
        for heading, each in columns.items()
    ]
    lines = [
        f"# One person: {name}",
        "",
        f"`python -m benchmarks.one_person {name}`: {_WHAT}",
        "",
        f"People: {', '.join(people)}.",
        "",
        *table(
            " | ".join(["row", *(f"{heading} | factors minus it" for heading in columns)]),
            ([row, *(cell for each in results for cell in _cells(each, row))] for row in rows),
        ),
        "",
    ]
    return "\n".join(lines)


def _cells(result: Measured, row: str) -> tuple[str, str]:
    return in_words(result.interval(row)), minus(result, "factors", row)


if __name__ == "__main__":
    main()
