"""What people said to the service comes into the night, once; a forgotten person leaves the store, too."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from components.domain.diet.nutrition import nutrition_of
from components.domain.exposures import Exposure, Feedback, Shown
from components.domain.feedback import stored_id
from components.domain.records import Dish
from components.integrations import event_sources, foods
from components.integrations.service_store import Catalogue, ServiceStore
from flows.environment import REPO
from flows.night.publication import FOODS
from tests.accepted import stored_events
from tests.answers import feedback_in
from tests.flows.clones import Done, copy_of, run_flows, run_night


def _feedback(event_id: str, person: str, dish: str, kind: str, answer_id: str = "") -> Feedback:
    return Feedback(event_id, person, dish, kind, None, answer_id, datetime.now(UTC))


@pytest.mark.slow
def test_feedback_comes_into_the_night_once_with_its_menu_and_a_person_leaves_the_store(
    night: Done, inbox: Path, prefect: dict[str, str], tmp_path: Path
) -> None:
    clone = copy_of(night.clone, tmp_path / "clone")
    with (inbox / "dishes.csv").open() as file:
        listed = next(csv.DictReader(file))
    dishes = [Dish(listed["dish_id"], listed["name"]), Dish("new", "Okra pancake", tags=("vegan",))]
    url = f"sqlite:///{clone / '.palate/service.db'}"
    store = ServiceStore(url)
    shown = tuple(Shown(dish, 0.5, 1.0) for dish in dishes)
    store.add_exposure(Exposure("v1/a", "zoe_b", datetime.now(UTC), shown, "{}", "1", "x"))
    other = (Shown(Dish(listed["dish_id"], "Qqqq wwww"), 0.5, 1.0),)
    store.add_exposure(Exposure("v1/b", "eve", datetime.now(UTC), other, "{}", "1", "x"))
    store.add_feedback(_feedback("f1", "zoe_b", "new", "choice", "v1/a"))
    store.add_feedback(_feedback("f2", "zoe_b", listed["dish_id"], "like"))
    store.add_feedback(_feedback("f3", "zoe_b", "never listed", "like"))

    first = run_night(clone, "--data", str(inbox), env=prefect)
    assert first.returncode == 0, first.stderr
    tables = event_sources.read_tables(clone / "data/events")
    events = stored_events(clone / "data/events")
    theirs = {row["event_id"]: row for row in events if row["source"] == "service"}
    chosen = stored_id("f1", "zoe_b")
    assert theirs.keys() == {chosen, stored_id("f2", "zoe_b")}
    assert theirs[chosen]["menu_id"] == "v1/a"
    assert {row["dish_id"] for row in tables["menus"] if row["menu_id"] == "v1/a"} == {
        "new",
        listed["dish_id"],
    }
    assert "Okra pancake" in {row["name"] for row in tables["dishes"]}
    waiting = "2 rows = 2 accepted + 0 duplicates + 0 quarantined; 1 of unknown dishes and 0 more wait"
    assert waiting in first.stdout
    assert "these in the inbox" in (clone / ".palate/alarms.jsonl").read_text()

    (row,) = re.findall(r"^\d{4}-\d\d-\d\d +1 +2 +50% \(.*\) +1 +100% \(.*\) +2\.0$", first.stdout, re.M)
    page = (clone / "reports/night.html").read_text()  # two answers, one with a choice of its second dish
    assert "Answers of the service" in page
    assert f'<td>{row.split()[0]}</td><td>1</td><td class="n">2</td>' in page
    assert "zoe_b" not in page + first.stdout

    person = Catalogue(url).person("zoe_b")  # published, and nothing counts twice
    assert sorted(past.dish_id for past in person.history) == sorted(["new", listed["dish_id"]])
    catalogue = {each.dish.name: each for each in Catalogue(url).dishes()}
    assert catalogue[listed["name"]].is_offered
    assert not catalogue["Okra pancake"].is_offered  # a caller's words make it safe for nobody
    prepared = foods.read_foods(FOODS)
    assert all(catalogue[row["name"]].nutrition == nutrition_of(row, prepared) for row in tables["dishes"])
    assert foods.digest(clone / FOODS.relative_to(REPO))[:12] in Catalogue(url).version()

    assert person.published_at
    assert person.eaten.keys() == {"new"}  # chosen; a like is no meal
    store.add_feedback(_feedback("f4", "eve", listed["dish_id"], "like", "v1/b"))
    again = run_night(clone, "--data", str(inbox), env=prefect)
    assert again.returncode == 0, again.stderr
    assert len(stored_events(clone / "data/events")) == len(events)
    confirmed = Catalogue(url).person("zoe_b").published_at
    assert confirmed
    assert confirmed > person.published_at
    assert "was shown as 'Qqqq wwww'" in (clone / "data/quarantine/events.jsonl").read_text()

    done = run_flows(clone, "forget", "zoe_b")
    assert re.search(r"2 events, 0 people, 0 quarantined, \d rows of the service", done.stdout)
    assert {row["person_id"] for row in feedback_in(url)} == {"eve"}
