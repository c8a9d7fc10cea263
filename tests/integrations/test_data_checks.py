"""Great Expectations finds every fault that is put into accepted tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from components.domain.params import CheckParams
from components.domain.preferences.contract import Stored, columns
from components.domain.records import CheckReport, NightFacts
from components.integrations import data_checks, pages

PARAMS = CheckParams(value_range=(0, 10), min_events=3, max_growth=3, max_quarantined_share=0.1)
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


def _failed(report: CheckReport) -> set[tuple[str, str]]:
    return {(each.table, each.column) for each in report.failed}


def test_good_tables_pass_every_check() -> None:
    report = data_checks.check(_tables(), NIGHT, PARAMS, 14)
    assert not report.failed
    assert len(report.results) > 20


FAULTS: list[tuple[str, Callable[[Stored], Any], tuple[str, str]]] = [
    ("unknown dish", lambda t: t["events"][0].update(dish_id="d9"), ("events", "dish_exists")),
    ("unknown person", lambda t: t["events"][0].update(person_id="bob"), ("events", "person_exists")),
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
    ("too few", lambda t: t["events"].__delitem__(slice(2, None)), ("events", "")),
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
    assert failure in _failed(data_checks.check(tables, NIGHT, PARAMS, 14))


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"previous_events": 5}, ("events", "")),  # events were lost
        ({"previous_events": 1}, ("events", "")),  # four times as many
        ({"rows_quarantined": 20}, ("night", "quarantined_share")),
    ],
)
def test_a_nights_volume_is_compared(change: dict[str, int], failure: tuple[str, str]) -> None:
    night = dataclasses.replace(NIGHT, **change)
    assert _failed(data_checks.check(_tables(), night, PARAMS, 14)) == {failure}


def test_local_times_may_run_ahead_by_the_skew() -> None:
    tables = _tables()
    tables["events"][0]["occurred_at"] = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=13)
    assert not data_checks.check(tables, NIGHT, PARAMS, 14).failed


def test_the_page_shows_failures_escapes_text_and_loads_nothing() -> None:
    tables = _tables()
    tables["events"][0].update(dish_id="<script>alert(1)</script>", event_id="<b>e</b>")
    page = pages.checks_page(data_checks.check(tables, NIGHT, PARAMS, 14), NIGHT)
    assert "1 failed" in page or "2 failed" in page
    assert "<b>e</b>" not in page
    assert "&lt;b&gt;e&lt;/b&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
