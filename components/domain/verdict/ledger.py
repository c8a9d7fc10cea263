"""The ledger of a recipe: entries of a day or more, each judged once, before any model trains on its days.

A recipe is how a candidate is trained. The weights change every night. The ledger judges whether training in
this way gives better models than the rivals. A changed recipe or another champion opens a new ledger.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from pydantic import TypeAdapter

from components.domain.preferences.arrays import Floats
from components.domain.preferences.held_out_days import entries
from components.domain.preferences.tables import Comparisons
from components.domain.verdict.metrics import per_person
from components.domain.verdict.sequence import DailyDifferences


@dataclass(frozen=True)
class Entry:
    """Consecutive days that were judged together; see `held_out_days.entries`.

    Attributes:
        day: The last of these days, local, ISO 8601.
        people: Number of people with comparisons on these days; each person is counted once.
        differences: By rival, the mean over people of the candidate's pair accuracy minus the rival's.
    """

    day: str
    people: int
    differences: Mapping[str, float]


@dataclass(frozen=True)
class Ledger:
    """The entries of one recipe beside one champion.

    Attributes:
        recipe: Hash of all that the candidate's training depends on; see `recipe_hash`.
        champion: Version number of the champion; empty before the first champion.
        after: Last day that the recipe was judged on beside an earlier champion, so that no day counts twice.
        looks: Number of versions of the data on which the recipe was judged.
        days: The entries, the oldest first; in older files each entry is one day, with any number of people.
    """

    recipe: str
    champion: str
    after: str = ""
    looks: int = 0
    days: tuple[Entry, ...] = ()

    @property
    def last(self) -> str:
        """The last day that the recipe was judged on, beside any champion; empty before the first."""
        return self.days[-1].day if self.days else self.after

    def next(self, differences: Mapping[str, Floats], test: Comparisons, today: str = "") -> Self:
        """Adds one more look to the ledger, with entries for the days after the last day judged.

        Args:
            differences: By rival, (Q,) the candidate's pair accuracy minus the rival's; NaN unless both
                scored.
            today: See `held_out_days.entries`.

        Returns:
            A new ledger; this one stays as it is.
        """
        new = (
            _entry({name: values[numbers] for name, values in differences.items()}, test.take(numbers))
            for numbers in entries(test.person, test.day, self.last, today)
        )
        return replace(self, looks=self.looks + 1, days=(*self.days, *new))

    def differences(self, rival: str) -> DailyDifferences:
        """Collects the entries in which the rival was measured, with their median number of people."""
        days = [day for day in self.days if rival in day.differences]
        people = int(np.median([day.people for day in days])) if days else 0
        return DailyDifferences(tuple(day.differences[rival] for day in days), people, bool(self.after))


def opened(before: Mapping[str, Ledger], name: str, recipe: str, champion: str) -> Ledger:
    """Chooses the ledger that a candidate goes on with; an empty one after a change of recipe or champion.

    Args:
        before: Ledgers of the night before, by candidate.
        recipe: Hash of the candidate's recipe now.
        champion: Version number of the champion now.
    """
    ledger = before.get(name)
    if ledger is None or ledger.recipe != recipe:
        return Ledger(recipe, champion)
    return ledger if ledger.champion == champion else Ledger(recipe, champion, ledger.last)


def _entry(differences: Mapping[str, Floats], comparisons: Comparisons) -> Entry:
    people = {name: per_person(values[:, None], comparisons) for name, values in differences.items()}
    means = {name: float(np.mean(list(values.values()))) for name, values in people.items() if values}
    return Entry(str(comparisons.day.max()), len(np.unique(comparisons.person)), means)


def recipe_hash(settings: Mapping[str, Any]) -> str:
    """Hashes the settings to sixteen hex digits, which change with any of them."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[:16]


def to_json(ledgers: Mapping[str, Ledger], split_sha256: str) -> dict[str, Any]:
    """Builds the content of ledger.json.

    Args:
        split_sha256: Checksum of the comparisons that were judged last.
    """
    return {"split_sha256": split_sha256, "ledgers": {name: asdict(each) for name, each in ledgers.items()}}


def from_json(values: Mapping[str, Any]) -> dict[str, Ledger]:
    """Reads the ledgers of ledger.json, by candidate."""
    return _ADAPTER.validate_python(values.get("ledgers", {}))


_ADAPTER = TypeAdapter(dict[str, Ledger])
