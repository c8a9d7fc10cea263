"""`make benchmark NAME=questions SET=…`: are questions that are chosen to teach most better than random ones?

Text factors are fitted on the others' opinions. Each tested person answers questions about some of
their dishes by a like or a dislike, and the posterior ranks a third of their dishes, which nobody asks about.
"""

from __future__ import annotations

import argparse
from typing import cast

import numpy as np

from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.sample import base, opinions_of
from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.splits import split_within_person
from components.domain.preferences.strengths import known_opinions, rating_scale
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.left_out_pairs import PersonOpinions
from components.domain.ranker.next_questions import most_telling
from components.domain.ranker.text_factors import TextFactors
from components.domain.training_params import FactorParams
from components.domain.verdict.metrics import Interval
from components.stages import contenders

PEOPLE, SEED, DRAWS = 200, 0, 20  # tested people; draws of random questions for each
COUNTS = (3, 5, 10)


def main() -> None:
    """Measures a set and writes results/questions-SET.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.questions", description=__doc__)
    parser.add_argument("set", nargs="?", default="food-world-cup")
    name = parser.parse_args().set
    params, dishes, log = opinions_of(name)
    tested = _tested_people(log)
    first = np.zeros(len(log), bool)
    first[np.unique(log.person, return_index=True)[1]] = True  # a split needs one known opinion of each
    split = split_within_person(log, np.isin(log.person, tested) & ~first, frozenset(), 1, SEED)
    setting = contenders.setting_of(
        params, split, dishes, rating_scale(known_opinions(split.train.log, split.may_know))
    )
    model, tokens = base(setting)
    give_text_factors(
        model, tokens, split.train, split.may_know, FactorParams(size=contenders.DEFAULT_SIZE), "day",
        lambda lines, *, reading: hidden_states(model, lines, reading=reading),
    )  # fmt: skip
    head = cast(TextFactors, model.head)
    lines = [tokens.alone(dish, head.reading.template) for dish in log.dishes]
    vectors = head.vectors(hidden_states(model, lines, reading=head.reading), lines).double().cpu().numpy()
    gains = [_gains(head, vectors, log, person) for person in tested]
    publish(RESULTS / f"questions-{name}.md", _page(name, gains))


def _tested_people(log: OpinionLog) -> list[int]:
    """Draws people with liked and disliked dishes, and enough of them for each number of questions."""
    enough = [
        person
        for person in range(len(log.people))
        for dishes in [np.unique(log.dish[log.person == person])]
        if len(dishes) * 2 // 3 >= 2 * COUNTS[-1] and len(np.unique(log.verdict[log.person == person])) > 1
    ]
    draw = np.random.default_rng(SEED).permutation(enough)
    return sorted(draw[:PEOPLE].tolist())


def _gains(head: TextFactors, vectors: Floats, log: OpinionLog, person: int) -> Floats:
    """Computes for each number of questions the pair accuracy after chosen, and after random ones, (K, 2)."""
    at = np.flatnonzero(log.person == person)
    at = at[np.unique(log.dish[at], return_index=True)[1]]
    draw = np.random.default_rng(person)
    at = draw.permutation(at)
    held, asked = at[: len(at) // 3], at[len(at) // 3 :]
    nothing = _opinions(head, vectors[:0, 1:], np.empty(0))
    telling = asked[most_telling(nothing, vectors[log.dish[asked], 1:], COUNTS[-1])]
    randoms = [draw.permutation(asked) for _ in range(DRAWS)]
    return np.array(
        [
            [np.mean([_accuracy(head, vectors, log, order[:count], held) for order in orders])]
            for count in COUNTS
            for orders in ([telling], randoms)
        ]
    ).reshape(len(COUNTS), 2)


def _opinions(head: TextFactors, factors: Floats, liked: Floats) -> PersonOpinions:
    return head.person_opinions(factors, liked, np.zeros(len(liked), bool))


def _accuracy(head: TextFactors, vectors: Floats, log: OpinionLog, asked: Ints, held: Ints) -> float:
    """Ranks the held dishes by the posterior after likes and dislikes of the asked ones."""
    person = _opinions(head, vectors[log.dish[asked], 1:], log.verdict[asked].astype(float))
    common, personal = head.weights.tolist()
    scores = vectors[log.dish[held]] @ np.append(common, personal * person.posterior[0])
    worth = np.where(np.isnan(log.rating[held]), log.verdict[held], log.rating[held])
    better = worth[:, None] > worth
    above = (scores[:, None] > scores) + 0.5 * (scores[:, None] == scores)
    return float(above[better].mean()) if better.any() else np.nan


def _page(name: str, gains: list[Floats]) -> str:
    values = np.array(gains)
    values = values[~np.isnan(values).any(axis=(1, 2))]
    rows = []
    for place, count in enumerate(COUNTS):
        chosen, at_random = values[:, place, 0], values[:, place, 1]
        rows.append(
            [str(count), *(in_words(_interval(each)) for each in (chosen, at_random, chosen - at_random))]
        )
    lines = [
        f"# Questions: {name}",
        "",
        f"`python -m benchmarks.questions {name}`: pair accuracy of {len(values)} people after answers to "
        "questions that teach most and by random ones. Intervals count people.",
        "",
        *table("questions | chosen | random | chosen minus random", rows),
        "",
    ]
    return "\n".join(lines)


def _interval(values: Floats) -> Interval:
    return Interval.around(float(values.mean()), 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5, -1.0)


if __name__ == "__main__":
    main()
