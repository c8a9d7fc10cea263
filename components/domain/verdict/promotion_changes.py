"""What a promotion would change: whose first dishes, and which dishes people would see more or less of.

Shapes: O dishes on offer in the test, P pairs of a person and a dish.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.tables import Comparisons
from components.domain.records import Dish

FIRST_DISHES, MOST_DISHES, EXAMPLES, SEED = 3, 3, 5, 0


@dataclass(frozen=True)
class PromotionChanges:
    """How the dishes that people would see first differ between the best candidate and what it would replace.

    Attributes:
        rival: Name of what it would replace: the champion, or the strongest rule.
        people: Number of tested people who were offered two dishes or more.
        first: Share of them whose first dish changes.
        first_three: Share whose first three dishes change, of people with more than three; None without any.
        dishes: Names of the dishes that gain most and lose most, and how many people more see them among
            their first three.
        examples: Of some people, the names of their first three dishes before and after.
    """

    rival: str
    people: int
    first: float
    first_three: float | None
    dishes: tuple[tuple[str, int], ...]
    examples: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]


def promotion_changes(
    test: Comparisons, dishes: Mapping[str, Dish], candidate: Floats, replaced: Floats, rival: str
) -> PromotionChanges | None:
    """Compares two rankings of the dishes that each tested person was offered; None where nobody was.

    A person's ranking is that of the dishes' mean scores over the comparisons that both scored.

    Args:
        candidate: (O,) scores of the best candidate; NaN where it scored nothing, as in the next.
        replaced: (O,) scores of what it would replace.
    """
    both = ~np.isnan(candidate) & ~np.isnan(replaced)
    names = [dishes[each].name for each in test.log.dishes]
    pairs = test.person[test.owner][both] * len(names) + test.offered[both]
    pairs, pair_of = np.unique(pairs, return_inverse=True)
    person, dish = np.divmod(pairs, len(names))
    counts = np.bincount(pair_of, minlength=len(person))
    before, after = (
        _places(person, np.bincount(pair_of, scores[both], minlength=len(person)) / counts)
        for scores in (replaced, candidate)
    )
    sizes = np.bincount(person)
    if not (sizes > 1).any():
        return None
    was, becomes = before < FIRST_DISHES, after < FIRST_DISHES
    gains = np.bincount(dish[becomes], minlength=len(names)) - np.bincount(dish[was], minlength=len(names))
    first = _share(person, (before == 0) != (after == 0), sizes > 1)
    some = np.random.default_rng(SEED).permutation(np.flatnonzero(sizes > 1))[:EXAMPLES]
    return PromotionChanges(
        rival=rival,
        people=int((sizes > 1).sum()),
        first=first or 0.0,
        first_three=_share(person, was != becomes, sizes > FIRST_DISHES),
        dishes=tuple((names[each], int(gains[each])) for each in _extremes(gains)),
        examples=tuple(
            (_first(person == each, before, dish, names), _first(person == each, after, dish, names))
            for each in some.tolist()
        ),
    )


def as_markdown(changes: PromotionChanges) -> list[str]:
    """Writes the lines of a section on the changes."""
    gains = ", ".join(f"{_plain(name)} ({count:+,} people)" for name, count in changes.dishes)
    rows = [
        f"| {' · '.join(map(_plain, was))} | {' · '.join(map(_plain, then))} |"
        for was, then in changes.examples
    ]
    return [
        "",
        f"**A promotion would change**, against {changes.rival}: {in_words(changes)}.",
        *(["", f"Among people's first three dishes: {gains}."] if gains else []),
        "",
        f"The first three of {len(rows)} people, drawn at random:",
        "",
        f"| {changes.rival} | the candidate |",
        "|---|---|",
        *rows,
    ]


def in_words(changes: PromotionChanges) -> str:
    """Says for which share of people the first dishes change."""
    three = "" if changes.first_three is None else f", the first three of {changes.first_three:.0%}"
    return f"the first dish of {changes.first:.0%} of {changes.people:,} people{three}"


def _places(person: Ints, scores: Floats) -> Ints:
    """Computes the place of each pair's dish in its person's ranking, (P,), 0 for the best.

    Args:
        person: (P,) ascending.
    """
    order = np.lexsort((-scores, person))
    places = np.empty(len(person), np.int64)
    places[order] = np.arange(len(person)) - np.searchsorted(person, person)
    return places


def _share(person: Ints, changed: Bools, counts: Bools) -> float | None:
    """Computes the share of the people who count for whom any pair has changed; None without any."""
    changes = np.bincount(person[changed], minlength=len(counts)) > 0
    return float(changes[counts].mean()) if counts.any() else None


def _extremes(gains: Ints) -> list[int]:
    """Finds the dishes that gain most, best first, and then those that lose most."""
    order = np.argsort(-gains, kind="stable")
    gaining = [int(each) for each in order[:MOST_DISHES] if gains[each] > 0]
    return gaining + [int(each) for each in order[::-1][:MOST_DISHES] if gains[each] < 0]


def _first(of_person: Bools, places: Ints, dish: Ints, names: Sequence[str]) -> tuple[str, ...]:
    own = np.flatnonzero(of_person & (places < FIRST_DISHES))
    return tuple(names[dish[each]] for each in own[np.argsort(places[own])])


def _plain(name: str) -> str:
    """Takes out of a dish's name what Markdown or HTML would read as markup."""
    return re.sub(r"[\\`*_\[\]<>|#!\r\n]", " ", name)
