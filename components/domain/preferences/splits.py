"""How comparisons are divided into training and test: by time, or within each person.

Within a person, some of their opinions are held out and the rest is their history: for data without real
times (a survey, ratings collected at once). Training sees the same question in small: the known opinions are
dealt into groups, and each group is asked about with the other groups as history.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

from components.domain.errors import DataRejected
from components.domain.preferences.comparisons import Offered, menu_verdicts, prefers, rivals
from components.domain.records import Comparison, Opinion, Past

GROUPS = 4  # into which a person's known opinions are dealt, at least
GROUP_SIZE = 12  # opinions at most asked about together: pairs grow with its square


@dataclass(frozen=True)
class Split:
    """Comparisons to train on, and those held out of people who are known well enough."""

    train: tuple[Comparison, ...]
    test: tuple[Comparison, ...]


def split_by_time(comparisons: Sequence[Comparison], test_days: int, min_history: int) -> Split:
    """Holds out the last `test_days` days that have comparisons.

    Args:
        comparisons: Of all people.
        test_days: Days (UTC) held out, counted over days that have any comparison.
        min_history: A person is tested if they have at least this many comparisons before the cut.

    Raises:
        DataRejected: Too few days, or nobody to train or test on.
    """
    days = sorted({each.at.date() for each in comparisons})
    if len(days) <= test_days:
        raise DataRejected(
            f"There are comparisons on {len(days)} days and split.test_days is {test_days}: "
            "collect more days, or hold out fewer."
        )
    cut = datetime.combine(days[-test_days], time(), UTC)
    before: dict[str, int] = {}
    for each in comparisons:
        before[each.person_id] = before.get(each.person_id, 0) + (each.at < cut)
    train = tuple(each for each in comparisons if each.at < cut and each.history)
    test = tuple(each for each in comparisons if each.at >= cut and before[each.person_id] >= min_history)
    if not train or not test:
        raise DataRejected(
            f"Splitting at {cut:%Y-%m-%d} leaves {len(train)} training and {len(test)} test comparisons: "
            "collect more, or lower split.min_history or split.test_days."
        )
    return Split(train, test)


def split_within_person(
    opinions: Iterable[Opinion],
    menus: Mapping[str, Sequence[str]],
    held_out: Callable[[Opinion], bool],
    background: frozenset[str],
    min_history: int,
    max_history: int,
    seed: int,
) -> Split:
    """Holds out some opinions of each person; the rest is that person's history.

    Args:
        opinions: Of all people, in any order.
        menus: Dish ids by menu id.
        held_out: Which opinions are tested.
        background: Sources whose opinions are only ever history (what a person declares, say).
        min_history: A person is tested if at least this many opinions are known of them.
        max_history: Lines of history at most; the latest are kept.
        seed: Of the groups.

    Raises:
        DataRejected: Nobody to train or test on.
    """
    train: list[Comparison] = []
    test: list[Comparison] = []
    for person, own in _by_person(opinions):
        compared = [each for each in own if each.source not in background]
        asked = [each for each in compared if held_out(each)]
        known = [each for each in compared if not held_out(each)]
        offered = rivals(own, menus)
        for group in _groups(known, GROUPS, f"{seed}/{person}"):
            rest = _without(own, [*asked, *group])
            train += [each for each in _ask(group, rest, offered, max_history) if each.history]
        rest = _without(own, asked)
        if len(rest) >= min_history:
            for group in _groups(asked, 1, f"{seed}/{person}"):
                test += _ask(group, rest, offered, max_history)
    if not train or not test:
        raise DataRejected(
            f"Holding out within each person leaves {len(train)} training and {len(test)} test comparisons: "
            "collect more, or lower split.min_history, or hold out another share or other sources."
        )
    return Split(tuple(train), tuple(test))


def seeded_share(opinions: Iterable[Opinion], share: float, seed: int) -> frozenset[Opinion]:
    """A random share of each person's opinions.

    Drawn for each person and dish alone, so that what a later night adds moves nothing: a champion is never
    tested on what it was trained on, and a dish judged twice stands on one side.
    """
    return frozenset(
        each for each in opinions if random.Random(f"{seed}/{each.person_id}/{each.dish_id}").random() < share
    )


def _by_person(opinions: Iterable[Opinion]) -> list[tuple[str, list[Opinion]]]:
    """Each person's opinions in one order, whatever order they came in."""
    found: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        found.setdefault(opinion.person_id, []).append(opinion)
    return [(person, sorted(found[person], key=_order)) for person in sorted(found)]


def _order(opinion: Opinion) -> tuple[datetime, str, str, str]:
    return opinion.at, opinion.source, opinion.menu_id, opinion.dish_id


def _without(own: Sequence[Opinion], some: Iterable[Opinion]) -> list[Opinion]:
    left_out = set(some)
    return [each for each in own if each not in left_out]


def _groups(opinions: Sequence[Opinion], fewest: int, seed: str) -> list[list[Opinion]]:
    """The opinions dealt at random; by source, and then at random, where they come from several."""
    sources = sorted({each.source for each in opinions})
    if len(sources) > 1:
        return [
            group
            for source in sources
            for group in _groups([each for each in opinions if each.source == source], 1, seed)
        ]
    count = max(fewest, -(-len(opinions) // GROUP_SIZE))
    dealt = list(opinions)
    random.Random(seed).shuffle(dealt)
    return [group for group in (dealt[start::count] for start in range(count)) if group]


def _ask(
    group: Sequence[Opinion], known: Sequence[Opinion], offered: Offered, max_history: int
) -> list[Comparison]:
    """Every choice of the group against what it was preferred to; every two stated opinions that differ."""
    history = tuple(Past(each.dish_id, each.verdict, each.rating) for each in known[-max_history:])
    asked = []
    for one in sorted(group, key=_order):
        start = f"{one.person_id}/{one.at.isoformat()}/{one.menu_id or one.source}/{one.dish_id}"
        sets: list[tuple[str, Sequence[str], tuple[int, ...]]] = []
        if one.menu_id:
            menu = offered(one)
            sets = [(start, menu, menu_verdicts(menu, one.dish_id))] if len(menu) > 1 else []
        else:
            for other in group:
                if not other.menu_id and other.dish_id != one.dish_id and prefers(one, other):
                    pair = sorted((one, other), key=lambda each: each.dish_id)
                    dishes, verdicts = [each.dish_id for each in pair], tuple(each.verdict for each in pair)
                    sets.append((f"{start}>{other.dish_id}", dishes, verdicts))
        asked += [
            Comparison(key, one.person_id, one.at, history, tuple(dishes), one.dish_id, verdicts)
            for key, dishes, verdicts in sets
        ]
    return asked
