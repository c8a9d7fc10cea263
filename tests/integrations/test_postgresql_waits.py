"""A PostgreSQL that freezes in a query, or where a lock is held: one sentence, and then all is as before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from psycopg2 import extensions

from components.domain.errors import DataRejected, StageFailed
from components.domain.exposures import Feedback
from components.integrations import postgresql_waits
from components.integrations.service_store import ServiceStore
from components.integrations.sources.database import SILENCE, Database
from tests.answers import feedback_in
from tests.postgresql import backends, frozen, postgresql

SILENCE_S = 2
BOUND_S = 60  # for what waits SILENCE_S, or for a new connection, on a busy machine
EVENTS = (
    "CREATE TABLE events (person_id text, dish_id text, kind text, occurred_at text)",
    "INSERT INTO events SELECT 'ada', 'd' || n, 'like', '2026-01-01' FROM generate_series(1, 50000) AS n",
)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql("meals") as url:
        with sa.create_engine(url).begin() as connection:
            for statement in EVENTS:
                connection.execute(sa.text(statement))
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """A server of which this process waits for SILENCE_S."""
    postgresql_waits.limit(SILENCE_S)
    yield server
    extensions.set_wait_callback(None)


def _in_time(work: Callable[[], object], error: type[Exception], words: str) -> None:
    since = time.monotonic()
    with pytest.raises(error, match=words):
        work()
    assert time.monotonic() - since < BOUND_S


def _feedback(number: int) -> Feedback:
    return Feedback(f"e{number}", "ada", "d1", "like", None, "", datetime.now(UTC))


@pytest.mark.slow
def test_a_store_that_freezes_is_a_sentence_and_answers_again_by_itself(url: str) -> None:
    store = ServiceStore(url)
    store.add_feedback(_feedback(1))
    one, *_ = backends(url)
    with frozen(one):  # the pool's connection
        assert store.answer_of(_feedback(1)) is None  # by another backend
    assert store.add_feedback(_feedback(1)).event_id == "e1"
    with frozen(one.parent(), *backends(url)):
        _in_time(lambda: store.add_feedback(_feedback(2)), StageFailed, "silent for 2 s")
    assert store.add_feedback(_feedback(2)).event_id == "e2"
    assert len(feedback_in(url)) == 2


@pytest.mark.slow
def test_a_store_in_which_a_lock_is_held_is_a_sentence_and_leaves_nobody_waiting(url: str) -> None:
    postgresql_waits.limit(SILENCE_S + 3)  # as the service does: the server's own limit comes first
    store = ServiceStore(url)
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as other:
        other.execute(sa.text("LOCK TABLE feedback IN ACCESS EXCLUSIVE MODE"))
        _in_time(lambda: store.add_feedback(_feedback(3)), StageFailed, "lock timeout")
        assert other.execute(sa.text(WAITING)).scalar() == 0
    assert store.add_feedback(_feedback(3)).event_id == "e3"


@pytest.mark.slow
def test_an_inbox_that_freezes_or_is_locked_is_a_sentence(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SILENCE, str(SILENCE_S))
    postgresql_waits.limit(SILENCE_S + 5)
    silent = Database(url, {"events": "SELECT *, pg_sleep(60) FROM events"})
    _in_time(lambda: silent.read({}), DataRejected, "cannot be read .canceling statement due")
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as other:
        other.execute(sa.text("LOCK TABLE events IN ACCESS EXCLUSIVE MODE"))
        _in_time(lambda: Database(url).read({}), DataRejected, "cannot be read .canceling statement due")
    assert len(Database(url).read({}).tables["events"]) == 50_000
