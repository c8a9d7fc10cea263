"""Finds out whom a refused row is about: looks for ids in its text, however their letters are escaped."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Container, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from components.domain.preferences.contract import MAX_ID, TABLES, as_id, nfc

MORE_CELLS = "(more cells than columns)"  # column of the cells that a row has beyond its header
LINE = "line"  # column that holds a line's text if the line is not a JSON object
_LONG_TEXT = 20_000  # letters from which on ids are looked for between punctuation alone
_BEGIN, _END = re.compile(r"(?<![\w-])(?=\S)"), re.compile(r"(?<=\S)(?![\w-])")
_BETWEEN = re.compile(r"[^\"'{}\[\]:,;\t\r\n]+|[\w-]+")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})|\\([\"\\/bfnrt])")
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_COLUMNS = {name for row in TABLES.values() for name in row.model_fields} - {"person_id"}


def is_torn(row: Mapping[str, Any]) -> bool:
    """Tells whether the texts of a refused row can no longer be assigned to columns."""
    return row.keys() == {LINE} or MORE_CELLS in row


def spellings(text: str) -> set[str]:
    """Lists the spellings of a text, in NFC: as it stands, and with escapes of JSON and of bytes decoded."""
    letters = _ESCAPE.sub(_letter, text)
    whole = letters.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return {nfc(text), nfc(whole)}


def _letter(escape: re.Match[str]) -> str:
    number = escape[1] or escape[2]
    return chr(int(number, 16)) if number else _LETTERS.get(escape[3], escape[3])


def ids_in(text: str) -> Iterator[str]:
    """Yields all parts of a text that may be an id: they begin and end where a word does. Some come twice.

    Of a very long text only the parts between punctuation, and single words, are yielded.
    """
    for spelled in spellings(text):
        if len(spelled) > _LONG_TEXT:  # else a file without line feeds would take hours
            yield from (part.strip() for part in _BETWEEN.findall(spelled) if len(part) <= MAX_ID)
            yield from re.findall(r"[\w-]+", spelled)
            continue
        ends = [match.start() for match in _END.finditer(spelled)]
        for match in _BEGIN.finditer(spelled):
            begin = match.start()
            stop = bisect_right(ends, begin + MAX_ID)
            yield from (spelled[begin:end] for end in ends[bisect_right(ends, begin) : stop])


def is_named(people: AbstractSet[str], row: Mapping[str, Any]) -> bool:
    """Tells whether a refused row is about one of some people, as far as its texts show.

    Args:
        people: Ids as the contract reads them.
        row: Values by column, as the quarantine holds them.
    """
    if names_one_of(people, row):
        return True
    spelled = (letters for text in texts_of(row) for letters in spellings(text))
    long = [letters for letters in spelled if len(letters) > _LONG_TEXT]  # `ids_in` yields less of these
    words = ((rf"(?<![\w-]){re.escape(person)}(?![\w-])", person) for person in people if long)
    return any(person in text and re.search(word, text) for word, person in words for text in long)


def names_one_of(people: Container[str], row: Mapping[str, Any]) -> bool:
    """Tells whether a row names one of some people, who may be known by hashes alone; see `is_named`."""
    return any(person in people for person in plain_ids(row)) or any(
        part in people for text in texts_of(row) for part in ids_in(text)
    )


def plain_ids(row: Mapping[str, Any]) -> set[str]:
    """Reads the id in the column `person_id`, in all its spellings; empty unless it is a single value."""
    value = row.get("person_id")
    if value is None or isinstance(value, list | dict):
        return set()
    text = value if isinstance(value, str) else as_id(value)
    return {as_id(spelled) for spelled in spellings(text)} if "\\" in text else {as_id(text)}


def texts_of(row: Mapping[str, Any]) -> list[str]:
    """Collects the texts of a refused row, other than `person_id` itself, that may name its person.

    Where the columns are intact, the contract's other columns are left out: a number in one of them is not a
    person's id.
    """
    if is_torn(row):
        return [as_text(row)]
    return [
        as_text({name: value})
        for name, value in row.items()
        if name not in _COLUMNS and not (name == "person_id" and plain_ids(row))
    ]


def as_text(row: Mapping[str, Any]) -> str:
    """Joins the cells of a row with commas, as a file would hold them."""
    cells: list[Any] = []
    for value in row.values():
        cells += value if isinstance(value, list) else [] if value is None else [value]
    return ",".join(
        cell if isinstance(cell, str) else json.dumps(cell, default=str, ensure_ascii=False) for cell in cells
    )
