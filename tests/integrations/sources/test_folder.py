"""Files that cannot be read as their table end the night with one sentence; the inbox is never changed."""

from __future__ import annotations

import gzip
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.domain.errors import DataRejected
from components.domain.preferences.limits import Limits
from components.integrations.sources.folder import Folder
from tests.accepted import accept
from tests.tables import whole_table

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
        ("events.csv", HEADER.encode(), ("holds no events (events.csv has no row)", "put rows there")),
        ("notes.txt", b"hello", ("holds no events", "found: notes.txt")),
    ],
)
def test_a_file_that_breaks_the_contract(
    tmp_path: Path, name: str, content: bytes, parts: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataRejected) as caught:
        Folder(str(tmp_path)).read({})
    for part in parts:
        assert part in str(caught.value)
    assert (tmp_path / name).read_bytes() == content


def test_files_of_events_may_have_no_row_on_a_later_night_and_must_be_there(tmp_path: Path) -> None:
    folder, path = Folder(str(tmp_path)), tmp_path / "events.csv"
    path.write_text(HEADER)
    assert len(folder.read({}, has_earlier=True).tables["events"]) == 0
    (tmp_path / "events-2.csv").touch()
    with pytest.raises(DataRejected, match=r"\(events-2\.csv, events\.csv have no row\): put rows there"):
        folder.read({})
    (tmp_path / "events-2.csv").unlink()
    path.rename(tmp_path / "votes.csv")
    with pytest.raises(DataRejected, match=r"holds no events \(found: votes\.csv\)"):
        folder.read({}, has_earlier=True)


@whole_table("name is_read", [
    ("events.csv", True), ("events-1.csv", True), ("events-2026.11.csv", True), ("events-2.CSV", True),
    ("events-.csv", True), ("events_3.csv", False), ("events2.csv", False), ("Events.csv", False),
    (".csv", False), ("events.txt", None), ("events", None),
])  # fmt: skip
def test_a_tables_files_are_read_and_others_of_their_format_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, is_read: bool | None
) -> None:
    (folder := tmp_path / f"with {name}").mkdir()
    caplog.clear()
    for file, person in (("events-0.csv", "eve"), (name, "ada")):
        (folder / file).write_text(HEADER + ROW.replace("ada", person))
    tables = Folder(str(folder)).read({}).tables
    assert {row.values["person_id"] for row in tables["events"]} == {"eve"} | ({"ada"} if is_read else set())
    assert (f"{name} is of no table and was not read" in caplog.text) == (is_read is False)


def test_a_file_of_a_longer_name_is_not_of_the_shorter_one(tmp_path: Path) -> None:
    (tmp_path / "my-ratings-2.csv").write_text(HEADER + ROW)
    (tmp_path / "my-ratings-dishes.csv").write_text("dish_id,name\nd1,Soup\n")
    names = {"events": "my-ratings", "dishes": "my-ratings-dishes"}
    tables = Folder(str(tmp_path), tables=names).read({}).tables
    assert (len(list(tables["events"])), len(list(tables["dishes"]))) == (1, 1)


def test_columns_without_a_name_that_a_spreadsheet_adds_are_left_out(tmp_path: Path) -> None:
    lines = HEADER.strip() + ",,", ROW.strip() + ",,", ROW.strip() + ",x,y"
    (tmp_path / "events.csv").write_text("\n".join(lines))
    events = list(Folder(str(tmp_path)).read({}).tables["events"])
    assert [sorted(row.values) for row in events] == [sorted(HEADER.strip().split(","))] * 2


