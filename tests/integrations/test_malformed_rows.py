"""A bad row among good ones is quarantined with one sentence; the good ones are accepted, nothing is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.domain.errors import DataRejected
from components.domain.preferences.limits import Limits
from components.integrations import event_sources, quarantine
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import Intake, take_in
from tests.accepted import stored_events
from tests.tables import whole_table

GOOD: dict[str, Any] = {
    "person_id": "ada",
    "dish_id": "d1",
    "kind": "like",
    "occurred_at": "2026-01-02T12:00:00",
}
NOTHING: dict[str, list[dict[str, Any]]] = {"dishes": [], "people": [], "menus": []}
LIMITS = Limits(datetime(2026, 3, 1, tzinfo=UTC), (0, 5))
DISHES = "dish_id,name\nd1,Halloumi\n"


def _night(folder: Path, lines: list[bytes], name: str = "events.jsonl") -> Intake:
    """Collects the lines with a good one before and behind them, and stores all as a night does."""
    (folder / "dishes.csv").write_text(DISHES)
    later = GOOD | {"occurred_at": "2026-01-03T12:00:00"}
    good = [json.dumps(row).encode() for row in (GOOD, later)]
    (folder / name).write_bytes(b"\n".join([good[0], *lines, good[1], b""]))
    intake = take_in(Folder(str(folder)).read({}).tables, NOTHING, event_sources.no_events(), LIMITS)
    collected = intake.collected
    event_sources.write_tables(folder / "accepted", collected.tables, intake.events)
    quarantine.add(folder / "quarantine", collected.quarantined)
    return intake


def _stored(folder: Path) -> list[dict[str, Any]]:
    path = folder / "quarantine" / "events.jsonl"
    return [json.loads(line) for line in path.read_text().split("\n") if line] if path.exists() else []


def _with(**change: Any) -> bytes:
    return json.dumps(GOOD | change).encode()


BAD = {
    "broken JSON": (b'{"person_id": "ada"', "not JSON"),
    "a list": (b"[1, 2]", "no JSON object"),
    "a word": (b'"like"', "no JSON object"),
    "half an UTF-8 character": (b'{"person_id": "\xc3"}', "not UTF-8 (at its byte 15)"),
    "a number of 5,000 digits": (b'{"person_id": ' + b"7" * 5000 + b"}", "JSON that nobody means"),
    "a list 100,000 deep": (b"[" * 100_000, "JSON that nobody means"),
    "half a surrogate pair": (b'{"person_id": "\\ud800", "dish_id": "d1", "kind": "like"}', "person_id"),
    "year 1": (_with(occurred_at="0001-01-01T00:00:00"), "the year 1 "),
    "the year 9999": (_with(occurred_at="9999-12-31T23:59:59-14:00"), "the year 9999"),
    "the clock's zero": (_with(occurred_at=0), "the year 1970"),
    "no moment": (_with(occurred_at=[]), "occurred_at"),
    "a rating of 101": (_with(kind="rating", value=101), "value 101 is not from 0 to 5"),
    "a rating of infinity": (_with(kind="rating", value=float("inf")), "finite"),
    "a rating of 1e999": (b'{"person_id": "a", "dish_id": "d1", "kind": "rating", "value": 1e999}', "finite"),
    "a rating in words": (_with(kind="rating", value="good"), "got 'good'"),
    "an unknown kind": (_with(kind="LIKE"), "kind"),
    "a kind that is an object": (_with(kind={"like": True}), "kind"),
    "no person": (_with(person_id=None), "person_id: field required"),
    "a person of blanks": (_with(person_id="   "), "person_id"),
    "a person of 201 letters": (_with(person_id="x" * 201), "person_id"),
    "a dish that is not there": (_with(dish_id="d9"), "'d9' is not in the dishes table"),
    "a true dish": (_with(dish_id=True), "dish_id"),
    "a person with NUL": (_with(person_id="p\x001"), "person_id: value error, it holds a control character"),
    "a person in two lines": (_with(person_id="p\n1"), "it holds a control character, got 'p\\n1'"),
    "a person that is a control character": (_with(person_id="\x1f"), "person_id: value error, it is empty"),
    "a person that is no number": (_with(person_id=float("nan")), "it is no finite number, and no text"),
    "an infinite dish": (_with(dish_id=float("-inf")), "it is no finite number, and no text"),
    "an event with an escape": (_with(event_id="e\x1b[31m1"), "event_id: value error, it holds a control"),
    "a source with NUL": (_with(source="a\0"), "source: value error, it holds the character nul"),
    "an empty object": (b"{}", "person_id: field required"),
}


@whole_table("name", BAD)
def test_a_bad_row_among_good_ones_is_quarantined_with_its_reason(tmp_path: Path, name: str) -> None:
    line, reason = BAD[name]
    (folder := tmp_path / name).mkdir()
    intake = _night(folder, [line])
    (bad,) = intake.collected.quarantined
    assert reason in bad.reason
    assert "\n" not in bad.reason
    assert (bad.file, bad.line) == ("events.jsonl", 2)
    assert len(intake.events) == 2
    assert [row["reason"] for row in _stored(folder)] == [bad.reason]


def test_only_a_line_feed_ends_a_line_of_json(tmp_path: Path) -> None:
    lines = [_with(source=f"a\u2028b{end}c").decode().encode() for end in "\u2029\x85\v\f"]
    raw = [line.decode("unicode_escape").encode() for line in lines]
    intake = _night(
        tmp_path, [*lines, *(each for each in raw if b"\x0b" not in each and b"\x0c" not in each)]
    )
    assert not intake.collected.quarantined
    assert len(intake.events) == 2 + len(lines)  # the same ones, written in two ways


def test_a_row_with_more_cells_than_columns_is_not_cut(tmp_path: Path) -> None:
    (tmp_path / "dishes.csv").write_text(DISHES)
    rows = ["ada,d1,like,2026-01-02T12:00:00", "ada,d1,like,2026-01-02T13:00:00,5"]
    (tmp_path / "events.csv").write_text("\n".join(["person_id,dish_id,kind,occurred_at", *rows, ""]))
    intake = take_in(Folder(str(tmp_path)).read({}).tables, NOTHING, event_sources.no_events(), LIMITS)
    collected = intake.collected
    assert [each.reason for each in collected.quarantined] == [
        "it has more cells than the header has columns"
    ]
    assert "13:00:00" in collected.quarantined[0].row
    assert len(intake.events) == 1


def test_letters_that_look_the_same_are_the_same(tmp_path: Path) -> None:
    lines = [_with(person_id=name) for name in ("Zoe\u0308", "Zo\u00eb")]
    assert len(_night(tmp_path, lines).events) == 3


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "events.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataRejected, match=r"events\.csv cannot be read \(.+\): mend it or take it out"):
        Folder(str(tmp_path)).read({})


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str)
_VALUES = _SCALARS | st.lists(_SCALARS, max_size=3) | st.dictionaries(st.text(), _SCALARS, max_size=2)
_ROWS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*GOOD, "value", "menu_id", "source", "event_id"], _VALUES)
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_ROWS.map(lambda row: json.dumps(GOOD | row).encode()) | st.binary(max_size=40), max_size=4))
def test_whatever_comes_no_row_is_lost_and_every_night_ends(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    collected = _night(folder, lines).collected
    counts = collected.counts["events"]
    written = b"\n".join(lines).split(b"\n")
    assert counts.rows_in == 2 + sum(bool(line.strip()) for line in written)
    assert counts.rows_in == counts.accepted + counts.duplicates + counts.quarantined
    assert counts.accepted == len(stored_events(folder / "accepted"))
    assert {row["reason"] for row in _stored(folder)} == {each.reason for each in collected.quarantined}
