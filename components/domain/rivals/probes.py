"""Probes: the same questions without the person's own history, to show what a model's score rests on."""

from __future__ import annotations

import numpy as np

from components.domain.preferences.tables import Comparisons


def without_history(comparisons: Comparisons) -> Comparisons:
    """Empties the history of each comparison, so that a model knows nothing about the person."""
    return comparisons.with_history_of(comparisons, np.full(len(comparisons), -1))


def with_history_of_another(comparisons: Comparisons, seed: int) -> Comparisons:
    """Swaps the history of each comparison for that of another person's comparison.

    A model that does as well with these histories profits from a leak or from the menu alone. Histories move
    in a circle among the people of one day, so that the swapped history is as old. A day with a single person
    is joined with the next day, the last such day with the day before. If there is only one person
    altogether, their comparisons get an empty history.

    Args:
        seed: Seed of the order in which histories move.
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
    """Groups comparisons by day and person; days with a single person are joined until there are two."""
    groups: list[dict[int, list[int]]] = []
    last_day = None
    for number in np.argsort(comparisons.at, kind="stable").tolist():
        day = comparisons.day[number]
        if day != last_day and (not groups or len(groups[-1]) > 1):
            groups.append({})
        last_day = day
        groups[-1].setdefault(int(comparisons.person[number]), []).append(number)
    if len(groups) > 1 and len(groups[-1]) == 1:
        for person, numbers in groups.pop().items():
            groups[-1].setdefault(person, []).extend(numbers)
    return groups