@pytest.mark.parametrize(("count", "end"), [(10, "c8, c9"), (30, "c16, c17 and 20 more")])
def test_a_warning_of_many_columns_names_ten_and_counts_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, count: int, end: str
) -> None:
    names, cells = (",".join(f"{letter}{n}" for n in range(count)) for letter in "cx")
    lines = f"{HEADER.strip()},{names}", *[f"{ROW.strip()},{cells}"] * 40, f"{ROW.strip()},{cells},more"
    (tmp_path / "events.csv").write_text("\n".join(lines))
    rows = Folder(str(tmp_path)).read({}).tables["events"]
    assert [sorted(batch.columns) for batch in rows.batches] == [sorted(HEADER[:-1].split(","))]
    assert rows.broken[0].values["c9"] == "x9"
    (warning,) = caplog.messages
    assert warning.endswith(f": {', '.join(sorted(names.split(','))[:8])}, {end}")


def test_a_damaged_page_of_parquet_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"person_id": [f"p{n % 7}" for n in range(5000)]}), path)
    content = bytearray(path.read_bytes())
    content[30:60] = bytes(30)
    path.write_bytes(content)
    with pytest.raises(DataRejected, match=r"events\.parquet is not a readable Parquet file \("):
        Folder(str(tmp_path)).read({})


@pytest.mark.parametrize("inbox", ["empty", "missing"])
def test_an_empty_or_missing_inbox(tmp_path: Path, inbox: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataRejected, match=inbox):
        Folder(str(tmp_path / inbox)).read({})


def test_all_formats_are_read_and_unknown_columns_kept_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "events-1.csv").write_text(
        "\ufeff" + HEADER.replace("\n", ",mood\n") + ROW.replace("\n", ",good\n")
    )
    (tmp_path / "events-2.jsonl").write_text(
        '{"person_id":"bob","dish_id":"d1","kind":"like","occurred_at":"2026-01-01"}\n\n'
    )
    row = {"person_id": ["eve"], "dish_id": ["d1"], "kind": ["like"], "occurred_at": ["2026-01-01"]}
    pq.write_table(pa.table(row), tmp_path / "events-3.parquet")
    with caplog.at_level(logging.WARNING):
        rows = list(Folder(str(tmp_path)).read({}).tables["events"])
    assert [each.values["person_id"] for each in rows] == ["ada", "bob", "eve"]
    assert "mood" not in rows[0].values
    assert "kept out: mood" in caplog.text


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_gzipped_files_are_read_as_others(tmp_path: Path, form: str) -> None:
    line = b'{"person_id":"ada","dish_id":"d1","kind":"like","occurred_at":"2026-01-01T12:00:00"}\n'
    content = (HEADER + ROW).encode() if form == "csv" else line
    (tmp_path / f"events-1.{form}.gz").write_bytes(gzip.compress(content))
    (row,) = Folder(str(tmp_path)).read({}).tables["events"]
    assert (row.values["person_id"], row.file) == ("ada", f"events-1.{form}.gz")


@pytest.mark.parametrize("cut", [0, 5, 30, -1])
def test_a_torn_gzip_is_one_sentence(tmp_path: Path, cut: int) -> None:
    (tmp_path / "events.csv.gz").write_bytes(gzip.compress((HEADER + ROW).encode())[:cut])
    with pytest.raises(DataRejected, match=r"events\.csv\.gz|holds no events"):
        Folder(str(tmp_path)).read({})


NAMES = {"events": {"person_id": "user", "occurred_at": "time"}}


def test_columns_may_have_the_users_names_and_theirs_wins_over_the_contracts(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user,dish_id,kind,time,person_id\nada,d1,like,2026-01-01,nobody\n")
    (row,) = Folder(str(tmp_path), NAMES).read({}).tables["events"]
    assert row.values == {"person_id": "ada", "dish_id": "d1", "kind": "like", "occurred_at": "2026-01-01"}


def test_one_column_may_be_two_of_ours_and_a_renamed_one_is_no_surprise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "events.csv").write_text("user,dish_id,kind,time\nada,d1,like,2026-01-01\n")
    names = {"events": {**NAMES["events"], "source": "user", "kind": "dish_id", "dish_id": "kind"}}
    with caplog.at_level(logging.WARNING):
        (row,) = Folder(str(tmp_path), names).read({}).tables["events"]
    expected = {
        "person_id": "ada",
        "source": "ada",
        "dish_id": "like",
        "kind": "d1",
        "occurred_at": "2026-01-01",
    }
    assert row.values == expected
    assert not caplog.text


