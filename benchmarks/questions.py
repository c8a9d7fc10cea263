"""`make benchmark NAME=questions SET=…`: are questions that are chosen to teach most better than random ones?

Text factors are fitted on the others' opinions. Each tested person answers questions about some of
their dishes by a like or a dislike, and the posterior ranks a third of their dishes, which nobody asks about.
Sets of choices alone have no dislikes to answer with. Intervals count people and dishes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import cast

import numpy as np

from benchmarks.pages import RESULTS, in_words, publish, table
from benchmarks.pooled import Measured, minus, pooled
from benchmarks.sample import base, opinions_of, setting_by
from components.domain.params import Params
from components.domain.preferences.arrays import Floats, Ints
from components.domain.preferences.opinion_log import OpinionLog
from components.domain.preferences.splits import split_within_person
from components.domain.ranker.closed_form import give_text_factors
from components.domain.ranker.encoding import hidden_states
from components.domain.ranker.left_out_pairs import PersonOpinions
from components.domain.ranker.next_questions import most_telling
from components.domain.ranker.text_factors import TextFactors
from components.domain.records import Dish
from components.domain.training_params import FactorParams
from components.domain.verdict.metrics import comparison_metrics
from components.stages import contenders

PEOPLE, SEED, DRAWS = 200, 0, 20  # tested people; draws of random questions for each
COUNTS = (3, 5, 10)
SETS = ("food-world-cup", "italian-recipes")


def main() -> None:
    """Measures a set and writes results/questions-SET.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.questions", description=__doc__)
    parser.add_argument("set", nargs="?", default=SETS[0], choices=SETS)
    name = parser.parse_args().set
    params, dishes, log = opinions_of(name)
    tested = _tested_people(log)
    # The model is fitted on two thirds of the people or more.
    parts = np.array_split(tested, 1 + 3 * len(tested) // len(log.people))
    results = [_measured(*_fitted(params, dishes, log, part), log, part.tolist()) for part in parts]
    publish(RESULTS / f"questions-{name}.md", _page(name, pooled(results)))


def _fitted(
    params: Params, dishes: dict[str, Dish], log: OpinionLog, tested: Ints
) -> tuple[TextFactors, Floats]:
    """Fits text factors on the opinions of the others; returns the head and the dishes' vectors."""
    first = np.zeros(len(log), bool)
    first[np.unique(log.person, return_index=True)[1]] = True  # a split needs one known opinion of each
    split = split_within_person(log, np.isin(log.person, tested) & ~first, frozenset(), 1, SEED)
    setting = setting_by(params, dishes, split)
    model, tokens = base(setting)
    give_text_factors(
        model, tokens, split.train, split.may_know, FactorParams(size=contenders.DEFAULT_SIZE), "day",
        lambda lines, *, reading: hidden_states(model, lines, reading=reading),
    )  # fmt: skip
    head = cast(TextFactors, model.head)
    lines = [tokens.alone(dish, head.reading.template) for dish in log.dishes]
    states = hidden_states(model, lines, reading=head.reading)
    return head, head.vectors(states, lines).double().cpu().numpy()


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


def _measured(head: TextFactors, vectors: Floats, log: OpinionLog, tested: list[int]) -> Measured:
    """Measures for each number of questions the ranking after chosen ones, and the mean of random draws."""
    parts = [_divided(log, person) for person in tested]
    held = np.isin(np.arange(len(log)), np.concatenate([held for held, _, _ in parts]))
    test = split_within_person(log, held, frozenset(), 1, SEED).test
    place = np.zeros(len(log.people), np.int64)
    place[tested] = np.arange(len(tested))
    rows = place[test.person[test.owner]]

    def accuracy(orders: Sequence[Ints], count: int) -> Floats:
        scores = np.array([_scores(head, vectors, log, order[:count]) for order in orders])
        return comparison_metrics(scores[rows, test.offered], test)[:, 0]

    nothing = _opinions(head, vectors[:0, 1:], np.empty(0))
    chosen = [asked[most_telling(nothing, vectors[log.dish[asked], 1:], COUNTS[-1])] for _, asked, _ in parts]
    draws = [[draw.permutation(asked) for _, asked, draw in parts] for _ in range(DRAWS)]
    accuracies = {}
    for count in COUNTS:
        accuracies[f"chosen {count}"] = accuracy(chosen, count)
        accuracies[f"random {count}"] = np.mean([accuracy(orders, count) for orders in draws], axis=0)
    return Measured(test, accuracies, np.ones(len(test), bool))


def _divided(log: OpinionLog, person: int) -> tuple[Ints, Ints, np.random.Generator]:
    """Divides a person's lines, one a dish: those held out, those to ask about, and who draws of these."""
    at = np.flatnonzero(log.person == person)
    at = at[np.unique(log.dish[at], return_index=True)[1]]
    draw = np.random.default_rng(person)
    at = draw.permutation(at)
    return at[: len(at) // 3], at[len(at) // 3 :], draw


def _opinions(head: TextFactors, factors: Floats, liked: Floats) -> PersonOpinions:
    return head.person_opinions(factors, liked, np.zeros(len(liked), bool))


def _scores(head: TextFactors, vectors: Floats, log: OpinionLog, asked: Ints) -> Floats:
    """Scores all dishes by the posterior after likes and dislikes of the asked ones, (D,)."""
    person = _opinions(head, vectors[log.dish[asked], 1:], log.verdict[asked].astype(float))
    common, personal = head.weights.tolist()
    scores: Floats = vectors @ np.append(common, personal * person.posterior[0])
    return scores


def _page(name: str, result: Measured) -> str:
    rows = []
    for count in COUNTS:
        chosen, at_random = f"chosen {count}", f"random {count}"
        means = [in_words(result.interval(row)) for row in (chosen, at_random)]
        rows.append([str(count), *means, minus(result, chosen, at_random)])
    people = result.estimate(result.accuracies[f"chosen {COUNTS[0]}"]).people
    lines = [
        f"# Questions: {name}",
        "",
        f"`python -m benchmarks.questions {name}`: pair accuracy of {people} people after answers to "
        f"questions that teach most and by random ones. Intervals count people and {result.unit}.",
        "",
        *table("questions | chosen | random | chosen minus random", rows),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
