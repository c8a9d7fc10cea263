"""`make benchmark NAME=events`: seconds and memory from the inbox to the split, 10,000 to 1,000,000 events.

A seeded generator makes an inbox of ratings, of choices from a day's menu or of orders, a fiftieth of them by
one account that many share. Each size runs in a process of its own, for ratings beside plain pandas in
another: read, deduplicate, check ids and ranges, split by time and write. Then 10,000 new events of the kind
come on top.
A whole night on the largest: `python -m benchmarks.events_scale --write FOLDER`, `make nightly DATA=FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.clones import write_params
from benchmarks.measuring import in_a_process, peak_mb, seconds
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from components.domain.params_file import read_params
from components.domain.preferences.limits import limits_of
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.records import NightFacts
from components.integrations import comparison_files, data_checks, event_sources
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import take_in
from components.stages.split import divide

SIZES, NEWS = (10_000, 100_000, 1_000_000), 10_000
PARTS = ("collect", "check", "split", "news")
KINDS = ("rating", "choice", "order")
PEOPLE_AN_EVENT, DISHES, MENU = 0.1, 10_000, 20  # of a million events by 100,000 people; dishes of a menu
START, DAYS, GUEST = np.datetime64("2026-01-01T00:00:00", "us"), 300, 0.02
PARAMS = read_params(REPO / "params.yaml")


def main() -> None:
    """Measures every size and writes results/events.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events_scale", description=__doc__)
    parser.add_argument("--one", type=json.loads, help="number of events and who reads them, as JSON")
    parser.add_argument("--write", type=Path, help="only fills this folder with the most, for a whole night")
    options = parser.parse_args()
    if options.write:
        write_inbox(options.write, SIZES[-1])
        write_params(options.write, {"check": {"value_range": [1, 5]}})
        return
    if one := options.one:
        by_pandas = one["by"] == "pandas"
        print(json.dumps(_pandas(one["events"]) if by_pandas else _palate(one["events"], one["kind"])))
        return
    readers = [(kind, "palate") for kind in KINDS] + [(KINDS[0], "pandas")]
    whats = [{"events": events, "kind": kind, "by": by} for kind, by in readers for events in SIZES]
    results = [what | in_a_process("benchmarks.events_scale", json.dumps(what)) for what in whats]
    publish(RESULTS / "events.md", _page(results))


def write_inbox(folder: Path, events: int, kind: str = "rating", seed: int = 0) -> None:
    """Writes an inbox of events of one kind, in Parquet: `rating`, `choice` (of a day's menu) or `order`."""
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


def _palate(events: int, kind: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        inbox, data = Path(name) / "inbox", Path(name) / "events"
        write_inbox(inbox, events, kind)
        result = {"collect": seconds(lambda: _collect(inbox, data))}
        result["check"] = seconds(lambda: _check(data))
        result["split"] = seconds(lambda: _split(data, Path(name) / "splits"))
        result["peak_mb"] = peak_mb()
        write_inbox(inbox, NEWS, kind, seed=1)
        (inbox / "events-0.parquet").unlink()
        steps = (
            lambda: _collect(inbox, data),
            lambda: _check(data),
            lambda: _split(data, Path(name) / "more"),
        )
        return result | {"news": sum(map(seconds, steps))}


def _collect(inbox: Path, data: Path) -> None:
    reading = Folder(str(inbox)).read({})
    limits = limits_of(PARAMS, datetime.now(UTC))
    intake = take_in(reading.tables, event_sources.read_tables(data), event_sources.read_events(data), limits)
    event_sources.write_tables(data, intake.collected.tables, intake.events)


def _check(data: Path) -> None:
    night = NightFacts(datetime.now(UTC).isoformat(), None, 1, 0, "", "")
    tables, events = event_sources.read_tables(data), event_sources.read_events(data)
    data_checks.check(tables, events, night, PARAMS.check)


def _split(data: Path, splits: Path) -> None:
    tables, events = (
        event_sources.read_tables(data),
        event_sources.event_columns(event_sources.read_events(data)),
    )
    dishes = dishes_of(tables["dishes"])
    log = opinion_log(events, dishes, menus_of(tables["menus"]), Scale.of(PARAMS.collect))
    comparison_files.write_split(splits, dishes, divide(PARAMS.split, log))


def _pandas(events: int) -> dict[str, float]:
    """Measures plain pandas: no contract, no quarantine, no histories."""
    with tempfile.TemporaryDirectory() as name:
        inbox = Path(name) / "inbox"
        write_inbox(inbox, events)

        def run() -> None:
            rows = pd.read_parquet(inbox / "events-0.parquet").drop_duplicates("event_id")
            dishes = set(pd.read_parquet(inbox / "dishes.parquet")["dish_id"])
            rows = rows[rows["dish_id"].isin(dishes) & rows["value"].between(0, 100)]
            rows = rows.sort_values(["person_id", "occurred_at"])
            cut = rows["occurred_at"].max() - pd.Timedelta(days=3)
            rows[rows["occurred_at"] < cut].to_parquet(Path(name) / "train.parquet")
            rows[rows["occurred_at"] >= cut].to_parquet(Path(name) / "test.parquet")

        return {"all": seconds(run), "peak_mb": peak_mb()}


def _page(results: list[dict[str, Any]]) -> str:
    rows = [
        [
            f"{result['events']:,}",
            f"{result['kind']}s",
            result["by"],
            *(f"{result[name]:.1f}" if name in result else "" for name in PARTS),
            f"{_spent(result):.1f}",
            f"{result['peak_mb']:,.0f}",
        ]
        for result in results
    ]
    lines = [
        "# From the inbox to the split",
        "",
        f"`make benchmark NAME=events`: made-up events on {DISHES:,} dishes, one person for ten of them, in",
        f"Parquet; choices are from a day's menu of {MENU}. Seconds, each size and reader in a process of",
        "its own. Plain pandas has no contract, no quarantine and no histories. News are "
        f"{NEWS:,} events of the kind on top, from the inbox to the split.",
        "",
        *table("events | kind | by | collect | check | split | news | collect to split | peak MB", rows),
    ]
    return "\n".join([*lines, ""])


def _spent(result: dict[str, Any]) -> float:
    """Sums the seconds from the inbox to the split."""
    return float(result.get("all", sum(result.get(name, 0.0) for name in PARTS[:3])))


if __name__ == "__main__":
    main()
