"""The service's store, asked directly."""

from __future__ import annotations

import multiprocessing
import sqlite3
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.domain.catalogue import Thresholds
from components.domain.errors import StageFailed
from components.domain.exposures import Exposure, Feedback
from components.integrations.service_store import Catalogue, ServiceStore, begin_reading, refuse_unmoved
from components.integrations.service_store.answers import EXPOSURES, FEEDBACK
from tests.postgresql import postgresql

ROUNDS = 20
OLD = (  # the store of a version that knew no erasures, and not of how many dishes an answer is the best
    "CREATE TABLE exposures (answer_id VARCHAR(200) PRIMARY KEY, person_id VARCHAR(200), at TIMESTAMP, "
    "shown JSON, filters TEXT, model_version VARCHAR(50), data_version VARCHAR(50))"
)


def test_a_row_from_a_clock_that_was_ahead_or_behind_mutes_nobodys_later_feedback(tmp_path: Path) -> None:
    url, now = f"sqlite:///{tmp_path / 'service.db'}", datetime.now(UTC)
    store, catalogue = ServiceStore(url), Catalogue(url)

    def like(dish: str, received_at: datetime) -> None:
        store.add_feedback(Feedback(dish, "ada", dish, "like", None, "", now))
        row = sa.update(FEEDBACK).where(FEEDBACK.c.sent_id == dish)
        with store.engine.begin() as connection:
            connection.execute(row.values(received_at=received_at))

    def live() -> list[str]:
        return sorted(past.dish_id for past in catalogue.person("ada").history)

    like("read", now + timedelta(days=300))
    begin_reading(store.engine)
    like("while the night runs", now)
    catalogue.publish("v1", Thresholds(4, 2), [], [], [("ada", [])])
    assert live() == ["while the night runs"]
    like("after it", now - timedelta(days=300))
    assert live() == ["after it", "while the night runs"]
    begin_reading(store.engine)  # a night whose checks fail
    assert live() == ["after it", "while the night runs"]
    begin_reading(store.engine)
    catalogue.confirm(now)
    assert live() == []


def test_answers_whose_dishes_no_night_reads_any_more_are_refused(tmp_path: Path) -> None:
    store = ServiceStore(f"sqlite:///{tmp_path / 'service.db'}")
    store.add_exposure(Exposure("a", "ada", datetime.now(UTC), (), "{}", "1", "x"))
    refuse_unmoved(store.engine)
    with store.engine.begin() as connection:
        connection.execute(sa.update(EXPOSURES).values(shown=[{"dish": {"dish_id": "7"}}]))
    with pytest.raises(StageFailed, match="holds answers of a development version"):
        refuse_unmoved(store.engine)


def test_a_removal_that_a_reader_keeps_from_being_final_is_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "service.db"
    store = ServiceStore(f"sqlite:///{file}")
    store.add_feedback(Feedback("e1", "ada lovelace", "1", "like", None, "", datetime.now(UTC)))
    with sqlite3.connect(file, isolation_level=None) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM feedback").fetchall()
        with pytest.raises(StageFailed, match="run again"):
            store.forget("ada lovelace")
        reader.execute("COMMIT")
    reader.close()
    assert store.forget("ada lovelace") == 0
    assert not any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_processes_that_open_an_older_store_at_once_bring_it_up_to_date(
    kind: str, tmp_path: Path
) -> None:
    if kind == "sqlite":
        _open_all([f"sqlite:///{tmp_path}/{number}.db" for number in range(ROUNDS)])
        return
    with postgresql("older") as server:
        with sa.create_engine(server, poolclass=sa.NullPool).begin() as connection:
            for number in range(ROUNDS):
                connection.execute(sa.text(f"CREATE SCHEMA s{number}"))
        _open_all([f"{server}?options=-csearch_path%3Ds{number}" for number in range(ROUNDS)])


def _open_all(urls: list[str]) -> None:
    """Opens each store by two processes in the same moment."""
    for url in urls:
        with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
            connection.execute(sa.text(OLD))
    new = multiprocessing.get_context("spawn")
    barrier, failures = new.Barrier(2), new.SimpleQueue()
    processes = [new.Process(target=_open_each, args=(urls, barrier, failures)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert failures.empty(), failures.get()
    for url in urls:
        store = ServiceStore(url)
        assert "ranked" in {column["name"] for column in sa.inspect(store.engine).get_columns("exposures")}
        store.engine.dispose()


def _open_each(urls: list[str], barrier: Barrier, failures: SimpleQueue[str]) -> None:
    for url in urls:
        barrier.wait(60)
        try:
            ServiceStore(url).engine.dispose()
        except StageFailed as error:
            failures.put(str(error))
