"""`make benchmark NAME=events`: seconds and memory from the inbox to the split, 10,000 to 1,000,000 events.

A seeded generator makes an inbox of ratings, of choices from a day's menu or of orders, a fiftieth of them by
one account that many share. Each size runs in a process of its own, for ratings beside plain pandas in
another: read, deduplicate, check ids and ranges, split by time and write. Then 10,000 new events of the kind
come on top. Last, what 60 nights store, beside one file a night.
A whole night on the largest: `python -m benchmarks.events_scale --write FOLDER`, `make nightly DATA=FOLDER`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib import pyplot as plt

from benchmarks.clones import write_params
from benchmarks.made_up_events import DISHES, KINDS, MENU, write_inbox
from benchmarks.measuring import in_a_process, peak_mb, seconds
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from components.domain.params_file import read_params
from components.domain.preferences.limits import limits_of
from components.domain.preferences.opinions import Scale, dishes_of, menus_of, opinion_log
from components.domain.records import NightFacts
from components.files import file_sha256
from components.integrations import comparison_files, data_checks, event_sources
from components.integrations.sources.folder import Folder
from components.integrations.sources.intake import take_in
from components.stages.split import divide

SIZES, NEWS = (10_000, 100_000, 1_000_000), 10_000
NIGHTS, EVENTS_A_NIGHT = 60, 2_000
PARTS = ("collect", "check", "split", "news")
PLOT = REPO / "docs" / "images" / "events.png"
PARAMS = read_params(REPO / "params.yaml")


def main() -> None:
    """Measures every size and writes results/events.json, .md and docs/images/events.png."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events_scale", description=__doc__)
    parser.add_argument("--one", type=json.loads, help="number of events and who reads them, as JSON")
    parser.add_argument("--write", type=Path, help="only fills this folder with the most, for a whole night")
    options = parser.parse_args()
    one = options.one
    if options.write:
        write_inbox(options.write, SIZES[-1])
        write_params(options.write, {"check": {"value_range": [1, 5]}})
        return
    if one:
        print(
            json.dumps(
                _pandas(one["events"]) if one["by"] == "pandas" else _palate(one["events"], one["kind"])
            )
        )
        return
    readers = [(kind, "palate") for kind in KINDS] + [(KINDS[0], "pandas")]
    whats = [{"events": events, "kind": kind, "by": by} for kind, by in readers for events in SIZES]
    results = [what | in_a_process("benchmarks.events_scale", json.dumps(what)) for what in whats]
    stored = _stored()
    publish(RESULTS / "events.md", _page(results, stored), [*results, {"stored_mb": stored}])
    _plot(results, stored)


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
    data_checks.check(tables, events, night, PARAMS.check, PARAMS.collect.clock_skew_h)


def _split(data: Path, splits: Path) -> None:
    tables, events = (
        event_sources.read_tables(data),
        event_sources.event_columns(event_sources.read_events(data)),
    )
    dishes = dishes_of(tables["dishes"])
    log = opinion_log(events, dishes, menus_of(tables["menus"]), Scale.of(PARAMS.collect))
    comparison_files.write_split(splits, dishes, divide(PARAMS.split, log))


def _stored() -> dict[str, list[float]]:
    """Megabytes that DVC has after each night, by day as Palate writes them, and in one file a night."""
    nights = _tables_of_nights()
    totals: dict[str, list[float]] = {"by day": [], "one file": []}
    objects: dict[str, set[bytes]] = {name: set() for name in totals}
    stored = dict.fromkeys(totals, 0)
    with tempfile.TemporaryDirectory() as name:
        for events in nights:
            event_sources.write_tables(Path(name), {}, events)
            pq.write_table(events, Path(name) / "one.parquet")
            files = {
                "by day": event_sources.event_files(Path(name)),
                "one file": [Path(name) / "one.parquet"],
            }
            for way, paths in files.items():
                for path in paths:
                    digest = file_sha256(path).encode()
                    stored[way] += 0 if digest in objects[way] else path.stat().st_size
                    objects[way].add(digest)
                totals[way].append(stored[way] / 1e6)
    return totals


def _tables_of_nights() -> Iterator[pa.Table]:
    """The events after each night."""
    with tempfile.TemporaryDirectory() as name:
        inbox, data = Path(name) / "inbox", Path(name) / "events"
        write_inbox(inbox, NIGHTS * EVENTS_A_NIGHT)
        _collect(inbox, data)
        events = event_sources.read_events(data)
    start, number = datetime(2026, 1, 15, 12, tzinfo=UTC), events.schema.get_field_index("occurred_at")
    at = [  # by id, which says nothing of people or dishes
        start + timedelta(days=row // EVENTS_A_NIGHT, seconds=row % EVENTS_A_NIGHT)
        for row in range(len(events))
    ]
    column = pa.array(at, events.schema.field(number).type)
    events = events.set_column(number, events.schema.field(number), column)
    for night in range(1, NIGHTS + 1):
        yield events.slice(0, night * EVENTS_A_NIGHT)


def _pandas(events: int) -> dict[str, float]:
    """What is written down quickly: no contract, no quarantine, no histories."""
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


def _page(results: list[dict[str, Any]], stored: Mapping[str, Sequence[float]]) -> str:
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
    lines += ["", f"Megabytes of events that DVC stores after nights of {EVENTS_A_NIGHT:,} new ratings:", ""]
    at = (1, 10, 30, NIGHTS)
    counts = [[way, *(f"{values[night - 1]:.1f}" for night in at)] for way, values in stored.items()]
    lines += table(" | ".join(["", *(f"night {night}" for night in at)]), counts)
    return "\n".join([*lines, ""])


def _spent(result: dict[str, Any]) -> float:
    """Seconds from the inbox to the split."""
    return float(result.get("all", sum(result.get(name, 0.0) for name in PARTS[:3])))


def _plot(results: list[dict[str, Any]], stored: Mapping[str, Sequence[float]]) -> None:
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.5))
    for kind, by in dict.fromkeys((each["kind"], each["by"]) for each in results):
        part = [each for each in results if (each["kind"], each["by"]) == (kind, by)]
        sizes = [each["events"] for each in part]
        spent = [_spent(result) for result in part]
        for axis, values in zip(axes[:2], (spent, [each["peak_mb"] for each in part]), strict=True):
            axis.plot(sizes, values, marker="o", label=f"{kind}s, {by}")
            axis.set_xscale("log")
            axis.set_xlabel("events")
            axis.grid(visible=True, alpha=0.3)
    axes[0].set_yscale("log")
    axes[0].set_ylabel("seconds from the inbox to the split")
    axes[1].set_ylabel("peak memory, MB")
    for way, megabytes in stored.items():
        axes[2].plot(range(1, NIGHTS + 1), megabytes, label=way)
    axes[2].set_xlabel("nights")
    axes[2].set_ylabel("events that DVC stores, MB")
    axes[0].legend()
    axes[2].legend()
    figure.tight_layout()
    figure.savefig(PLOT, dpi=90)


if __name__ == "__main__":
    main()
