"""What a promotion would change: whose first dishes, and which dishes people would see more or less of.

Shapes: Q comparisons, O dishes on offer in the test, P pairs of a person and a dish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.tables import Comparisons
from components.domain.records import Dish

FIRST_DISHES, MOST_DISHES, EXAMPLES, SEED = 3, 3, 5, 0


@dataclass(frozen=True)
class FirstDishes:
    """For how many people the dishes that they would see first change.

    Attributes:
        people: Number of tested people who were offered two dishes or more.
        first: Share of them whose first dish changes.
        first_three: Share whose first three dishes change, of people with more than three; None without any.
    """

    people: int
    first: float
    first_three: float | None

    def __str__(self) -> str:
        three = "" if self.first_three is None else f", the first three of {self.first_three:.0%}"
        return f"the first dish of {self.first:.0%} of {self.people:,} people{three}"


@dataclass(frozen=True)
class Example:
    """The first three dishes of a person who is not named, by name, before and after."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True)
class PromotionChanges:
    """How the dishes that people would see first differ between the best candidate and what it would replace.

    Attributes:
        rival: Name of what it would replace: the champion, or the strongest rule.
        everybody: The change on the whole test.
        slices: The change on each part of the test that has such people.
        dishes: Names of the dishes that gain most and lose most, and how many people more see them among
            their first three.
        examples: Some people, drawn at random.
    """

    rival: str
    everybody: FirstDishes
    slices: Mapping[str, FirstDishes]
    dishes: tuple[tuple[str, int], ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, eq=False)
class _Rankings:
    """Two rankings of each person's dishes.

    Attributes:
        person: (P,) ascending.
        dish: (P,) position in the log's dishes.
        before: (P,) place of the dish in the person's ranking, 0 for the best; likewise `after`.
    """

    person: Ints
    dish: Ints
    before: Ints
    after: Ints

    def change(self) -> FirstDishes | None:
        """Counts the people whose first dishes change; None where nobody was offered two dishes."""
        sizes = np.bincount(self.person)
        if not (sizes > 1).any():
            return None
        was, becomes = self.before < FIRST_DISHES, self.after < FIRST_DISHES
        first = _share(self.person, (self.before == 0) != (self.after == 0), sizes > 1)
        three = _share(self.person, was != becomes, sizes > FIRST_DISHES)
        return FirstDishes(int((sizes > 1).sum()), first or 0.0, three)


def promotion_changes(
    test: Comparisons,
    dishes: Mapping[str, Dish],
    candidate: Floats,
    replaced: Floats,
    rival: str,
    parts: Mapping[str, Bools],
) -> PromotionChanges | None:
    """Compares two rankings of the dishes that each tested person was offered; None where nobody was.

    A person's ranking is that of the dishes' mean scores over the comparisons that both scored.

    Args:
        candidate: (O,) scores of the best candidate; NaN where it scored nothing, as in the next.
        replaced: (O,) scores of what it would replace.
        parts: (Q,) the comparisons of each part of the test.
    """
    everything = _rankings(test, candidate, replaced, np.ones(len(test), bool))
    everybody = everything.change()
    if everybody is None:
        return None
    changes = {part: _rankings(test, candidate, replaced, counts).change() for part, counts in parts.items()}
    names = [dishes[each].name for each in test.log.dishes]
    was, becomes = (
        np.bincount(everything.dish[places < FIRST_DISHES], minlength=len(names))
        for places in (everything.before, everything.after)
    )
    gains = becomes - was
    return PromotionChanges(
        rival=rival,
        everybody=everybody,
        slices={part: change for part, change in changes.items() if change},
        dishes=tuple((names[each], int(gains[each])) for each in _extremes(gains)),
        examples=tuple(_examples(everything, names)),
    )


def as_markdown(changes: PromotionChanges) -> list[str]:
    """Writes the lines of a section on the changes."""
    gains = ", ".join(f"{_plain(name)} ({count:+,} people)" for name, count in changes.dishes)
    parts = [
        f"| {_plain(part)} | {each.people:,} | {each.first:.0%} | {_percent(each.first_three)} |"
        for part, each in changes.slices.items()
    ]
    people = [
        f"| {number} | {' · '.join(map(_plain, each.before))} | {' · '.join(map(_plain, each.after))} |"
        for number, each in enumerate(changes.examples, 1)
    ]
    return [
        "",
        f"**A promotion would change**, against {changes.rival}: {changes.everybody}.",
        *(["", f"Among people's first three dishes: {gains}."] if gains else []),
        *(
            ["", "| part of the test | people | first dish | first three |", "|---" * 4 + "|"]
            if parts
            else []
        ),
        *parts,
        *(
            ["", f"| people drawn at random | {changes.rival} | the candidate |", "|---" * 3 + "|"]
            if people
            else []
        ),
        *people,
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _rankings(test: Comparisons, candidate: Floats, replaced: Floats, counts: Bools) -> _Rankings:
    """Ranks each person's dishes by both scores, on the comparisons that count, (Q,)."""
    both = ~np.isnan(candidate) & ~np.isnan(replaced) & counts[test.owner]
    width = len(test.log.dishes)
    pairs = test.person[test.owner][both] * width + test.offered[both]
    pairs, pair_of = np.unique(pairs, return_inverse=True)
    person, dish = np.divmod(pairs, width)
    of_pair = np.bincount(pair_of, minlength=len(person))
    before, after = (
        _places(person, np.bincount(pair_of, scores[both], minlength=len(person)) / of_pair)
        for scores in (replaced, candidate)
    )
    return _Rankings(person, dish, before, after)


def _examples(rankings: _Rankings, names: Sequence[str]) -> Iterator[Example]:
    """Draws people with two dishes or more."""
    some = np.flatnonzero(np.bincount(rankings.person) > 1)
    for person in np.random.default_rng(SEED).permutation(some)[:EXAMPLES]:
        own = rankings.person == person
        before, after = (
            _first(own, places, rankings.dish, names) for places in (rankings.before, rankings.after)
        )
        yield Example(before, after)


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
