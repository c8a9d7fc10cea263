"""The scores of the latest answers, one of each person, from a store of today's or of an older Palate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.domain.exposures import Exposure, Shown
from components.domain.records import Dish
from components.domain.verdict.score_shift import ServedScores
from components.integrations.service_store import ServiceStore, answers_since, move_old_answers, served_scores
from components.integrations.service_store.answers import EXPOSURES
from components.integrations.service_store.engine import META
from tests.answers import exposure_of
from tests.postgresql import postgresql

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql("scores") as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'service.db'}"
    server = str(request.getfixturevalue("server"))
    META.drop_all(sa.create_engine(server))
    return server


def _add(
    store: ServiceStore, name: str, person: str, at: datetime, scores: list[float], ranked: int | None,
    version: str = "1",
) -> None:  # fmt: skip
    shown = tuple(Shown(Dish(f"d{number}", "x"), score, 1.0) for number, score in enumerate(scores))
    store.add_exposure(Exposure(name, person, at, shown, "{}", version, "x", ranked))


def test_each_person_counts_once_a_version_with_what_the_model_scored_last(url: str) -> None:
    store = ServiceStore(url)
    assert served_scores(store.engine, NOW - WEEK, NOW) == []
    _add(store, "a", "ada", NOW - timedelta(hours=9), [9.0, 1.0], 2)
    _add(store, "b", "ada", NOW - timedelta(hours=2), [2.5, 2.0, 1.0], 90)
    _add(store, "c", "ada", NOW - timedelta(hours=1), [0.9, 0.8], 0)  # popular dishes for a stranger
    _add(store, "d", "ada", NOW - timedelta(hours=3), [4.0], 1, "2")
    _add(store, "e", "eve", NOW - WEEK, [1.0, 1.0], 6)
    _add(store, "f", "eve", NOW - timedelta(hours=1), [], 0)
    _add(store, "g", "old", NOW - 2 * WEEK, [3.0, 1.0], 2)
    _add(store, "h", "new", NOW, [3.0, 1.0], 2)
    _add(store, "i", "before", NOW - timedelta(hours=1), [3.0, 1.0], None)  # by an older service
    scores = served_scores(store.engine, NOW - WEEK, NOW)
    assert scores == [
        ServedScores("1", 90, 2.5, 0.5), ServedScores("2", 1, 4.0, None), ServedScores("1", 6, 1.0, 0.0),
    ]  # fmt: skip
    assert exposure_of(url, "b").ranked == 90  # type: ignore[union-attr]


def test_a_store_of_an_older_palate_gets_the_column_and_keeps_its_rows(url: str) -> None:
    engine = ServiceStore(url).engine
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE exposures DROP COLUMN ranked"))
        shown = [{"dish": asdict(Dish("d", "x")), "score": 1.0, "propensity": 1.0}]
        row = {"answer_id": "a", "person_id": "ada", "at": NOW, "shown": shown, "filters": "{}"}
        connection.execute(sa.insert(EXPOSURES).values(row | {"model_version": "1", "data_version": "x"}))
    store = ServiceStore(url)
    for _ in range(2):  # opened and moved again, nothing is added twice
        move_old_answers(ServiceStore(url).engine)
    exposure = exposure_of(url, "a")
    assert exposure
    assert exposure.ranked is None
    _add(store, "b", "ada", NOW, [2.0], 1)
    assert len(list(answers_since(store.engine, NOW - WEEK))) == 2
    assert served_scores(store.engine, NOW - WEEK, NOW + WEEK) == [ServedScores("1", 1, 2.0, None)]
