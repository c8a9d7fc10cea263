"""Great Expectations finds every fault that is put into accepted tables."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from components.domain.params import CheckParams
from components.domain.preferences.contract import Stored, columns
from components.domain.records import CheckReport, NightFacts
from components.integrations import data_checks, pages
from tests.accepted import events_of

PARAMS = CheckParams(
    value_range=(0, 10), min_events=3, max_growth=3, max_unchanged_days=2,
    max_quarantined_share=0.1,
)  # fmt: skip
NIGHT = NightFacts("2026-03-01T00:00:00+00:00", None, 100, 2, "md5", "md5")


def _row(table: str, **values: Any) -> dict[str, Any]:
    return dict.fromkeys(columns(table)) | values


def _tables() -> Stored:
    at = datetime(2026, 2, 1, 12, tzinfo=UTC)
    events = [
        _row(
            "events",
            person_id="ada",
            dish_id=f"d{index % 2}",
            kind="choice",
            menu_id="m",
            occurred_at=at,
            event_id=str(index),
        )
        for index in range(4)
    ]
    return {
        "dishes": [_row("dishes", dish_id=f"d{index}", name="Stew") for index in range(2)],
        "people": [_row("people", person_id="ada")],
        "menus": [
            _row("menus", menu_id="m", served_on=date(2026, 2, 1), dish_id=f"d{index}") for index in range(2)
        ],
        "events": events,
    }


def _check(tables: Stored, *settings: Any) -> CheckReport:
    others = {name: rows for name, rows in tables.items() if name != "events"}
    return data_checks.check(others, events_of(tables["events"]), *settings)


def _failed(report: CheckReport) -> set[tuple[str, str]]:
    return {(each.table, each.column) for each in report.failed}


def test_good_tables_pass_every_check() -> None:
    report = _check(_tables(), NIGHT, PARAMS)
    assert not report.failed
    assert len(report.results) > 20


def test_quarantined_rows_are_one_expectation_that_stops_and_warns_nothing() -> None:
    for rows, severities in ((2, ["quarantine"]), (0, [])):
        report = _check(_tables(), dataclasses.replace(NIGHT, rows_quarantined=rows), PARAMS)
        missed = [each for each in report.results if not each.passed]
        assert [each.severity for each in missed] == severities
        assert not report.failed
        assert not _warned(report)
        assert report.passed == len(report.results) - len(missed)


FAULTS: list[tuple[str, Callable[[Stored], Any], tuple[str, str]]] = [
    ("unknown dish", lambda t: t["events"][0].update(dish_id="d9"), ("events", "dish_exists")),
    ("unknown menu", lambda t: t["events"][0].update(menu_id="n"), ("events", "was_offered")),
    ("not offered", lambda t: t["menus"].pop(), ("events", "was_offered")),
    ("wrong kind", lambda t: t["events"][0].update(kind="loves"), ("events", "kind")),
    ("value out of range", lambda t: t["events"][0].update(kind="rating", value=99.0), ("events", "value")),
    ("rating without value", lambda t: t["events"][0].update(kind="rating"), ("events", "rating_has_value")),
    ("null", lambda t: t["events"][0].update(person_id=None), ("events", "person_id")),
    ("two with one id", lambda t: t["events"][0].update(event_id="1"), ("events", "event_id")),
    (
        "future",
        lambda t: t["events"][0].update(occurred_at=datetime(2999, 1, 1, tzinfo=UTC)),
        ("events", "occurred_at"),
    ),
    ("too few", lambda t: t["events"].__delitem__(slice(2, None)), ("night", "events")),
    ("menu of no dish", lambda t: t["menus"][0].update(dish_id="d9"), ("menus", "dish_exists")),
    ("a dish twice", lambda t: t["dishes"][0].update(dish_id="d1"), ("dishes", "dish_id")),
    ("a menu row twice", lambda t: t["menus"][0].update(dish_id="d1"), ("menus", "menu_id/dish_id")),
]


@pytest.mark.parametrize(
    ("break_it", "failure"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
def test_a_fault_is_found_and_named(break_it: Callable[[Stored], Any], failure: tuple[str, str]) -> None:
    tables = _tables()
    break_it(tables)
    assert failure in _failed(_check(tables, NIGHT, PARAMS))


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"previous_events": 5}, ("night", "events")),  # events were lost
        ({"previous_events": 1}, ("night", "events")),  # four times as many
        ({"rows_quarantined": 20}, ("night", "quarantined_share")),
    ],
)
def test_a_nights_volume_is_compared(change: dict[str, int], failure: tuple[str, str]) -> None:
    night = dataclasses.replace(NIGHT, **change)
    assert _failed(_check(_tables(), night, PARAMS)) == {failure}


def test_feedback_counts_in_nothing_that_stops_a_night_and_is_compared_apart() -> None:
    tables, night = _tables(), dataclasses.replace(NIGHT, previous_events=4, previous_feedback=2)
    storm = [
        _row("events", person_id="eve", dish_id="d0", kind="like", event_id=f"service:{number}",
             occurred_at=datetime(2026, 2, 1, tzinfo=UTC))
        for number in range(120)
    ]  # fmt: skip
    inbox, tables["events"] = tables["events"], tables["events"] + storm  # 30 times the night before
    report = _check(tables, night, PARAMS)
    assert not report.failed
    assert ("night", "feedback") in _warned(report)
    tables["events"] = inbox[:1] + storm  # nor does it stand for events that the inbox lost
    assert _failed(_check(tables, night, PARAMS)) == {("night", "events")}


def test_local_times_may_run_ahead_by_the_skew() -> None:
    tables = _tables()
    tables["events"][0]["occurred_at"] = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=13)
    assert not _check(tables, NIGHT, PARAMS).failed


def test_the_page_shows_failures_escapes_text_and_loads_nothing() -> None:
    tables = _tables()
    tables["events"][0].update(dish_id="<script>alert(1)</script>", event_id="<b>e</b>")
    page = pages.checks_page(_check(tables, NIGHT, PARAMS), NIGHT)
    assert "2 failed" in page
    assert "<b>e</b>" not in page
    assert "&lt;b&gt;e&lt;/b&gt;" in page
    assert "http" not in page.replace("http-equiv", "")


def _warned(report: CheckReport) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(each.table, each.column): each.first_rows for each in report.warnings}


def _many(kinds: str, dishes: int = 2, start: int = 0) -> list[dict[str, Any]]:
    """An event an hour of kinds by their first letters."""
    names = {name[0]: name for name in ("like", "dislike", "order")}
    return [
        _row(
            "events", person_id=f"p{start + number}", dish_id=f"d{number % dishes}", kind=names[letter],
            event_id=f"{start + number}",
            occurred_at=datetime(2026, 2, 1, tzinfo=UTC) + timedelta(hours=start + number),
        )
        for number, letter in enumerate(kinds)
    ]  # fmt: skip


def test_a_stale_inbox_a_shifted_share_of_likes_and_unusual_volumes_warn_and_stop_nothing() -> None:
    tables = _tables()
    quiet = dataclasses.replace(
        NIGHT, newest="2026-02-01T12:00:00+00:00", previous_newest="2026-01-31T12:00:00+00:00",
        like_share=0.5, previous_like_share=0.6, previous_events=2, past_news=(2, 3, 2, 3, 2),
    )  # fmt: skip
    assert not _warned(_check(tables, quiet, PARAMS))
    for changes, column in (
        ({"previous_newest": quiet.newest}, "newest_event"),
        ({"like_share": 0.9}, "like_share_shift"),
        ({"past_news": (40, 50, 40, 50, 40)}, "new_events"),
    ):
        report = _check(tables, dataclasses.replace(quiet, **changes), PARAMS)
        assert ("night", column) in _warned(report), column
        assert not report.failed
    few_nights = dataclasses.replace(quiet, past_news=(40, 50))
    assert not _warned(_check(tables, few_nights, PARAMS))


def test_an_event_of_somebody_outside_the_table_of_people_warns_and_stops_nothing() -> None:
    tables = _tables()
    tables["events"][0].update(person_id="bob")
    report = _check(tables, NIGHT, PARAMS)
    assert ("events", "person_exists") in _warned(report)
    assert not report.failed


def test_one_persons_share_and_a_dish_that_was_never_offered_warn_and_name_the_rows() -> None:
    tables = _tables()
    tables["dishes"].append(_row("dishes", dish_id="d7", name="Secret"))
    of_others = [(f"p{event}", "d0", f"{event}") for event in range(8, 17)]
    tables["events"] += [
        _row(
            "events", person_id=person, dish_id=dish, kind="like", event_id=event,
            occurred_at=datetime(2026, 2, 1, tzinfo=UTC),
        )
        for person, dish, event in [("ada", "d7", "7"), *of_others]
    ]  # fmt: skip
    report = _check(tables, NIGHT, PARAMS)
    warned = _warned(report)
    assert "person_id=ada" in warned["shares", "share_of_events"][0]
    assert "event_id=7" in warned["events", "ever_offered"][0]
    assert not report.failed
    tables["menus"] = []
    for event in tables["events"]:
        event["kind"] = "order"
    assert ("events", "ever_offered") not in _warned(_check(tables, NIGHT, PARAMS))


@pytest.mark.parametrize(
    ("older", "news", "dishes", "columns_warned"),
    [
        ("lldo" * 20, "lldo" * 5, (2, 2), set()),
        ("l" * 80, "d" * 20, (2, 2), {"kind"}),
        ("ld" * 40, "ld" * 10, (2, 1), {"dish_id"}),
        ("ld" * 40, "ld" * 10, (1, 2), set()),  # half the news are of new dishes: a menu that changes
    ],
)
def test_news_of_other_kinds_or_of_fewer_recurring_dishes_warn(
    older: str, news: str, dishes: tuple[int, int], columns_warned: set[str]
) -> None:
    tables = _tables()
    tables["menus"], tables["events"] = [], _many(older, dishes[0]) + _many(news, dishes[1], len(older))
    newest = tables["events"][len(older) - 1]["occurred_at"].isoformat()
    night = dataclasses.replace(
        NIGHT, previous_newest=newest, newest=tables["events"][-1]["occurred_at"].isoformat()
    )
    params = PARAMS.model_copy(update={"max_growth": 100.0})
    report = _check(tables, night, params)
    assert {column for table, column in _warned(report) if table == "news"} == columns_warned
    assert not report.failed


def test_who_says_it_again_and_again_shifts_no_kinds_and_no_dishes() -> None:
    tables = _tables()
    again = _many("d" * 300, 1, 80)
    for row in again:
        row["person_id"] = "eve"
    tables["menus"], tables["events"] = [], _many("ld" * 40) + _many("ld" * 10, 2, 400) + again
    night = dataclasses.replace(NIGHT, previous_newest=tables["events"][79]["occurred_at"].isoformat())
    report = _check(tables, night, PARAMS.model_copy(update={"max_growth": 100.0}))
    assert not [column for table, column in _warned(report) if table == "news"]


def test_data_docs_say_what_failed_and_load_nothing(tmp_path: Path) -> None:
    tables, hostile = _tables(), "<img src=x onerror=alert(1)>"
    tables["events"][0].update(dish_id="<script>alert(1)</script>", event_id=hostile, kind="<svg onload=x>")
    report = _check(tables, NIGHT, PARAMS, tmp_path / "docs")
    assert any(f"event_id={hostile}" in row for result in report.failed for row in result.first_rows)
    page_files = list((tmp_path / "docs").rglob("*.html"))
    assert (tmp_path / "docs" / "index.html") in page_files
    pages_text = "".join(file.read_text() for file in page_files)
    assert "dish_exists" in pages_text
    details = [file for file in page_files if "in detail" in str(file) and "events" in str(file)]
    assert details  # which rows broke an expectation is asked of those that failed
    assert all("rating_has_value" not in file.read_text() for file in details)
    assert "<script" not in pages_text
    assert "<img src=x" not in pages_text
    assert "<svg onload" not in pages_text
    assert "onerror=alert" in pages_text  # the id is shown, as text
    assert all("Content-Security-Policy" in file.read_text() for file in page_files)
    judged = next(file.read_text() for file in details if "validations" in file.parts)
    assert 'id="option2"' in judged  # the button "Failed Only", which works by our style alone
    assert "#option2:checked" in judged
    index = (tmp_path / "docs" / "index.html").read_text()
    links = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', index))
    assert all((tmp_path / "docs" / unquote(link)).is_file() for link in links)
    assert {"events, all", "night, in detail"} <= set(links.values())
    assert re.search(r"events, in detail</a> <span[^>]*>failed", index)
    assert not re.search(r"people, all</a> <span[^>]*>failed", index)
    assert not re.search(r"<(link|img)[^>]*https?:", pages_text)
