"""`make benchmark NAME=allergens`: is a dish offered to a person with an allergy that its labels name?

The labels in tests/data/allergens were written apart from the dictionary, from other sources. For each group:
how many of the dishes that contain it, or may contain it, are offered (0 wanted), and how many of the dishes
that are safe by the labels (most wanted), with exact bounds. Then made-up people on made-up menus of these
dishes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from scipy import stats

from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.diet.dictionary import ALLERGENS

LABELS = REPO / "tests" / "data" / "allergens"
FIVE = ("en", "de", "fr", "it", "es")
KINDS = {"line": "recipe lines ({})", "statement": "statements of labels ({})", "plain": "plain lists ({})"}
PEOPLE, MENU, MOST_ALLERGIES = 10_000, 12, 3


@dataclass(frozen=True)
class Labelled:
    """A labelled dish: as the diet reads it, with the groups that its labels name."""

    dish: DishFacts
    contains: frozenset[str]
    may_contain: frozenset[str]
    language: str = ""


def labelled_dishes() -> list[Labelled]:
    """Reads all dishes with their labels. They declare nothing: only names and ingredients count."""
    lines = (LABELS / "dishes.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Labelled(
            DishFacts(row["id"], row["name"], ingredients=tuple(row["ingredients"])),
            frozenset(row["contains"]),
            frozenset(row["may_contain"]),
            row["language"],
        )
        for row in rows
    ]


def recipes() -> dict[tuple[str, str], list[Labelled]]:
    """Reads recipe lines, statements of labels and plain lists of four more languages, by kind and half."""
    result: dict[tuple[str, str], list[Labelled]] = {}
    for line in (LABELS / "recipes.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        kind = KINDS[row["kind"]].format(
            "en, de, fr, it, es" if row["language"] in FIVE else "nl, pt, pl, tr"
        )
        dish = DishFacts(row["id"], row["name"], ingredients=tuple(row["ingredients"]))
        groups = frozenset(row["contains"]), frozenset(row["may_contain"])
        labelled = Labelled(dish, *groups, row["language"])
        result.setdefault((kind, row["half"]), []).append(labelled)
    return result


def summed(dishes: Sequence[Labelled]) -> dict[str, tuple[int, int]]:
    """Sums `counts` over all groups."""
    of_groups = [counts(dishes, group) for group in ALLERGENS]
    return {
        label: (sum(each[label][0] for each in of_groups), sum(each[label][1] for each in of_groups))
        for label in of_groups[0]
    }


def counts(dishes: Sequence[Labelled], group: str) -> dict[str, tuple[int, int]]:
    """Counts the offered dishes and all dishes, by what their labels say of a group."""
    restrictions = read_restrictions("", [group], [])
    offered = {dish.dish_id for dish in permitted([each.dish for each in dishes], restrictions)[0]}
    result = {"contains": (0, 0), "may contain": (0, 0), "safe": (0, 0)}
    for labelled in dishes:
        label = "contains" if group in labelled.contains else "safe"
        label = "may contain" if group in labelled.may_contain else label
        some, all_ = result[label]
        result[label] = some + (labelled.dish.dish_id in offered), all_ + 1
    return result


@dataclass
class Offers:
    """What made-up people were offered.

    Attributes:
        offered: Number of dishes that were offered.
        unsafe: Ids of those that their labels call unsafe for the person, once for each offer.
    """

    offered: int = 0
    unsafe: list[str] = field(default_factory=list)


def offers(dishes: Sequence[Labelled], seed: int = 0) -> Offers:
    """Offers made-up menus to made-up people with one to three allergies."""
    draw, result = random.Random(seed), Offers()
    for _ in range(PEOPLE):
        groups = draw.sample(ALLERGENS, draw.randint(1, MOST_ALLERGIES))
        menu = draw.sample(dishes, MENU)
        restrictions = read_restrictions("", groups, [])
        offered = permitted([labelled.dish for labelled in menu], restrictions)[0]
        ids = {dish.dish_id for dish in offered}
        unsafe = [each.dish.dish_id for each in menu if (each.contains | each.may_contain) & set(groups)]
        result.offered += len(ids)
        result.unsafe += [dish for dish in unsafe if dish in ids]
    return result


def main() -> None:
    """Writes results/allergens.md."""
    dishes = labelled_dishes()
    results = {group: counts(dishes, group) for group in ALLERGENS}
    made_up = offers(dishes)
    of_kinds = {" / ".join(key): summed(listed) for key, listed in recipes().items()}
    all_ = [*dishes, *chain.from_iterable(recipes().values())]
    spoken = dict.fromkeys(each.language for each in all_)
    of_languages = {name: summed([each for each in all_ if each.language == name]) for name in spoken}
    kinds = _kinds(summed(dishes), of_kinds)
    page = "\n".join([*_page(len(dishes), results, made_up), *kinds, *_languages(of_languages)])
    publish(RESULTS / "allergens.md", page)


def _page(
    dishes: int, results: Mapping[str, Mapping[str, tuple[int, int]]], made_up: Offers
) -> Iterator[str]:
    yield "# Allergens: what is offered, by the labels"
    yield ""
    yield f"`make benchmark NAME=allergens`: {dishes} dishes with all their ingredients, nothing declared;"
    yield "how many are offered, with exact 95 % bounds of the share (Clopper and Pearson). The labels are in"
    yield "tests/data/allergens."
    yield ""
    rows = [[group, *(_share(*result[label]) for label in result)] for group, result in results.items()]
    yield from table("group | contains: offered | may contain: offered | safe: offered", rows)
    yield ""
    dishes_in_doubt = ", ".join(sorted(set(made_up.unsafe))) or "none"
    yield (
        f"{PEOPLE:,} made-up people with one to three allergies, each with a menu of {MENU}: "
        f"{made_up.offered:,} dishes offered, {len(made_up.unsafe)} of them unsafe by the labels "
        f"({dishes_in_doubt})."
    )
    yield ""


def _kinds(
    plain: Mapping[str, tuple[int, int]], of_kinds: Mapping[str, Mapping[str, tuple[int, int]]]
) -> Iterator[str]:
    yield "Pairs of a dish and a group, all groups together, by how the ingredients are written. Words were"
    yield "added with the half `tuned` in sight; of `held`, `Öl zum Braten` was mended after a look."
    yield "Nobody served these dishes."
    yield ""
    listed = {"plain lists (en, de, fr, it, es) / looked at": plain, **of_kinds}
    rows = [[kind, *(_share(*result[label]) for label in result)] for kind, result in sorted(listed.items())]
    yield from table("written as / half | contains: offered | may contain: offered | safe: offered", rows)
    yield ""


def _languages(of_languages: Mapping[str, Mapping[str, tuple[int, int]]]) -> Iterator[str]:
    yield "By language, all of these dishes together, looked at or not:"
    yield ""
    rows = [[name, *(_share(*result[label]) for label in result)] for name, result in of_languages.items()]
    yield from table("language | contains: offered | may contain: offered | safe: offered", rows)
    yield ""


def _share(some: int, all_: int) -> str:
    if not all_:
        return "0 of 0"
    bounds = stats.binomtest(some, all_).proportion_ci(method="exact")
    return f"{some} of {all_} ({bounds.low:.3f} to {bounds.high:.3f})"


if __name__ == "__main__":
    main()
