"""People who were forgotten: a keyed hash of each id, by which their rows are refused if they come again."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import Any, Self

from components.domain.errors import BadParams
from components.domain.preferences.contract import as_id

_CHECKED = "palate"  # text whose hash says whether a key is the one that made the other hashes


@dataclass(frozen=True)
class Forgotten:
    """Hashes of ids, and the key that they were made with.

    Attributes:
        key: Secret of this clone; without it a hash says nothing about an id.
        hashes: Hashes of 32 hex digits each.
    """

    key: str
    hashes: frozenset[str] = frozenset()

    def __contains__(self, person: object) -> bool:
        return bool(self.hashes) and self.hash_of(person) in self.hashes

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def hash_of(self, person: object) -> str:
        """Hashes an id with the key, after reading it as the contract does."""
        return hmac.digest(self.key.encode(), as_id(person).encode(errors="replace"), "sha256").hex()[:32]

    def with_people(self, *people: str) -> Self:
        """Adds the hashes of more people, in a copy."""
        return replace(self, hashes=self.hashes | set(map(self.hash_of, people)))

    def to_json(self) -> dict[str, Any]:
        """Converts the hashes to plain values, without the key."""
        return {"key_check": self.hash_of(_CHECKED), "people": sorted(self.hashes)}

    @classmethod
    def from_json(cls, values: dict[str, Any], key: str) -> Self:
        """Reads the values that `to_json` writes.

        Raises:
            BadParams: The hashes were made with another key, so forgotten people would not be recognised.
        """
        forgotten = cls(key, frozenset(values["people"]))
        if values["key_check"] != forgotten.hash_of(_CHECKED):
            raise BadParams(
                "data/forgotten.json was made with another key than this clone has: bring back secrets.json "
                "of the state in which people were forgotten, else their rows would be taken in again."
            )
        return forgotten
