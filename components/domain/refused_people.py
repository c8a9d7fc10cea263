"""Restrictions in refused rows of `people`: they hold; a person with an unreadable row is offered nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from components.domain.catalogue import NAMELESS
from components.domain.preferences.contract import EMPTY, TABLES, Id
from components.domain.preferences.refused_text import (
    MORE_CELLS,
    as_text,
    ids_in,
    is_torn,
    plain_ids,
    spellings,
)

# Stands in the place of a diet; as there is no rule for it, the service offers the person nothing.
UNREADABLE = "in a row of people that cannot be read, see data/quarantine/people.jsonl"
_ID = TypeAdapter[str](Id, config=TABLES["people"].model_config)
_People = dict[str, dict[str, Any]]


def with_refused(
    people: Iterable[Mapping[str, Any]], refused: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Adds to people the restrictions that quarantined rows name: refusing a row must not lift them.

    A row may name a person of the table in its text and be unclear about them. That person is offered
    nothing. A row that names nobody becomes a person without a name.

    Args:
        refused: Quarantined rows as they came.
    """
    by_id: _People = {row["person_id"]: dict(row) for row in people}
    listed = set(by_id)
    for row in refused:
        _add(row, by_id, listed)
    return list(by_id.values())


def _add(row: Mapping[str, Any], by_id: _People, listed: set[str]) -> None:
    plain = plain_ids(row) - {""}
    person = min(plain & listed or (each for each in plain if _is_id(each)), default="")
    unclear = set[str]()
    if is_torn(row) or not person:
        named = listed.intersection(ids_in(as_text(row)))
        # A comma that was not quoted may have cut an id in two.
        unclear = {other for other in named if person not in listed or "," in other}
    for other in unclear:
        by_id[other]["diet"] = UNREADABLE
    if person or not unclear:
        _restrict(by_id.setdefault(person, {**NAMELESS, "person_id": person}), row)


def _is_id(text: str) -> bool:
    """Tells whether a text can be a person's id, under which the service could be asked for them."""
    try:
        return bool(_ID.validate_python(text))
    except ValidationError:
        return False


def _storable(text: str) -> str:
    """Replaces NUL and half characters in a text, since databases cannot store them."""
    return text.replace("\0", " ").encode(errors="replace").decode()


def _restrict(entry: dict[str, Any], row: Mapping[str, Any]) -> None:
    diets = entry["diet"], _storable(str(row.get("diet") or ""))
    entry["diet"] = ";".join(dict.fromkeys(filter(None, diets)))
    entry["allergies"] = tuple(dict.fromkeys((*entry["allergies"], *_allergies(row))))
    entry["avoids"] = tuple(dict.fromkeys((*entry["avoids"], *_texts(row.get("avoids")))))


def _allergies(row: Mapping[str, Any]) -> Iterator[str]:
    """Collects the allergies of a row; if it has too many cells, from all cells from their column on."""
    names = list(row)
    if MORE_CELLS in row:
        first = names.index("allergies" if "allergies" in row else MORE_CELLS)
        return (text for name in names[first:] for text in _texts(row[name]))
    return _texts(row.get("allergies"))


def _texts(value: Any) -> Iterator[str]:
    """Yields the texts of a value of any type, each also with its escapes read."""
    if isinstance(value, list | tuple | dict):
        parts = value.values() if isinstance(value, dict) else value
        yield from (text for part in parts for text in _texts(part))
    elif value and str(value) != "nan":  # NaN says nothing
        for part in _storable(str(value)).split(";"):
            yield from dict.fromkeys(
                text.strip() or "-" for text in (part, *sorted(spellings(part))) if text.strip(EMPTY)
            )
