"""A plan as iCalendar, read again by the package that wrote it."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar

from components.domain.catalogue import Thresholds
from components.domain.preferences.contract import columns
from components.integrations.service_store import Catalogue
from tests.serving.published import ADA, BOB, EMPTY

NAMES = {
    "long": "Pea stew, " + "with very many peas; " * 8 + "and more",
    "rtl": "\u05de\u05e8\u05e7 \u05d0\u05e4\u05d5\u05e0\u05d4",
    "emoji": "Pasta \U0001f35d\u200d\U0001f525, al forno\\n\nof two lines",
}
FEED = {"person_id": "guest", "allergies": []}


@pytest.fixture
def store(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    dishes = [
        dict.fromkeys(columns("dishes")) | EMPTY | {"dish_id": key, "name": NAMES[key]} for key in NAMES
    ]
    Catalogue(url).publish("v1", Thresholds(4, 2), [(dish, 0.5, True) for dish in dishes], [ADA, BOB], [])
    return url


def _asked(address: str, accept: str, **body: Any) -> tuple[str, bytes]:
    household = {"people": [FEED], "days": 3, "slots": [{"name": "dinner"}]}
    headers = {"Content-Type": "application/json", "Accept": accept}
    request = urllib.request.Request(f"{address}/plan", json.dumps(household | body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers.get_content_type(), answer.read()


def test_each_meal_is_an_event_whatever_the_letters_of_its_dishes(knowing: str) -> None:
    slots = [{"name": "dinner", "time": "18:30"}, {"name": "tea", "portions": [1.5], "dishes": ["rtl"]}]
    kind, text = _asked(knowing, "text/calendar;q=1, */*", first_day="2027-02-27", slots=slots)
    assert kind == "text/calendar"
    assert max(len(line) for line in text.split(b"\r\n")) <= 75
    events = Calendar.from_ical(text).walk("VEVENT")
    dinners, teas = (
        [event for event in events if event["SUMMARY"].startswith(name)] for name in ("dinner", "tea")
    )
    assert [event["DTSTART"].dt for event in dinners] == [
        datetime(2027, month, day, 18, 30) for month, day in ((2, 27), (2, 28), (3, 1))
    ]
    assert [event["DTSTART"].dt for event in teas] == [date(2027, 2, 27), date(2027, 2, 28), date(2027, 3, 1)]
    assert {event["SUMMARY"] for event in dinners} == {f"dinner: {name}" for name in NAMES.values()}
    assert {event["SUMMARY"] for event in teas} == {f"tea: 1.5 x {NAMES['rtl']}"}
    assert all(event["DESCRIPTION"].endswith(": guest") for event in events)
    assert len({event["UID"] for event in events}) == 6


def test_a_calendar_begins_today_and_json_is_the_answer_to_all_others(knowing: str) -> None:
    before = datetime.now(UTC).date()
    _, text = _asked(knowing, "TEXT/CALENDAR", days=1)
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert before <= event["DTSTART"].dt <= before + timedelta(days=1)
    for accept in ("*/*", "application/json", "text/*", "text/calendars"):
        kind, text = _asked(knowing, accept, days=1)
        assert (kind, json.loads(text)["status"]) == ("application/json", "optimal")
    kind, text = _asked(knowing, "text/calendar", days=1, slots=[{"name": "tea", "tags": ["none"]}])
    assert (kind, json.loads(text)["status"]) == ("application/json", "impossible")