@pytest.mark.parametrize("header", ["uid,dish_id,kind,time", "person_id,dish_id,kind,time", "person_id"])
def test_a_named_column_that_is_not_there_is_named_as_the_user_does_beside_those_that_are(
    tmp_path: Path, header: str
) -> None:
    (tmp_path / "events.csv").write_text(f"{header}\nada,d1,like,2026-01-01\nada\n")
    has = ", ".join(sorted(header.split(",")))
    missing = r"user \(of person_id, in collect\.columns\)[^:]*"
    with pytest.raises(DataRejected, match=rf"no column {missing} \(it has: {has}\): events need"):
        Folder(str(tmp_path), NAMES).read({})


def test_a_file_of_any_name_may_be_several_tables_and_a_column_one_value(tmp_path: Path) -> None:
    """The form in which FiveThirtyEight's Food World Cup is published: who, which cuisine, how much."""
    (tmp_path / "ratings.csv").write_text("person,cuisine,rating\nr1,China,3\nr1,Germany,4\nr2,China,5\n")
    columns = {
        "events": {
            "person_id": "person", "dish_id": "cuisine", "value": "rating",
            "kind": "=rating", "occurred_at": "=2014-06-01",
        },
        "dishes": {"dish_id": "cuisine", "name": "cuisine"},
    }  # fmt: skip
    folder = Folder(str(tmp_path), columns, {"events": "ratings", "dishes": "ratings"})
    limits = Limits(datetime(2030, 1, 1, tzinfo=UTC), (1.0, 5.0))
    collected = accept(folder.read({}).tables, {}, limits)
    assert collected.quarantined == []
    assert [dish["name"] for dish in collected.tables["dishes"]] == ["China", "Germany"]
    events = {(event["person_id"], event["dish_id"]): event for event in collected.tables["events"]}
    assert events["r2", "China"]["value"] == 5.0
    assert {event["kind"] for event in events.values()} == {"rating"}
    assert len(events) == 3
    with pytest.raises(DataRejected, match=r"found: ratings\.csv\): put votes\.csv.*collect\.tables"):
        Folder(str(tmp_path), columns, {"events": "votes"}).read({})


def test_partitions_and_folders_of_a_table_are_entered_and_their_names_are_columns(tmp_path: Path) -> None:
    for path in (
        "events/day=2026-11-01/hour=%31%32/part-0.parquet",
        "events/day=2026-11-02/part-0.parquet",
        "day=2026-11-03/events-2.parquet",
        "events.parquet/part-0.parquet",
        "events/_temporary/day=2026-11-09/part-0.parquet",
        "other/events.parquet",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        row = {"person_id": ["ada"], "dish_id": ["d1"], "kind": ["like"]}
        columns = {"day": ["2026-11-04"]} if path.startswith("events.parquet") else {}
        pq.write_table(pa.table(row | columns), tmp_path / path)
    (tmp_path / "events" / "_SUCCESS").touch()
    names = {"events": {"occurred_at": "day", "source": "hour"}}
    rows = list(Folder(str(tmp_path), names).read({}).tables["events"])
    assert sorted((row.values["occurred_at"], row.values.get("source"), row.file) for row in rows) == [
        ("2026-11-01", "12", "events/day=2026-11-01/hour=%31%32/part-0.parquet"),
        ("2026-11-02", None, "events/day=2026-11-02/part-0.parquet"),
        ("2026-11-03", None, "day=2026-11-03/events-2.parquet"),
        ("2026-11-04", None, "events.parquet/part-0.parquet"),
    ]


def test_lists_with_another_separator_are_told_and_read_as_the_setting_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "events.csv").write_text(HEADER + ROW)
    lines = [
        "dish_id,name,tags,ingredients",
        'd1,Soup,Hot|Vegan,"salt, fine; water"',
        "d2,Tea,Hot,",
        "d3,Pie,,",
    ]
    (tmp_path / "dishes.csv").write_text("\n".join(lines) + "\nd4,Roll,A|B,nuts,more\n")
    (tmp_path / "people.jsonl").write_text('{"person_id": "ada", "allergies": "nuts|milk"}\n')
    plain = Folder(str(tmp_path)).read({}).tables
    assert "2 cells of tags hold '|' and none ';'" in caplog.text
    assert 'set collect: {list_separator: "|"}' in caplog.text
    assert "ingredients" not in caplog.text
    assert [row.values["tags"] for row in plain["dishes"]] == ["Hot|Vegan", "Hot", "", "A|B"]
    caplog.clear()
    tables = Folder(str(tmp_path), separator="|").read({}).tables
    assert [row.values["tags"] for row in tables["dishes"]] == ["Hot;Vegan", "Hot", "", "A;B"]
    assert [row.values["allergies"] for row in tables["people"]] == ["nuts;milk"]
    assert "list_separator" not in caplog.text


