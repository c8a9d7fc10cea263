"""Test days: which days are held out, and which of them the ledger judges together, as one entry.

A test day has enough people who can be tested. The ledger judges closed days (days that are over), pooled
until they have enough people between them. Both depend on counts of people alone. A model's scores and the
number of times that one person speaks have no influence.
"""

from __future__ import annotations

import numpy as np

from components.domain.preferences.arrays import Ints, Moments, changes
from components.domain.preferences.tables import Comparisons

MIN_PEOPLE = 30  # people that are enough anywhere, on a test day and in an entry of the ledger
NOBODY_TO_TEST = (
    "nobody can be tested yet: a test needs somebody with split.min_history comparisons before a later day "
    "on which they choose or rate again"
)


def cut_day(comparisons: Comparisons, test_days: int, min_history: int) -> np.datetime64:
    """Finds the local day on which the test begins: the `test_days`-th last one with enough tested people.

    Everything from this day on is held out, days with fewer people included. Where fewer than `test_days`
    days have enough people, all of these are held out. Without any such day the test begins after the last
    day.

    Args:
        comparisons: Comparisons of all people, each person's in the order of time.
        test_days: Number of days with enough tested people to hold out.
        min_history: Number of comparisons before the cut that a person needs to be tested.
    """
    days, day = np.unique(comparisons.day, return_inverse=True)
    starts = np.flatnonzero(changes(comparisons.person))
    enough = starts[np.diff(starts, append=len(day)) >= min_history]
    tested_after = np.full(len(comparisons.log.people), len(days))
    tested_after[comparisons.person[enough]] = day[enough + max(0, min_history - 1)]
    first = day[comparisons.has_history].min(initial=len(days))  # training needs a comparison before the cut
    pairs = np.unique(comparisons.person * len(days) + day)
    person, day_of_pair = pairs // max(1, len(days)), pairs % max(1, len(days))
    after = np.maximum(tested_after[person], first)
    needed = enough_people(*(column[after < day_of_pair] for column in (person, day_of_pair)))
    best, result = 0, days[-1] + 1 if len(days) else np.datetime64(0, "D")
    for cut in range(len(days) - 1, first, -1):
        tested = np.bincount(day_of_pair[(day_of_pair >= cut) & (after < cut)])
        if (count := int((tested >= needed).sum())) > best:
            best, result = count, days[cut]
        if best >= test_days:
            break
    return result


def enough_people(person: Ints, day: Ints) -> int:
    """Computes how many people a test day needs: half of a usual day's, at least 1 and at most MIN_PEOPLE.

    A usual day's size is a weighted median over the given pairs of a person and a day on which that person
    could be tested. Each person weighs one, shared among their days, so that a single person hardly moves it.

    Args:
        person: (N,) number of each pair's person.
        day: (N,) number of each pair's day.
    """
    sizes = np.bincount(day)[day] if len(day) else np.ones(1)
    order = np.argsort(sizes)
    weight = np.cumsum((1 / np.bincount(person)[person])[order]) if len(day) else np.ones(1)
    usual = sizes[order][np.searchsorted(weight, weight[-1] / 2)]
    return int(min(MIN_PEOPLE, -(-usual // 2)))


def entries(person: Ints, day: Moments, after: str = "", today: str = "") -> list[Ints]:
    """Groups held-out comparisons into the entries of a ledger, the oldest first.

    An entry pools consecutive closed days until they have MIN_PEOPLE people between them. Its last day has at
    least half the people of its largest day, so that a day with only its early rows waits for the others.

    Args:
        person: (Q,) number of each comparison's person.
        day: (Q,) local day of each comparison.
        after: Day, ISO 8601, up to which everything was judged before; empty if nothing was.
        today: Day on which the comparisons were collected and which is not over; empty if all days are over.

    Returns:
        For each entry the numbers of its comparisons, ascending.
    """
    result, pool, largest = [], list[Ints](), 0
    for date in np.unique(day):
        if str(date) <= after or (today and str(date) >= today):
            continue
        pool.append(np.flatnonzero(day == date))
        size = len(np.unique(person[pool[-1]]))
        largest = max(largest, size)
        together = np.sort(np.concatenate(pool))
        if 2 * size >= largest and len(np.unique(person[together])) >= MIN_PEOPLE:
            result.append(together)
            pool, largest = [], 0
    return result
