"""Who is new gets what others chose, most of those who could."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.domain.catalogue import Thresholds
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.limits import Limits
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.preferences.popularity import popularities
from components.integrations.service_store import Catalogue
from components.integrations.sources.folder import Folder
from flows.night.publication import dishes_with_popularity
from serving.store import STORE
from tests.accepted import accept
from tests.conftest import REPO
from tests.serving.conftest import listening, send
from tests.serving.published import publish


def test_on_the_canteen_the_most_chosen_share_comes_first(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv(STORE, url)
    raw = Folder(str(REPO / "data" / "sample" / "canteen")).read({}).tables
    tables = accept(raw, {}, Limits(datetime.now(UTC), (0, 100))).tables
    dishes, menus = dishes_of(tables["dishes"]), menus_of(tables["menus"])
    log = opinion_log(EventColumns.of(tables["events"]), dishes, menus, Scale(4, 2, "Europe/Zurich"))
    Catalogue(url).publish("v1", Thresholds(4, 2), dishes_with_popularity(tables, log), [], [])
    with listening() as address:
        status, answer, _ = send(f"{address}/recommend", person_id="nobody", k=6)
    assert (status, answer["cold_start"]) == (200, True)
    popular = popularities(log)
    best = sorted(popular, key=lambda dish: -popular[dish].share)[:6]
    assert [dish["dish_id"] for dish in answer["dishes"]] == best != [f"d0{number}" for number in range(1, 7)]
    assert [dish["score"] for dish in answer["dishes"]] == [popular[dish].share for dish in best]


def test_among_equals_the_number_of_opinions_decides_and_an_older_store_has_none(
    served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'service.db'}"
    monkeypatch.setenv(STORE, url)
    publish(url, [])  # both at 0.5
    catalogue = Catalogue(url)
    orders = [_order()]
    for version, opinions in (("v2", {"cake": 1, "peas": 2}), ("v3", {"cake": 2, "peas": 1})):
        rows = [
            ({**vars(one.dish), "allergens": None, "opinions": opinions[one.dish.dish_id]}, 0.5, True)
            for one in catalogue.dishes()
        ]
        catalogue.publish(version, Thresholds(4, 2), rows, [], [])
        orders.append(_order())
    assert orders == [["cake", "peas"], ["peas", "cake"], ["cake", "peas"]]


def _order() -> list[str]:
    with listening() as address:
        return [dish["dish_id"] for dish in send(f"{address}/recommend", person_id="nobody")[1]["dishes"]]
