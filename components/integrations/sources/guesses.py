"""Which of a user's files and columns are meant for which of the contract, by their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from components.domain.preferences.contract import KEYS, columns

_FILES = {
    "events": "event|rating|interaction|feedback|review|order|click|log",
    "dishes": "dish|item|movie|recipe|product|meal|food",
    "people": "people|person|user|customer",
    "menus": "menu",
}
_COLUMNS = {
    "person_id": "(person|user|customer|reviewer|member)_?(id)?|uid",
    "dish_id": "(dish|item|movie|recipe|product|meal|food)_?(id)?",
    "value": "ratings?|score|stars",
    "occurred_at": "timestamp|time|date|datetime|ts|created(_at)?|submitted|day",
    "name": "title|(dish|item|movie|recipe|product|meal|food)_?name",
    "tags": "genres?|labels?|categor(y|ies)|keywords",
}


def guess(headers: Mapping[str, Collection[str]]) -> dict[str, dict[str, object]]:
    """Guesses `collect.tables` and `collect.columns` from columns by name of a file without its ending."""
    tables, names = dict[str, object](), dict[str, object]()
    for table, words in _FILES.items():
        stems = [stem for stem in headers if re.search(words, stem.lower())]
        stem = table if table in headers else min(stems, default="")
        if stem and (theirs := _columns(table, headers[stem])):
            names[table] = theirs
        tables |= {table: stem} if stem not in {"", table} else {}
    return {"tables": tables, "columns": names}


def _columns(table: str, there: Collection[str]) -> dict[str, str]:
    names = dict[str, str]()
    for ours in (name for name in _COLUMNS if name in columns(table) and name not in there):
        pattern = _COLUMNS[ours] + ("|id" if KEYS[table] == (ours,) else "")
        names.update((ours, name) for name in there if re.fullmatch(pattern, name.lower()))
    if table == "dishes" and "name" not in {*names, *there} and "dish_id" in names:
        names["name"] = names["dish_id"]
    if table == "events" and "kind" not in there and "value" in {*names, *there}:
        names["kind"] = "=rating"
    return names
