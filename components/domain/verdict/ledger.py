"""The ledger of a recipe: each day's differences, judged once, before that day is trained on.

A recipe is how a candidate is trained. Its weights change every night; what is judged is whether training in
this way gives better models than the rivals. A changed recipe or another champion opens a new ledger.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter

from components.domain.preferences.arrays import Floats
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.metrics import per_person
from components.domain.verdict.sequence import DailyDifferences


@dataclass(frozen=True)
class JudgedDay:
    """One day of held-out comparisons.

    Attributes:
        day: Local day, ISO 8601.
        people: Number of people with comparisons.
        differences: By rival the mean over people of the candidate's pair accuracy minus the rival's.
    """

    day: str
    people: int
    differences: Mapping[str, float]


@dataclass(frozen=True)
class Ledger:
    """What one recipe showed beside one champion.

    Attributes:
        recipe: Hash of all that the candidate's training depends on; see `recipe_hash`.
        champion: Version number of the champion; empty where there was none.
        after: Last day that the recipe was judged on beside an earlier champion; no day counts twice.
        looks: Number of versions of the data on which it was judged.
        days: The oldest first.
    """

    recipe: str
    champion: str
    after: str = ""
    looks: int = 0
    days: tuple[JudgedDay, ...] = ()

    @property
    def last(self) -> str:
        """The last day that the recipe was judged on; empty where there was none."""
        return self.days[-1].day if self.days else self.after

    def next(self, days: Sequence[JudgedDay]) -> Self:
        """The ledger after one more look; of the days only those count that are later than all it has."""
        new = (day for day in days if day.day > self.last)
        return replace(self, looks=self.looks + 1, days=(*self.days, *new))

    def differences(self, rival: str) -> DailyDifferences:
        """The days on which the rival was measured."""
        days = [day for day in self.days if rival in day.differences]
        return DailyDifferences(
            tuple(day.differences[rival] for day in days), max((day.people for day in days), default=0)
        )


def opened(before: Mapping[str, Ledger], name: str, recipe: str, champion: str) -> Ledger:
    """The candidate's ledger to go on with; an empty one if its recipe or the champion is another."""
    ledger = before.get(name)
    if ledger is None or ledger.recipe != recipe:
        return Ledger(recipe, champion)
    return ledger if ledger.champion == champion else Ledger(recipe, champion, ledger.last)


def judged_days(differences: Mapping[str, Floats], test: Comparisons) -> list[JudgedDay]:
    """Means by day, the oldest first.

    Args:
        differences: By rival (Q,) the candidate's pair accuracy minus the rival's; NaN where not both scored.
        test: The comparisons.
    """
    result = []
    for day in np.unique(test.day):
        on_day = np.flatnonzero(test.day == day)
        comparisons = test.take(on_day)
        people = {name: per_person(values[on_day, None], comparisons) for name, values in differences.items()}
        means = {name: float(np.mean(list(values.values()))) for name, values in people.items() if values}
        result.append(JudgedDay(str(day), len(np.unique(comparisons.person)), means))
    return result


def recipe_hash(settings: Mapping[str, Any]) -> str:
    """Sixteen hex digits that change with any of the settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def to_json(ledgers: Mapping[str, Ledger], split_sha256: str) -> dict[str, Any]:
    """The content of ledger.json.

    Args:
        ledgers: By candidate.
        split_sha256: Checksum of the comparisons that were judged last.
    """
    return {"split_sha256": split_sha256, "ledgers": {name: asdict(each) for name, each in ledgers.items()}}


def from_json(values: Mapping[str, Any]) -> dict[str, Ledger]:
    """The ledgers of ledger.json by candidate."""
    return _ADAPTER.validate_python(values.get("ledgers", {}))


_ADAPTER = TypeAdapter(dict[str, Ledger])
