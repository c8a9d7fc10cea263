"""What refused rows of `people` say of restrictions: it holds; where it is unreadable nothing is offered."""

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

# Stands in the place of a diet; there is no rule for it, so that the service offers nothing to the person.
UNREADABLE = "in a row of people that cannot be read, see data/quarantine/people.jsonl"
_ID = TypeAdapter[str](Id, config=TABLES["people"].model_config)
_People = dict[str, dict[str, Any]]


def with_refused(
    people: Iterable[Mapping[str, Any]], refused: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """People with the restrictions that quarantined rows name: a row that is refused must not lift them.

    Args:
        people: Accepted rows.
        refused: Quarantined rows as they came. Where nobody can tell what one says of a person of the table
            whom its text names, nobody knows what they may eat. Where one names nobody, it is a person with
            no name.
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
    """Whether anybody can be asked for, or stored, under it."""
    try:
        return bool(_ID.validate_python(text))
    except ValidationError:
        return False


def _storable(text: str) -> str:
    """A text without NUL and half characters, which no database stores."""
    return text.replace("\0", " ").encode(errors="replace").decode()


def _restrict(entry: dict[str, Any], row: Mapping[str, Any]) -> None:
    diets = entry["diet"], _storable(str(row.get("diet") or ""))
    entry["diet"] = ";".join(dict.fromkeys(filter(None, diets)))
    entry["allergies"] = tuple(dict.fromkeys((*entry["allergies"], *_allergies(row))))
    entry["avoids"] = tuple(dict.fromkeys((*entry["avoids"], *_texts(row.get("avoids")))))


def _allergies(row: Mapping[str, Any]) -> Iterator[str]:
    """The allergies of a row; with cells too many they may stand in any one from their column on."""
    names = list(row)
    if MORE_CELLS in row:
        first = names.index("allergies" if "allergies" in row else MORE_CELLS)
        return (text for name in names[first:] for text in _texts(row[name]))
    return _texts(row.get("allergies"))


def _texts(value: Any) -> Iterator[str]:
    """The texts of a value of any type, each also with its escapes read."""
    if isinstance(value, list | tuple | dict):
        parts = value.values() if isinstance(value, dict) else value
        yield from (text for part in parts for text in _texts(part))
    elif value and str(value) != "nan":  # a number that is none says nothing
        for part in _storable(str(value)).split(";"):
            yield from dict.fromkeys(
                text.strip() or "-" for text in (part, *sorted(spellings(part))) if text.strip(EMPTY)
            )
