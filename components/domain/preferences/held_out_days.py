"""What a test day is: which days are held out, and which of them are judged together, as one value.

A test day has enough people who can be tested. The ledger judges closed days, ones that are over, pooled
until they have enough people between them. Both go by counts of people alone: what a model says moves
neither, nor how often one person speaks.
"""

from __future__ import annotations

import numpy as np

from components.domain.preferences.arrays import Ints, Moments, changes
from components.domain.preferences.tables import Comparisons

MIN_PEOPLE = 30  # that are enough anywhere, on a test day and in an entry of the ledger
NOBODY_TO_TEST = (
    "nobody can be tested yet: a test needs somebody with split.min_history comparisons before a later day "
    "on which they choose or rate again"
)


def cut_day(comparisons: Comparisons, test_days: int, min_history: int) -> np.datetime64:
    """Finds the local day on which the test begins: the `test_days`-th last one with enough tested people.

    All from it on is held out, days with fewer people too. Where fewer days have enough, as many as there are
    are held out; without any the test begins after the last day.

    Args:
        comparisons: Of all people, each one's in the order of time.
        test_days: Days with enough tested people to hold out.
        min_history: Comparisons before the cut that a tested person has.
    """
    days, day = np.unique(comparisons.day, return_inverse=True)
    starts = np.flatnonzero(changes(comparisons.person))
    enough = starts[np.diff(starts, append=len(day)) >= min_history]
    tested_after = np.full(len(comparisons.log.people), len(days))
    tested_after[comparisons.person[enough]] = day[enough + max(0, min_history - 1)]
    first = day[comparisons.has_history].min(initial=len(days))  # what is trained on lies before the cut
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
    """Half the people of a usual day, at least 1 and at most MIN_PEOPLE.

    A usual day is the median over people of the sizes of their days, so one person moves it by a rank.

    Args:
        person: Of each pair of a person and a day on which they could be tested.
        day: Number of the day.
    """
    sizes = np.bincount(day)[day] if len(day) else np.ones(1)
    order = np.argsort(sizes)
    weight = np.cumsum((1 / np.bincount(person)[person])[order]) if len(day) else np.ones(1)
    usual = sizes[order][np.searchsorted(weight, weight[-1] / 2)]
    return int(min(MIN_PEOPLE, -(-usual // 2)))


def entries(person: Ints, day: Moments, after: str = "", today: str = "") -> list[Ints]:
    """Numbers of the comparisons of each entry of a ledger, the oldest first.

    An entry has the closed days in a row that it takes for MIN_PEOPLE people. It ends on a day with half the
    people of its largest at least: a day of which only early rows are there waits for the others.

    Args:
        person: Of each held-out comparison.
        day: Its local day.
        after: Day, ISO 8601, up to which all is judged; empty for none.
        today: Day on which the comparisons were collected and which is not over; empty where all are over.
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
