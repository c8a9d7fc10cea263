"""What one person, and people whom nobody knows, may send in a day: refused before it is acknowledged."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from components.domain.errors import QuotaReached
from components.domain.exposures import Feedback
from components.integrations.service_store import ServiceStore, full_days
from components.integrations.service_store.answers import FEEDBACK
from components.integrations.service_store.quotas import MOST_A_DAY
from serving.store import STORE
from tests.answers import feedback_in
from tests.serving.conftest import listening, send, set_limits
from tests.serving.published import BOB, LIKE, MENU, publish

DAY_S = 86_400


def test_a_person_sends_so_much_a_day_and_what_was_acknowledged_stays_so(storing: str, url: str) -> None:
    publish(url, [BOB])
    first = send(f"{storing}/feedback", **(LIKE | {"event_id": "first"}))[0]
    today = [_row(number, datetime.now(UTC)) for number in range(MOST_A_DAY - 2)]
    yesterday = [_row(-1 - number, datetime.now(UTC) - timedelta(days=1)) for number in range(50)]
    with ServiceStore(url).engine.begin() as connection:
        connection.execute(sa.insert(FEEDBACK), today + yesterday)
    last = send(f"{storing}/feedback", **LIKE)[0]
    status, answer, headers = send(f"{storing}/feedback", **LIKE)
    assert (first, last, status) == (200, 200, 429)
    assert f"{MOST_A_DAY} rows of feedback of this person" in answer["error"]
    assert 0 < int(headers["Retry-After"]) <= DAY_S
    assert send(f"{storing}/feedback", **(LIKE | {"event_id": "first"}))[1]["again"] is True
    assert send(f"{storing}/feedback", **(LIKE | {"person_id": "ada"}))[0] == 200
    assert len(feedback_in(url)) == MOST_A_DAY + len(yesterday) + 1


def _row(number: int, received_at: datetime) -> dict[str, object]:
    about = {"event_id": f"e{number}", "occurred_at": received_at, "received_at": received_at}
    return {**LIKE, **about, "value": None, "answer_id": ""}


def test_invented_people_are_few_a_day_whoever_counts_and_those_known_go_on(
    served: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_limits(served, max_new_people=2)
    monkeypatch.setenv(STORE, url)
    publish(url, [BOB])
    for _ in range(2):  # a service that starts again, or beside, counts on
        with listening() as address, httpx.Client(base_url=address, timeout=60) as client:
            for person in ("invented 1", "invented 2", "invented 3", "invented 4"):
                client.post(
                    "/rank", json={"person_id": person, "dishes": MENU}
                )  # an answer makes nobody known
            statuses = {
                person: client.post("/feedback", json=LIKE | {"person_id": person}).status_code
                for person in ("invented 1", "invented 2", "bob", "invented 3", "invented 4", "bob")
            }
        assert [statuses[f"invented {number}"] for number in range(1, 5)] == [200, 200, 429, 429]
        assert statuses["bob"] == 200
    stored = Counter(row["person_id"] for row in feedback_in(url))
    assert stored == {"invented 1": 2, "invented 2": 2, "bob": 4}
    today = datetime.now(UTC)
    assert full_days(ServiceStore(url).engine, today) == [(str(today.date()), 2)]


def test_workers_that_count_at_once_take_no_more_than_one_would(served: Path, url: str) -> None:
    stores = [ServiceStore(url) for _ in range(3)]

    def take(number: int) -> bool:
        feedback = Feedback(f"f{number}", f"p{number}", "peas", "like", None, "", datetime.now(UTC))
        try:
            stores[number % 3].add_feedback(feedback, most_newcomers=5)
        except QuotaReached:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(take, range(24)))
    assert sum(answers) == len(feedback_in(url)) == 5
