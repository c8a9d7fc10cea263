"""A seeded inbox of many events, a fiftieth of them by one account that many share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

KINDS = ("rating", "choice", "order")
PEOPLE_AN_EVENT, DISHES, MENU = 0.1, 10_000, 20  # of a million events by 100,000 people; dishes of a menu
START, DAYS, GUEST = np.datetime64("2026-01-01T00:00:00", "us"), 300, 0.02


def write_inbox(folder: Path, events: int, kind: str = "rating", seed: int = 0) -> None:
    """An inbox of so many events of a kind, in Parquet: `rating`, `choice` (of a day's menu) or `order`."""
    draw = np.random.default_rng(seed)
    people = max(10, int(events * PEOPLE_AN_EVENT))
    person = draw.integers(0, people, events)
    person[draw.random(events) < GUEST] = 0  # an account that many share
    seconds_later = draw.integers(0, DAYS * 86_400, events)
    dish, day = draw.integers(0, DISHES, events), seconds_later // 86_400
    menus = np.stack([draw.permutation(DISHES)[:MENU] for _ in range(DAYS)])
    if kind == "choice":
        dish = menus[day, draw.integers(0, MENU, events)]
    at = START + seconds_later.astype("timedelta64[s]")
    columns = {
        "event_id": np.char.add(f"s{seed}-", np.arange(events).astype(str)),
        "person_id": np.char.add("p", person.astype(str)),
        "dish_id": np.char.add("d", dish.astype(str)),
        "kind": kind,
        "occurred_at": pd.to_datetime(at, utc=True),
    }
    if kind == "rating":
        columns["value"] = draw.integers(1, 6, events).astype(float)
    if kind == "choice":
        columns["menu_id"] = np.char.add("m", day.astype(str))
    folder.mkdir(exist_ok=True)
    pd.DataFrame(columns).to_parquet(folder / f"events-{seed}.parquet")
    names = [f"dish {number} of the house" for number in range(DISHES)]
    dishes = pd.DataFrame({"dish_id": [f"d{number}" for number in range(DISHES)], "name": names})
    dishes.to_parquet(folder / "dishes.parquet")
    if kind == "choice":
        _menus(menus).to_parquet(folder / "menus.parquet")


def _menus(menus: npt.NDArray[np.int64]) -> pd.DataFrame:
    days = np.repeat(np.arange(len(menus)), MENU)
    return pd.DataFrame(
        {
            "menu_id": np.char.add("m", days.astype(str)),
            "served_on": (START + days.astype("timedelta64[D]")).astype("datetime64[D]").astype(str),
            "dish_id": np.char.add("d", menus.ravel().astype(str)),
        }
    )
