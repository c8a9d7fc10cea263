"""`make benchmark NAME=catalogue`: milliseconds to search a whole catalogue for one person.

Dishes, people and vectors are made up (random vectors; a vector's content changes no time), so no model is
loaded and nothing is read. Beside it: one product of the same matrix with a vector in numpy, and its top k.
"""

from __future__ import annotations

import os
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch

from benchmarks.allergens import labelled_dishes
from benchmarks.measuring import seconds
from benchmarks.pages import RESULTS, publish, table
from components.domain.catalogue import Listed
from components.domain.diet import Restrictions, read_restrictions
from components.domain.preferences.arrays import Ints
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.dish_table import DishTable, name_of_text
from components.domain.ranker.dish_vectors import Head, start_head
from components.domain.ranker.heads import AnyHead
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.text_factors import TextFactors
from components.domain.records import LIKED, Dish, Past, Question
from serving.listing import listing_of
from serving.permissions import Permissions
from serving.recommend_schema import RecommendRequest
from serving.recommending import questions_without
from serving.searching import best_of

COUNTS, PEOPLE, LINES, K = (1_000, 10_000, 100_000), 20, 24, 10
WIDTH, FACTORS, SIZE = 576, 64, 16
FIELDS = ("name",)
Spread = dict[str, float]  # least, p50 and p95 in milliseconds
Column = dict[str, Spread]  # by what is measured


@dataclass(frozen=True)
class Person:
    """A made-up person."""

    history: tuple[Past, ...]
    restrictions: Restrictions


def catalogue_of(count: int, draw: random.Random) -> list[Listed]:
    """So many dishes of the ingredients of tests/data/allergens, the most popular first."""
    dishes = [labelled.dish for labelled in labelled_dishes()]
    pool = sorted({ingredient for dish in dishes for ingredient in dish.ingredients})
    made_up = (
        Dish(
            f"d{number}",
            f"{draw.choice(dishes).name} {number}",
            ingredients=tuple(draw.sample(pool, draw.randint(3, 8))),
        )
        for number in range(count)
    )
    return [Listed(dish, None, 1 - number / count) for number, dish in enumerate(made_up)]


def people_of(count: int, draw: random.Random) -> list[Person]:
    """People with histories of the catalogue's dishes and two allergies each."""
    return [
        Person(
            tuple(Past(f"d{draw.randrange(count)}", LIKED, draw.uniform(1, 5)) for _ in range(LINES)),
            read_restrictions("", draw.sample(["milk", "nuts", "egg", "fish", "soy"], 2), []),
        )
        for _ in range(PEOPLE)
    ]


def heads() -> dict[str, AnyHead]:
    """Both kinds of head in their default sizes, of random numbers."""
    torch.manual_seed(7)
    number = torch.tensor
    factors = TextFactors(
        torch.zeros(WIDTH),
        torch.zeros(1 + FACTORS, WIDTH),
        torch.zeros(1 + FACTORS),
        torch.zeros(0, dtype=torch.int64),
        torch.zeros(0, 1 + FACTORS),
        number(1.0),
        number([0.5, 0.5]),
        number([1.0, 1.0]),
        number(1.0),
        number(3.0),
        number(5.0),
    )
    vectors: Head = start_head(torch.randn(100, WIDTH), SIZE, RatingScale(3.0, 5.0, 1.0))
    return {"text factors": factors, "dish vectors": vectors}


def table_of(head: AnyHead, catalogue: Sequence[Listed]) -> DishTable:
    """The catalogue with random vectors."""
    dishes = [listed.dish for listed in catalogue]
    vectors = torch.randn(len(dishes), head.size)
    packed = {name_of_text(dish.name): vector for dish, vector in zip(dishes, vectors, strict=True)}
    device = torch.device("cpu")
    model = LanguageModel(None, None, torch.empty(0), None, lambda _: [], (), device, head)
    result = DishTable(model, head, FIELDS, 400, packed)
    result.show(dishes)
    return result


