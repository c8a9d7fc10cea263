"""Probes: the same questions with something taken from them, to show what a model's score rests on."""

from __future__ import annotations

import numpy as np

from components.domain.preferences.tables import Comparisons


def without_history(comparisons: Comparisons) -> Comparisons:
    """The same comparisons with nothing known of the person: what is left is not personal."""
    return comparisons.with_history_of(comparisons, np.full(len(comparisons), -1))


def with_history_of_another(comparisons: Comparisons, seed: int) -> Comparisons:
    """The same comparisons, each with the history of another person's comparison.

    A probe for leaks and for mere menu effects: a cyclic shift over people, within comparisons of the same
    day so that the swapped history is as old. A person who is alone on their day is dealt with those of the
    next (the last: of the one before). Where there is only one person in all, theirs is left out.
    """
    generator = np.random.default_rng(seed)
    donors = np.full(len(comparisons), -1)
    for people in _people_by_days(comparisons):
        names = sorted(people)
        generator.shuffle(names)
        for name, donor in zip(names, names[1:] + names[:1], strict=True):
            if donor != name:
                donors[people[name]] = people[donor][0]
    return comparisons.with_history_of(comparisons, donors)


def _people_by_days(comparisons: Comparisons) -> list[dict[int, list[int]]]:
    """Comparisons by person, for each day or, where a day has one person only, for a few days with two."""
    groups: list[dict[int, list[int]]] = []
    last_day = None
    for number in np.argsort(comparisons.at, kind="stable").tolist():
        day = comparisons.days[number]
        if day != last_day and (not groups or len(groups[-1]) > 1):
            groups.append({})
        last_day = day
        groups[-1].setdefault(int(comparisons.person[number]), []).append(number)
    if len(groups) > 1 and len(groups[-1]) == 1:
        for person, numbers in groups.pop().items():
            groups[-1].setdefault(person, []).extend(numbers)
    return groups
