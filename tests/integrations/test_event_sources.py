"""Files that cannot be read as their table end the night with one sentence; the inbox is never changed."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from components.domain.errors import DataRejected
from components.domain.preferences.contract import columns
from components.domain.preferences.events import Quarantined
from components.integrations import event_sources

HEADER = "person_id,dish_id,kind,occurred_at\n"
ROW = "ada,d1,like,2026-01-01T12:00:00\n"


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        (
            "events.csv",
            b"person_id,dish_id,kind\nada,d1,like\n",
            ("no column occurred_at", "it has: dish_id, kind"),
        ),
        (
            "events.csv",
            HEADER.encode() + "jörg,d1,like,2026\n".encode("latin-1"),
            ("is not UTF-8", "0xf6", "save it as UTF-8"),
        ),
        (
            "events.parquet",
            b"PAR1 this is no parquet PAR1",
            ("not a readable Parquet file", "write it again"),
        ),
        ("events.csv", b"person_id,dish_id,kind,kind,occurred_at\n", ("column 'kind' twice", "keep the one")),
        ("events.csv", HEADER.encode(), ("holds no events", "found: events.csv")),
        ("notes.txt", b"hello", ("holds no events", "found: notes.txt")),
    ],
)
def test_a_file_that_breaks_the_contract(
    tmp_path: Path, name: str, content: bytes, parts: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataRejected) as caught:
        event_sources.read_inbox(tmp_path)
    for part in parts:
        assert part in str(caught.value)
    assert (tmp_path / name).read_bytes() == content


@pytest.mark.parametrize("inbox", ["empty", "missing"])
def test_an_empty_or_missing_inbox(tmp_path: Path, inbox: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRejected, match=inbox):
        event_sources.read_inbox(tmp_path / inbox)


def test_all_formats_are_read_and_unknown_columns_kept_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "events-1.csv").write_text(
        "\ufeff" + HEADER.replace("\n", ",mood\n") + ROW.replace("\n", ",good\n")
    )
    (tmp_path / "events-2.jsonl").write_text(
        '{"person_id":"bob","dish_id":"d1","kind":"like","occurred_at":"2026-01-01"}\n\n'
    )
    row = {"person_id": ["eve"], "dish_id": ["d1"], "kind": ["like"], "occurred_at": ["2026-01-01"]}
    pq.write_table(pa.table(row), tmp_path / "events-3.parquet")
    with caplog.at_level(logging.WARNING):
        rows = event_sources.read_inbox(tmp_path)["events"]
    assert [each.values["person_id"] for each in rows] == ["ada", "bob", "eve"]
    assert "mood" not in rows[0].values
    assert "kept out: mood" in caplog.text


def test_equal_tables_are_equal_bytes_and_come_back(tmp_path: Path) -> None:
    dish = dict.fromkeys(columns("dishes")) | {
        "dish_id": "d1",
        "name": "Pea stew",
        "tags": ("soup",),
        "ingredients": (),
    }
    for folder in ("one", "two"):
        event_sources.write_tables(
            tmp_path / folder, {"dishes": [dish], "people": [], "menus": [], "events": []}
        )
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    assert event_sources.read_tables(tmp_path / "one")["dishes"] == [dish]


def test_a_quarantined_row_is_kept_once_however_often_it_comes(tmp_path: Path) -> None:
    row = Quarantined("events", "events.csv", 3, "lies in the future", '{"person_id": "ada"}')
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 1
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 0
    assert len((tmp_path / "events.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize("text", ["\ud800", "a\u2028b", "a\x85b", "\0"])
def test_a_quarantined_row_stays_one_line_whatever_was_typed(tmp_path: Path, text: str) -> None:
    row = Quarantined("events", "e.jsonl", 3, "is no row", f"person {text}")
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 1
    assert event_sources.add_to_quarantine(tmp_path, [row]) == 0
    (line,) = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["row"] == f"person {text}"