@pytest.mark.parametrize(("name", "encoding"), [("events.csv", "cp1252"), ("events.jsonl", "utf-16")])
def test_files_of_another_encoding_are_read_by_the_setting(tmp_path: Path, name: str, encoding: str) -> None:
    row = '{"person_id":"jörg","dish_id":"d1","kind":"like","occurred_at":"2026-01-01"}\n'
    text = HEADER + ROW.replace("ada", "jörg") if name.endswith("csv") else row
    (tmp_path / name).write_bytes(text.encode(encoding))
    (read,) = Folder(str(tmp_path), encoding=encoding).read({}).tables["events"]
    assert read.values["person_id"] == "jörg"
    (tmp_path / name).write_bytes(b"\x81")
    with pytest.raises(DataRejected, match=rf"{name} is not {encoding} \(.*set collect.encoding"):
        Folder(str(tmp_path), encoding=encoding).read({})


def test_what_was_shown_and_chosen_is_a_menu_and_its_choice(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    at = '"occurred_at":"2026-01-01T12:00:00"'
    lines = [
        f'{{"person_id":"ada","shown":["d1","d2"],"chosen":"d2",{at}}}',
        f'{{"person_id":"bob","shown":["d2","d1"],"chosen":["d1"],{at}}}',
        f'{{"person_id":"cid","shown":["d1","d2"],"chosen":null,{at}}}',
        f'{{"person_id":"dan","shown":["d1"],"chosen":"d2",{at}}}',
        '{"person_id":"eve","shown":["d1","d2"],"chosen":"d2","occurred_at":"noon"}',
        f'{{"person_id":"fay","dish_id":"d1","kind":"like",{at}}}',
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    (tmp_path / "dishes.csv").write_text("dish_id,name\nd1,Soup\nd2,Tea\n")
    limits = Limits(datetime(2030, 1, 1, tzinfo=UTC), (1.0, 5.0))
    collected = accept(Folder(str(tmp_path)).read({}).tables, {}, limits)
    events = {event["person_id"]: event for event in collected.tables["events"]}
    assert {person: (each["kind"], each["dish_id"]) for person, each in events.items()} == {
        "ada": ("choice", "d2"), "bob": ("choice", "d1"), "fay": ("like", "d1")
    }  # fmt: skip
    menu = events["ada"]["menu_id"]
    assert menu == events["bob"]["menu_id"]
    assert [row["dish_id"] for row in collected.tables["menus"] if row["menu_id"] == menu] == ["d1", "d2"]
    assert sorted(row.line for row in collected.quarantined) == [4, 5]
    assert "1 rows show dishes of which none was chosen" in caplog.text
    logged = [line.replace("shown", "impressions").replace("chosen", "clicked") for line in lines[:2]]
    (tmp_path / "events.jsonl").write_text("\n".join(logged))
    names = {"events": {"shown": "impressions", "dish_id": "clicked"}}
    mapped = accept(Folder(str(tmp_path), names).read({}).tables, {}, limits)
    assert mapped.counts["events"].accepted == 2


def test_a_file_in_which_nothing_was_chosen_needs_a_column_of_what_was_chosen(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(HEADER + ROW)
    (tmp_path / "dishes.csv").write_text("dish_id,name\nd1,Soup\n")
    path = tmp_path / "events-2.csv"
    path.write_text("person_id,shown,chosen,occurred_at\nada,d1;d2,,2026-01-01\n")
    tables = Folder(str(tmp_path)).read({}).tables
    assert (len(tables["events"]), len(tables["menus"])) == (1, 2)
    path.write_text("person_id,shown,clicked,occurred_at\nada,d1;d2,d1,2026-01-01\n")
    with pytest.raises(DataRejected, match=r"events-2\.csv has no column dish_id \(it has: clicked, "):
        Folder(str(tmp_path)).read({})


KINDS = {"thumbs_up": "like", "1": "dislike", "view": ""}


@pytest.mark.parametrize("repeats", [1, 30])  # rows one by one, and by columns
def test_the_users_values_become_the_contracts_or_leave_their_rows_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, repeats: int
) -> None:
    kinds = ["thumbs_up", "1", "view", "order", ""] * repeats
    rows = [f"p{number},d1,{kind},2026-01-01T12:00:00" for number, kind in enumerate(kinds)]
    (tmp_path / "events.csv").write_text("\n".join([HEADER.strip(), *rows]) + "\n")
    (tmp_path / "events-2.jsonl").write_text(
        "".join(
            f'{{"person_id":"q{n}","dish_id":"d1","kind":1,"occurred_at":"2026-01-01"}}\n'
            for n in range(repeats)
        )
    )
    read = Folder(str(tmp_path), values={"events": {"kind": KINDS}}).read({}).tables["events"]
    kept = ["like", "dislike", "order", ""] * repeats
    assert [row.values["kind"] for row in read if row.file.endswith("csv")] == kept
    assert [str(row.values["kind"]) for row in read if row.file.endswith("jsonl")] == ["dislike"] * repeats
    assert f"events.csv: {repeats} rows are left out by collect.values" in caplog.text


@pytest.mark.parametrize("repeats", [1, 30])
def test_values_of_other_types_are_named_as_texts_and_lists_by_none(tmp_path: Path, repeats: int) -> None:
    kinds = [True, False, 1, 1.0, 2.5, None, "true", ["true"], "other"] * repeats
    row = {"person_id": "p", "dish_id": "d", "occurred_at": "2026"}
    lines = (json.dumps({**row, "kind": kind}) for kind in kinds)
    (tmp_path / "events.jsonl").write_text("".join(f"{line}\n" for line in lines))
    named = {"true": "like", "false": "", "1": "dislike"}
    read = Folder(str(tmp_path), values={"events": {"kind": named}}).read({}).tables["events"]
    expected = ["like", "dislike", "dislike", "2.5", "None", "like", "['true']", "other"] * repeats
    assert [str(row.values["kind"]) for row in read] == expected


@pytest.mark.parametrize("name", ["tags", "name"])
def test_a_column_of_lists_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "events.csv").write_text(HEADER + ROW)
    dishes = [{"dish_id": f"d{n}", "name": "soup", "tags": ["hot"]} for n in range(30)]
    pq.write_table(pa.Table.from_pylist(dishes), tmp_path / "dishes.parquet")
    read = Folder(str(tmp_path), values={"dishes": {name: {"soup": "stew"}}}).read({}).tables["dishes"]
    assert {(row.values["name"], *row.values["tags"]) for row in read} == {
        ("stew" if name == "name" else "soup", "hot")
    }


def test_a_file_all_of_whose_rows_are_left_out_holds_no_events(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text(HEADER + ROW.replace("like", "view"))
    with pytest.raises(DataRejected, match="holds no events"):
        Folder(str(tmp_path), values={"events": {"kind": {"view": "", "like": ""}}}).read({})
