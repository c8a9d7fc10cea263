"""Feedback as rows behind those of an inbox: whose dish it is, when it counts, and that it counts once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.domain.exposures import Exposure, Feedback, Shown
from components.domain.feedback import NEW_DISHES, stored_id
from components.domain.preferences.contract import Stored
from components.domain.preferences.events import Counts, RawRow
from components.domain.preferences.limits import Limits
from components.domain.records import Dish
from components.integrations.service_store import ServiceStore, prune
from components.integrations.service_store.answers import FEEDBACK
from components.integrations.service_store.catalogue import PUBLISHED
from components.integrations.sources.batches import Rows
from components.integrations.sources.intake import take_in
from flows.night.feedback import with_feedback
from tests.accepted import events_of

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOUP = {"dish_id": "7", "name": "Green soup", "allergens": "milk"}
LIKE = {"person_id": "ada", "dish_id": "7", "kind": "like", "occurred_at": "2026-10-31T12:00:00Z"}
Given = Sequence[dict[str, str]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceStore:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv("PALATE_STORE", url)
    return ServiceStore(url)


def _show(store: ServiceStore, answer: str, *dishes: Dish, person: str = "ada", at: datetime = NOW) -> None:
    shown = tuple(Shown(dish, 0.1, 1.0) for dish in dishes)
    store.add_exposure(Exposure(answer, person, at, shown, "{}", "1", "x"))


def _like(store: ServiceStore, dish: Dish) -> None:
    answer = f"answer {dish.dish_id}"
    _show(store, answer, dish)
    store.add_feedback(Feedback(answer, "ada", dish.dish_id, "like", None, answer, NOW))


def _store_likes(store: ServiceStore, dishes: Sequence[str], answer: str = "") -> None:
    """Likes in one transaction, as many requests would leave them."""
    rows = [
        {"event_id": stored_id(str(number), "eve"), "sent_id": str(number), "person_id": "eve",
         "dish_id": dish, "kind": "like", "answer_id": answer, "occurred_at": NOW, "received_at": NOW}
        for number, dish in enumerate(dishes)
    ]  # fmt: skip
    with store.engine.begin() as connection:
        connection.execute(sa.insert(FEEDBACK), rows)


class Night:
    """A night on an inbox and the store.

    Attributes:
        tables: Accepted rows.
        inbox: What became of the inbox's rows, by table.
        feedback: What became of the feedback that was read.
        news: What was read of the store.
    """

    def __init__(
        self, before: Stored, dishes: Given = (SOUP,), people: Given = (), events: Given = ()
    ) -> None:
        inbox = {"dishes": dishes, "people": people, "events": events}
        raw = {
            name: Rows.of(name, [RawRow(name, line, row) for line, row in enumerate(rows, 1)])
            for name, rows in inbox.items()
            if rows
        }
        stored: Stored = {"dishes": [], "people": [], "menus": [], "events": [], **before}
        limits, earlier = Limits(datetime(2026, 11, 2, tzinfo=UTC), (0, 5)), events_of(stored.pop("events"))
        first = take_in(raw, stored, earlier, limits)
        both, self.news = with_feedback(first, limits, has_people=bool(people))
        self.inbox = first.collected.counts
        self.feedback = both.collected.counts["events"] if both is not first else Counts()
        self.tables: Stored = {**both.collected.tables, "events": both.events.to_pylist()}
        self.events = {row["event_id"]: row for row in self.tables["events"]}
        self.reasons = [row.reason for row in both.collected.quarantined]


@pytest.mark.parametrize("typed", ["7", "7 ", " 7"])
@pytest.mark.parametrize("name", ["Green soup", "Xyz"])
def test_a_callers_dish_never_takes_the_place_of_the_inboxs(
    store: ServiceStore, typed: str, name: str
) -> None:
    first = Night({}).tables
    _like(store, Dish(typed, name, ingredients=("peas",)))
    for dishes in ([SOUP], []):  # also on a night whose inbox does not list it
        night = Night(first, dishes)
        (dish,) = night.tables["dishes"]
        assert (dish["dish_id"], dish["name"], dish["allergens"]) == ("7", "Green soup", ("milk",))
        assert (len(night.events), len(night.reasons)) == ((1, 0) if name == "Green soup" else (0, 1))


def test_a_dish_that_only_a_caller_described_is_hidden_until_the_inbox_has_it(store: ServiceStore) -> None:
    _like(store, Dish("g1", "Peas", ingredients=("peas",)))
    first = Night({}).tables
    assert {dish["dish_id"]: dish["hidden"] for dish in first["dishes"]} == {"7": False, "g1": True}
    second = Night(first, [SOUP, {"dish_id": "g1", "name": "Peas", "allergens": "milk"}]).tables
    (peas,) = (dish for dish in second["dishes"] if dish["dish_id"] == "g1")
    assert (peas["hidden"], peas["allergens"]) == (False, ("milk",))


def test_feedback_that_comes_before_its_person_counts_once_they_are_there(store: ServiceStore) -> None:
    store.add_feedback(Feedback("f2", "new", "7", "like", None, "", NOW))
    first = Night({}, people=[{"person_id": "ada"}])
    assert first.events == {}
    second = Night(first.tables, people=[{"person_id": "new"}])
    assert second.events.keys() == {stored_id("f2", "new")}
    assert Night(second.tables).events == second.events


def test_likes_of_a_dish_that_nobody_knows_stop_nothing_and_count_once_the_inbox_knows_it(
    store: ServiceStore,
) -> None:
    _store_likes(store, ["nope"] * 1500)
    first = Night({}, events=[LIKE])
    assert (first.news.aside, first.feedback, first.reasons) == (1500, Counts(), [])
    assert (len(first.events), first.inbox["events"].rows_in) == (1, 1)
    again = Night(first.tables)
    assert (again.news.aside, again.events) == (1500, first.events)
    third = Night(again.tables, [SOUP, {"dish_id": "nope", "name": "Nopal"}])
    assert (third.news.aside, third.feedback.accepted, len(third.events)) == (0, 1500, 1501)
    assert Night(third.tables).feedback == Counts()  # nothing is read twice


def test_a_night_takes_in_so_many_new_dishes_of_callers_and_the_rest_the_next_night(
    store: ServiceStore,
) -> None:
    dishes = [Dish(f"g{number}", f"Dish {number}") for number in range(NEW_DISHES + 5)]
    _show(store, "large", *dishes, person="eve")
    _store_likes(store, [dish.dish_id for dish in dishes], "large")
    first = Night({})
    assert (first.news.waiting, first.feedback.accepted) == (5, NEW_DISHES)
    second = Night(first.tables)
    assert (second.news.waiting, second.feedback.accepted) == (0, 5)


def test_an_id_that_a_stranger_sent_first_is_still_free_for_the_inbox(store: ServiceStore) -> None:
    for person in ("eve", "zoe"):  # a stranger's id gives nobody a conflict
        sent = Feedback("e961", person, "7", "dislike", None, "", NOW)
        assert store.add_feedback(sent) is sent
    first = Night({})
    second = Night(first.tables, events=[LIKE | {"event_id": "e961"}])
    assert second.inbox["events"].quarantined == 0
    assert second.events.keys() == {"e961", stored_id("e961", "eve"), stored_id("e961", "zoe")}


@pytest.mark.parametrize("inbox_is", ["earlier", "there too", "later"])
def test_the_inboxs_row_wins_over_feedback_that_says_the_same(store: ServiceStore, inbox_is: str) -> None:
    row = LIKE | {"event_id": "a1", "kind": "order"}
    tables = Night({}, events=[row]).tables if inbox_is == "earlier" else Night({}).tables
    store.add_feedback(Feedback("a1", "ada", "7", "order", None, "", NOW))
    store.add_feedback(Feedback("a2", "ada", "7", "order", None, "", NOW))
    if inbox_is == "later":
        tables = Night(tables).tables
        assert {each["event_id"] for each in tables["events"]} == {stored_id(f"a{n}", "ada") for n in (1, 2)}
    for _ in range(2):
        night = Night(tables, events=[row])
        assert night.events.keys() == {"a1", stored_id("a2", "ada")}
        tables = night.tables


def test_after_an_upgrade_nothing_is_taken_in_twice_and_events_keep_their_ids(store: ServiceStore) -> None:
    _show(store, "a", Dish("7", "Green soup"))
    old = {"person_id": "ada", "dish_id": "7", "value": None, "occurred_at": NOW, "received_at": NOW}
    with store.engine.begin() as connection:  # under the caller's ids, as the service once wrote
        for event_id, kind, answer in (("f1", "like", ""), ("f2", "choice", "a"), ("f3", "order", "a")):
            row = old | {"event_id": event_id, "kind": kind, "answer_id": answer}
            connection.execute(sa.insert(FEEDBACK).values(row))
    accepted = [  # what its night made of two of them
        {"person_id": "ada", "dish_id": dish, "kind": kind, "value": None, "menu_id": menu,
         "occurred_at": NOW, "event_id": event_id, "source": "service"}
        for event_id, kind, dish, menu in (("f1", "like", "7 (was Soup)", ""), ("f2", "choice", "7", "a"))
    ]  # fmt: skip
    night = Night({**Night({}).tables, "events": accepted})
    assert night.events.keys() == {"f1", "f2", stored_id("f3", "ada")}
    assert Night(night.tables).events == night.events
    for sent, again in (("f1", True), ("f4", False)):
        feedback = Feedback(sent, "ada", "7", "like", None, "", NOW)
        assert (store.add_feedback(feedback) is feedback) is not again
    about = Feedback("f5", "ada", "7", "like", None, "a", NOW)
    assert store.answer_of(about) == ("ada", True)


def test_an_answer_stays_until_its_feedback_is_read_and_what_comes_later_is_about_none(
    store: ServiceStore,
) -> None:
    soup, old = Dish("7", "Green soup"), NOW - timedelta(days=40)
    for answer in ("read", "unread", "young"):
        _show(store, answer, soup, at=NOW if answer == "young" else old)
    store.add_feedback(Feedback("f1", "ada", "7", "choice", None, "read", NOW))
    first = Night({})
    assert first.events[stored_id("f1", "ada")]["menu_id"] == "read"
    store.add_feedback(Feedback("f2", "ada", "7", "choice", None, "unread", NOW))
    before = NOW - timedelta(days=30)
    assert prune(store.engine, before) == 0  # no night has been accepted
    published = {"version": "v", "like_at": 4, "dislike_at": 2, "reading": 1}
    with store.engine.begin() as connection:
        connection.execute(sa.insert(PUBLISHED).values(published))
    assert prune(store.engine, before) == 1
    assert store.answer_of(Feedback("", "ada", "7", "like", None, "read", NOW)) is None
    store.add_feedback(Feedback("f3", "ada", "7", "choice", None, "read", NOW))
    second = Night(first.tables)
    assert second.events.items() > first.events.items()
    late = second.events[stored_id("f3", "ada")]
    assert (late["kind"], late["menu_id"]) == ("order", "")
    assert second.events[stored_id("f2", "ada")]["menu_id"] == "unread"