def search(dishes: DishTable, person: Person, chosen: Ints) -> Ints:
    """History to person, all dishes scored, positions of the best of those that the person may have."""
    scores = dishes.scores(person.history, dishes.dishes)[dishes.rows[chosen]]
    return np.asarray(chosen[best_of(scores, K)])


def measured(run: Callable[[Person], object], people: Sequence[Person]) -> Spread:
    """Milliseconds for a person."""
    run(people[0])
    in_ms = [1000 * seconds(partial(run, person)) for person in people]
    return spread_of(in_ms)


def spread_of(in_ms: Sequence[float]) -> Spread:
    """Least, p50 and p95."""
    return {"least": min(in_ms), "p50": statistics.median(in_ms), "p95": float(np.quantile(in_ms, 0.95))}


def numpy_product(vectors: Any, query: Any, _person: Person) -> Ints:
    """The best rows by one product."""
    scores = vectors @ query
    best = np.argpartition(-scores, K)[:K]
    return np.asarray(best[np.argsort(-scores[best])])


def column(count: int) -> Column:
    """All figures for a catalogue of so many dishes."""
    draw = random.Random(count)  # noqa: S311
    catalogue, people = listing_of(catalogue_of(count, draw)), people_of(count, draw)
    permissions, nothing = Permissions(), Restrictions()
    request = RecommendRequest.model_validate({"person_id": "p", "k": K})

    def may_have(restrictions: Restrictions) -> Ints:
        return permissions.split(catalogue.on_offer(request), catalogue, restrictions)[0]

    first = 1000 * seconds(lambda: may_have(people[0].restrictions))
    result: Column = {
        "what nobody must not have": measured(lambda _: may_have(nothing), people),
        "what a person with two allergies may have": measured(
            lambda person: may_have(person.restrictions), people
        ),
        "the same, of the first person after a night": spread_of([first]),
    }
    for name, head in heads().items():
        dishes = table_of(head, catalogue.dishes)
        result |= {f"{what}, {name}": spread for what, spread in searches(dishes, people, may_have).items()}
        vectors = np.random.default_rng(7).standard_normal((count, head.size), np.float32)
        product = f"numpy: product of {head.size} numbers a dish, top {K}"
        result[product] = measured(partial(numpy_product, vectors, vectors[0]), people)
    return result


def searches(dishes: DishTable, people: Sequence[Person], may_have: Callable[[Restrictions], Ints]) -> Column:
    """Searches of a table for people."""
    everything = np.arange(len(dishes.rows))
    allowed = {person: may_have(person.restrictions) for person in people}
    ids = tuple(islice(dishes.dishes, K))
    return {
        "search": measured(lambda person: search(dishes, person, everything), people),
        "search, two allergies": measured(lambda person: search(dishes, person, allowed[person]), people),
        "reasons": measured(
            lambda person: dishes.answers(
                questions_without(Question("p", person.history, ids)), dishes.dishes
            ),
            people,
        ),
    }


def main() -> None:
    """Measures all sizes and writes results/catalogue.json and .md."""
    results = {f"{count:,}": column(count) for count in COUNTS}
    publish(RESULTS / "catalogue.md", "\n".join(_page(results)), results)


def _page(results: dict[str, Column]) -> Iterator[str]:
    threads, load = torch.get_num_threads(), os.getloadavg()[0]
    yield "# Searching a whole catalogue"
    yield ""
    yield (
        f"`make benchmark NAME=catalogue`: milliseconds for a person with {LINES} past dishes, "
        "least / p50 / p95"
    )
    yield f"of {PEOPLE} made-up people; made-up dishes, random vectors; {threads} threads of PyTorch, as many"
    yield f"as the service has here; the machine's load was {load:.1f} at the end. A search goes from a"
    yield f"history to the {K} best dishes of all that the person may have. Reasons are what `because` costs."
    yield ""
    names = next(iter(results.values()))
    cells = (
        [name, *(" / ".join(f"{value:,.1f}" for value in each[name].values()) for each in results.values())]
        for name in names
    )
    yield from table(" | ".join(["ms", *(f"{count} dishes" for count in results)]), cells)
    yield ""


if __name__ == "__main__":
    main()
