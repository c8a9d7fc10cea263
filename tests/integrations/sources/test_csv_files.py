"""What is wrong in one line of CSV quarantines that line; the lines behind it are read."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.domain.errors import DataRejected
from components.domain.preferences.limits import Limits
from components.integrations import event_sources
from components.integrations.sources.csv_files import csv_rows
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import Intake, take_in
from tests.tables import whole_table

HEADER = "person_id,dish_id,kind,occurred_at"
DAY = "2026-01-02"
GOOD = [f"p{number},d1,like,{DAY}" for number in range(8)]


def _night(folder: Path, lines: list[str], end: str = "\n") -> Intake:
    (folder / "dishes.csv").write_text("dish_id,name\nd1,Halloumi\n")
    (folder / "events.csv").write_bytes(end.join([HEADER, *lines]).encode())
    limits, nothing = (
        Limits(datetime(2026, 3, 1, tzinfo=UTC), (0, 5)),
        {"dishes": [], "people": [], "menus": []},
    )
    return take_in(Folder(str(folder)).read({}).tables, nothing, event_sources.no_events(), limits)


@whole_table("end", ["\n", "\r\n"])
@whole_table("at", [0, 3, 8])
@whole_table("line", [f'"bob,d1,like,{DAY}', f'bob,"d1,like,{DAY}', f'bob,d1,like,"{DAY}'])
def test_an_open_quote_swallows_no_row(tmp_path: Path, line: str, at: int, end: str) -> None:
    quoted = [row.replace("d1", '"d1"') for row in GOOD]
    for number, rows in enumerate((GOOD, quoted)):  # the next quote, or the end of the file, tells
        folder = tmp_path / f"{line} {at} {end!r} {number}"
        folder.mkdir()
        intake = _night(folder, [*rows[:at], line, *rows[at:]], end)
        assert len(intake.events) == len(GOOD)
        (bad,) = intake.collected.quarantined
        assert bad.reason == "a quote is opened in the line and not closed, so nobody can tell its cells"
        assert (bad.line, '"line"' in bad.row, "bob" in bad.row) == (at + 1, True, True)
        assert intake.collected.counts["events"].rows_in == len(GOOD) + 1


def test_a_cell_of_several_lines_and_a_quote_within_a_cell_are_read_as_ever(tmp_path: Path) -> None:
    (tmp_path / "dishes.csv").write_text(
        'dish_id,name,description\nd1,"Pea\nstew","a ""b""\n\nc"\nd2,5" pizza,"x"y\nd3,"Soup"\n'
        '"d4,Stew,z\nd5,Egg,"e"'
    )
    (tmp_path / "events.csv").write_text(f"{HEADER}\nada,d1,like,{DAY}\n")
    rows = Folder(str(tmp_path)).read({}).tables["dishes"]
    assert [tuple(row.values.values()) for row in rows] == [
        ("d1", "Pea\nstew", 'a "b"\n\nc'), ("d2", '5" pizza', "xy"), ("d3", "Soup", ""),
        ('"d4,Stew,z',), ("d5", "Egg", "e"),
    ]  # fmt: skip


def test_a_cell_of_more_than_the_most_letters_quarantines_its_row_alone(tmp_path: Path) -> None:
    intake = _night(tmp_path, [*GOOD, f"{'x' * 200_000},d1,like,{DAY}", f"eve,d1,like,{DAY}"])
    assert len(intake.events) == len(GOOD) + 1
    (bad,) = intake.collected.quarantined
    assert (bad.line, bad.reason) == (9, "it has a cell of more than 131,072 letters")
    assert "x" * 200_000 in bad.row


def test_a_header_with_an_open_quote_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(f'"{HEADER}\n{GOOD[0]}\n')
    with pytest.raises(
        DataRejected, match=r"events\.csv has a quote in its header that is not closed .*: close it"
    ):
        Folder(str(tmp_path)).read({})


SEMICOLONS, TABS, QUOTED = (
    "\n".join([HEADER, *GOOD]).replace(",", between) for between in (";", "\t", '";"')
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            "\n".join([HEADER, *GOOD]).encode("utf-16-le"),
            " is UTF-16: save it as UTF-8, or set collect.encoding to utf-16",
        ),
        (
            "\r\n".join([HEADER, *GOOD]).encode("utf-16-be"),
            " is UTF-16: save it as UTF-8, or set collect.encoding to utf-16",
        ),
        (
            HEADER.replace("person_id", '"person_id"').encode("utf-16-le"),
            " is UTF-16: save it as UTF-8, or set collect.encoding to utf-16",
        ),
        (SEMICOLONS.encode(), ": its cells are separated by ';': save it with commas"),
        (SEMICOLONS.partition("\n")[0].encode(), ": its cells are separated by ';': save it with commas"),
        (
            f'"{QUOTED}"'.replace("\n", '"\n"').encode(),
            ": its cells are separated by ';': save it with commas",
        ),
        (TABS.encode("utf-8-sig"), ": its cells are separated by a tab: save it with commas"),
    ],
)
def test_a_file_of_another_program_is_told_what_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "events.csv").write_bytes(content)
    with pytest.raises(DataRejected, match=rf"events\.csv{reason}\.$"):
        Folder(str(tmp_path)).read({})


CELLS = st.text(st.sampled_from('ab",\n\r 7'), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=9), st.integers(0, 9))
def test_what_a_program_writes_is_read_back_also_behind_an_open_quote(rows: list[list[str]], at: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b", "c"], *rows])
    read = csv_rows("x.csv", text.getvalue())
    assert [list(row.values.values()) for row in read] == rows
    good = [[cell.strip('\n\r",') for cell in row] for row in rows]
    good = [[cell.replace("\n", "").replace("\r", "").replace('"', "") for cell in row] for row in good]
    lines = ["a,b,c", *(",".join(f'"{cell}"' for cell in row) for row in good)]
    lines.insert(1 + at % (len(good) + 1), 'x,"y')
    read = csv_rows("x.csv", "\n".join(lines))
    assert [list(row.values.values()) for row in read if not row.problem] == good
    assert [row.values for row in read if row.problem] == [{"line": 'x,"y'}]
