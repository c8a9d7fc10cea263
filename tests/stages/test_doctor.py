"""The page of `make doctor` on tables of many shapes: no traceback, and the words that matter."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.domain.errors import BadParams
from components.domain.params import Params
from components.domain.params_file import read_params, read_yaml, validate
from components.domain.preferences.event_columns import EventColumns
from components.domain.preferences.events import RawRow
from components.domain.preferences.limits import Limits
from components.stages.doctor import examine
from flows.machine.doctor import text, write_settings
from tests.accepted import accept
from tests.conftest import REPO

START, LATEST = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
Rows = dict[str, list[dict[str, Any]]]
PARAMS = read_params(REPO / "params.yaml")


def _page(rows: Rows, params: Params = PARAMS) -> str:
    raw = {
        table: [RawRow(f"{table}.csv", number, row) for number, row in enumerate(values, 1)]
        for table, values in rows.items()
    }
    collected = accept(raw, {}, Limits(LATEST, params.check.value_range))
    return examine(params, collected, EventColumns.of(collected.tables["events"]))


def _params(**sections: dict[str, Any]) -> Params:
    values = read_yaml(REPO / "params.yaml")
    for section, changes in sections.items():
        values[section] |= changes
    return validate(values, "params.yaml")


def _dishes(count: int, **more: str) -> list[dict[str, Any]]:
    return [{"dish_id": f"d{number}", "name": f"dish {number}", **more} for number in range(count)]


def _ratings(people: int, dishes: int, days: int, values: tuple[float, ...]) -> list[dict[str, Any]]:
    draw = random.Random(0)
    return [
        {
            "person_id": f"p{person}", "dish_id": f"d{dish}", "kind": "rating", "value": draw.choice(values),
            "occurred_at": (START + timedelta(days=draw.randrange(days))).isoformat(),
        }
        for person in range(people)
        for dish in range(dishes)
    ]  # fmt: skip


def test_an_empty_set_and_one_of_bad_rows_alone_have_a_page() -> None:
    assert "nothing: no event was accepted" in _page({})
    bad = [{"person_id": "p", "dish_id": "gone", "kind": "like", "occurred_at": "2026-01-01"}] * 3
    page = _page({"events": bad, "dishes": _dishes(2)})
    assert "3 of events, the first in events.csv at row 1: dish_id 'gone' is not in the dishes table" in page
    assert "60.0% of the rows are quarantined, and with more than 5.0% a night stops: mend" in page
    assert "max_quarantined_share" not in page


def _stated(kind: str, count: int, people: int = 40, dishes: int = 10) -> list[dict[str, Any]]:
    """Events of 20 days, of which nobody has more than one on a dish."""
    return [
        {
            "person_id": f"p{number % people}", "dish_id": f"d{number // people % dishes}", "kind": kind,
            "occurred_at": (START + timedelta(days=20 * number / count)).isoformat(),
        }
        for number in range(count)
    ]  # fmt: skip


def test_events_that_say_nothing_of_what_somebody_likes_are_told_from_none() -> None:
    page = _page({"events": _stated("retract", 200), "dishes": _dishes(10)})
    assert "200 retracts" in page
    assert "What the gate will have\n  nothing: no event says what somebody likes\n" in page


@pytest.mark.parametrize(("kind", "dishes"), [("like", 1), ("dislike", 10), ("dislike", 1)])
def test_a_shorter_history_is_suggested_only_where_it_lets_more_people_be_tested(
    kind: str, dishes: int
) -> None:
    rows: Rows = {"events": _stated(kind, 40 * dishes, dishes=dishes), "dishes": _dishes(10)}
    page = _page(rows)
    assert "leaves 0 training and 0 test comparisons" in page
    assert "min_history" not in page.partition("What to set in params.yaml")[2]


def test_it_says_for_how_many_people_a_good_ranking_could_be_told_from_chance() -> None:
    told = "right in 65% of a person's pairs could be told from chance for {} people"
    stated = [
        {
            "person_id": f"p{person}", "dish_id": f"d{dish}",
            "kind": "dislike" if person < 9 and dish % 2 else "like", "occurred_at": START.isoformat(),
        }
        for person in range(40)
        for dish in range(90)
    ]  # fmt: skip
    assert told.format("9 of 40") in _page({"events": stated, "dishes": _dishes(90)})
    assert told.format("0 of 40") in _page({"events": _stated("like", 400), "dishes": _dishes(10)})
    assert told.format("1 of 1") in _page({"events": _ratings(1, 90, 20, (1.0, 5.0)), "dishes": _dishes(90)})
    assert "told from chance" not in _page({"events": _stated("retract", 9), "dishes": _dishes(10)})


def test_a_shorter_history_is_suggested_where_people_have_few_comparisons() -> None:
    judged = [(0, 1), (1, 5), (2, 1), (19, 5), (19, 1)]  # day, rating: two comparisons before the last days
    few = [
        {
            "person_id": f"p{person}", "dish_id": f"d{dish}", "kind": "rating", "value": value,
            "occurred_at": (START + timedelta(days=day, minutes=person)).isoformat(),
        }
        for person in range(20)
        for dish, (day, value) in enumerate(judged)
    ]  # fmt: skip
    rows: Rows = {"events": [*few, *_ratings(1, 10, 20, (1.0, 5.0))], "dishes": _dishes(10)}
    suggestion = "split: {min_history: 1}  # too few people have more comparisons before what is held out"
    assert suggestion in _page(rows)
    assert "of 20 people held out" in _page(rows, _params(split={"min_history": 1}))


@pytest.mark.parametrize("people", [1, 3])
def test_a_home_is_promised_no_precision_and_no_decision(people: int) -> None:
    page = _page({"events": _ratings(people, 60, 60, (1.0, 5.0)), "dishes": _dishes(60)})
    assert f"{60 * people} ratings of {people} {'person' if people == 1 else 'people'} on 60 dishes" in page
    assert "too few people: the gate decides nothing with fewer than 30" in page
    assert "right to about" not in page
    assert "let the first night decide" not in page


def test_bad_rows_of_one_kind_are_one_line_whatever_values_they_hold() -> None:
    rows = _ratings(40, 8, 1, (1.0, 5.0))
    for number, row in enumerate(rows[:30]):
        row["value"] = 101.0 + number
    page = _page({"events": rows, "dishes": _dishes(8)})
    assert "30 of events, the first in events.csv at row 1: value 101 is not from 0 to 100" in page
    assert "check: {value_range: [0, 130]}  # 30 ratings lie outside [0.0, 100.0]" in page


def test_ratings_of_another_scale_and_no_times_get_settings_that_fit() -> None:
    rows: Rows = {"events": _ratings(60, 12, 1, tuple(map(float, range(60, 100)))), "dishes": _dishes(12)}
    page = _page(rows)
    assert "ratings from 60 to 99: 100% are likes (from 4 up)" in page
    assert "all events carry one day" in page
    suggested = [line.split("  #")[0].strip() for line in page.splitlines() if "  # " in line]
    assert "split: {by: within_person}" in suggested
    scale = next(line for line in suggested if line.startswith("collect: {like_at"))
    like_at, dislike_at = (float(part.split(":")[1].strip(" }")) for part in scale.split("{")[1].split(","))
    better = _params(collect={"like_at": like_at, "dislike_at": dislike_at}, split={"by": "within_person"})
    page = _page(rows, better)
    assert re.search(r"of \d+ people held out \(split\.by: within_person\)", page)
    assert page.endswith("What to set in params.yaml\n  nothing\n")


def test_dishes_that_say_nothing_or_read_alike_are_counted() -> None:
    dishes = [*_dishes(4), {"dish_id": "twin", "name": "Dish 3"}, {"dish_id": "d5", "name": "dish 3"}]
    params = _params(prompt={"dish_fields": ["description"]})
    rows: Rows = {"events": _ratings(40, 4, 20, (1.0, 3.0, 5.0)), "dishes": dishes}
    assert "6 dishes have no value in prompt.dish_fields (description)" in _page(rows, params)
    assert "prompt: {dish_fields: [name]}" in _page(rows, params)
    assert "1 dishes read like another one" in _page(rows)
    assert "2 dishes are in no event" in _page(rows)


def test_few_people_and_likes_alone_are_told_what_they_lack() -> None:
    rows: Rows = {"events": _ratings(5, 12, 20, (1.0, 5.0)), "dishes": _dishes(12)}
    page = _page(rows)
    assert "too few people: the gate decides nothing with fewer than 30" in page
    assert re.search(r"\d days held out: the gate can decide after 10 more days of 30 people", page)
    likes = [{**row, "kind": "like", "value": ""} for row in rows["events"]]
    assert "60 likes and orders without a menu" in _page({**rows, "events": likes})


def test_settings_that_fit_are_written_once_beside_tables_of_another_shape(tmp_path: Path) -> None:
    draw = random.Random(1)
    ratings = [
        f"u{user},{film},{draw.choice((10, 70, 90, 130))},{START.timestamp() * 1e6 + 864e8 * day:.0f}"
        for user in range(12)
        for film, day in enumerate(draw.sample(range(40), 8))
    ]
    (tmp_path / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *ratings]))
    films = [f"{film},Film {film},{'Drama|War' if film % 2 else 'War'}" for film in range(8)]
    (tmp_path / "movies.csv").write_text("\n".join(["id,title,genres", *films]))
    page = write_settings(str(tmp_path))
    assert "96 ratings of 12 people on 8 dishes, from 2026-01-0" in page
    assert f"What to set in params.yaml\n  nothing\n\nwritten: {tmp_path / 'params.yaml'}" in page
    written = read_yaml(tmp_path / "params.yaml")
    names = {"person_id": "userId", "dish_id": "movieId", "value": "rating", "occurred_at": "timestamp"}
    assert written["collect"]["tables"] == {"events": "ratings", "dishes": "movies"}
    assert written["collect"]["columns"]["events"] == {**names, "kind": "=rating"}
    assert written["collect"]["columns"]["dishes"] == {"dish_id": "id", "name": "title", "tags": "genres"}
    assert (written["collect"]["list_separator"], written["check"]["value_range"]) == ("|", [0, 130])
    assert written["collect"]["dislike_at"] < written["collect"]["like_at"]
    assert page.startswith(text(str(tmp_path)))
    for inbox in (str(tmp_path), "", "s3://meals/inbox"):
        with pytest.raises(BadParams, match=r"WRITE=1 writes DATA/params\.yaml where there is none"):
            write_settings(inbox)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    people=st.integers(0, 4),
    dishes=st.integers(0, 4),
    days=st.integers(1, 15),
    by=st.sampled_from(["time", "within_person", "source", "dish"]),
    kinds=st.lists(st.sampled_from(["like", "dislike", "rating", "choice", "order", "?"]), min_size=1),
    seed=st.integers(0, 99),
)
def test_any_small_set_has_a_page(
    people: int, dishes: int, days: int, by: str, kinds: list[str], seed: int
) -> None:
    draw = random.Random(seed)
    menus = [{"menu_id": "m", "served_on": "2026-01-01", "dish_id": f"d{dish}"} for dish in range(dishes)]
    events = [
        {
            "person_id": f"p{person}", "dish_id": f"d{draw.randrange(5)}", "kind": draw.choice(kinds),
            "value": draw.choice(["", 1, 5, 1000, "x"]), "menu_id": draw.choice(["", "m"]), "source": "test",
            "occurred_at": (START + timedelta(days=draw.randrange(days))).isoformat(),
        }
        for person in range(people)
        for _ in range(draw.randrange(12))
    ]  # fmt: skip
    params = _params(split={"by": by, "test_sources": ["test"]})
    page = _page({"dishes": _dishes(dishes), "menus": menus, "events": events}, params)
    assert page.count("\n\n") == 3
    assert max(map(len, page.splitlines())) < 300


@pytest.mark.parametrize(
    "name", ["canteen", "food-world-cup", "italian-recipes", "new-dishes", "tastes", "home"]
)
def test_no_sample_is_told_to_split_or_to_scale_in_another_way(name: str) -> None:
    page = text(str(REPO / "data" / "sample" / name))
    assert "quarantined" in page
    for word in ("split:", "collect:", "check:"):
        assert word not in page.partition("What to set in params.yaml")[2]
