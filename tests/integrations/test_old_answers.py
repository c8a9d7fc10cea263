"""Answers of a store that an older Palate made."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from components.domain.exposures import Exposure, Shown
from components.domain.records import Dish
from components.integrations.service_store import ServiceStore, answers_since, move_old_answers
from components.integrations.service_store.answers import EXPOSURES
from components.integrations.service_store.engine import META
from tests.answers import exposure_of

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


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
