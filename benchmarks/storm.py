"""`make storm SEED=7`: attacks on the loop beside honest traffic, on a served Bento and the night after it.

Two clones run one night. Both are then served, to the same honest people. One is attacked meanwhile, and its
service is killed once. Each runs a second night, on a day more and on what its service was told. Fails where
an acknowledged write was lost, a night stopped, the gate decided otherwise, or a bound was broken.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import yaml

from benchmarks.bases import make_small_base
from benchmarks.clones import clone_head, commit_of, write_tables
from benchmarks.pages import RESULTS, publish, table
from benchmarks.shapes import Events, many_choices
from benchmarks.storm_attacks import Attack, Target, attacks
from benchmarks.storm_traffic import (
    ATTACKERS,
    Service,
    Traffic,
    attacker,
    drip,
    honest_person,
    missing_writes,
    wait_until_ready,
)

PEOPLE, DAYS = 40, 12
SECONDS = 30  # of the storm
MOST_MB = {"service": 300, "night": 300, "store": 40}  # above the calm clone's
NEW_PEOPLE = 5  # a day: as many to its people as the default to 8,000
PARAMS = {
    "base": {"model": "small"},
    "check": {"min_events": 10},
    "prompt": {"dish_fields": ["name"]},
    "train": {
        "threads": 1,
        "candidates": {
            "words": {
                "method": "none", "factors": {"size": 4, "template": "A dish: {dish}.", "layer": 0},
            },
        },
    },
    "evaluate": {"subset": 10},
    "package": {"serve": "preview"},
    "serve": {"max_new_people": NEW_PEOPLE},
}  # fmt: skip


@dataclass
class Outcome:
    """What a clone's day and night came to.

    Attributes:
        traffic: What its service was asked.
        lost: Acknowledged writes that its store does not hold.
        service_mb: Largest memory of its service.
        night_mb: Largest memory of its second night.
        store_mb: Size of its store before that night.
        gate: The gate's decision.
        popularity: By dish, as published.
    """

    traffic: Traffic
    lost: int
    service_mb: float
    night_mb: float = 0.0
    store_mb: float = 0.0
    gate: str = ""
    popularity: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Runs both clones and compares them."""
    seed = int(os.environ.get("SEED") or "7")
    events, storm = _events(seed), clone_head("storm")
    calm = storm.with_name("storm-calm")
    make_small_base(storm / "models" / "base")
    _night(storm, events, DAYS)
    shutil.rmtree(calm, ignore_errors=True)
    shutil.copytree(storm, calm, symlinks=True)
    ids = [row["event_id"] for row in events.rows]
    target = Target(events.dishes, [f"p{person:04}" for person in range(PEOPLE)], ids)
    outcomes = {"calm": asyncio.run(_day(calm, target, None))}
    outcomes["storm"] = asyncio.run(_day(storm, target, attacks(target, seed)))
    with ThreadPoolExecutor() as pool:  # of two cores each night has one
        list(pool.map(partial(_end, events), (calm, storm), outcomes.values()))
    page, broken = _page(outcomes, events)
    head = ["# A storm", "", f"`make storm SEED={seed}` at {commit_of(storm)}; see benchmarks/storm.py.", ""]
    publish(RESULTS / "storm.md", "\n".join([*head, *page, ""]))
    if broken:
        raise SystemExit(f"the storm broke: {', '.join(broken)}")


def _events(seed: int) -> Events:
    """Makes choices whose rows have ids that a stranger can guess, as an app gives them."""
    events = many_choices(seed, people=PEOPLE, dishes=30, days=DAYS + 1)
    rows = [row | {"event_id": f"e{number}"} for number, row in enumerate(events.rows)]
    return Events(events.dishes, events.menus, rows)


def _environment() -> dict[str, str]:
    """Collects the variables of all programs, without those that lead to another clone's state."""
    ours = ("MLFLOW_", "PREFECT_", "BENTOML_", "PALATE_", "DVC_", "PYTHONPATH")
    others = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**others, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


def _night(clone: Path, events: Events, days: int) -> float:
    """Runs a night on the first days; returns its largest memory in MB.

    Raises:
        SystemExit: The night failed.
    """
    menus = dict(list(events.menus.items())[:days])
    inbox = clone.with_name("storm-inbox")  # one address for both, which a night remembers
    inbox.mkdir(exist_ok=True)
    (inbox / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    write_tables(inbox, Events(events.dishes, menus, [row for row in events.rows if row["menu_id"] in menus]))
    command = [sys.executable, "-m", "flows", "nightly", "--data", str(inbox)]
    with (clone / "night.out").open("w") as out:
        process = subprocess.Popen(command, cwd=clone, env=_environment(), stdout=out, stderr=out)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a night stopped: {(clone / 'night.out').read_text()[-500:]}")
    return usage.ru_maxrss / 1024


def _end(events: Events, clone: Path, outcome: Outcome) -> None:
    """Runs the night after a day, and notes what it came to."""
    files = (clone / ".palate").glob("service.db*")
    outcome.store_mb = sum(file.stat().st_size for file in files) / 2**20
    outcome.night_mb = _night(clone, events, DAYS + 1)
    outcome.gate = json.loads((clone / "reports/evaluation.json").read_text())["gate"]["decision"]
    with closing(sqlite3.connect(clone / ".palate/service.db")) as store:
        outcome.popularity = dict(store.execute("SELECT dish_id, popularity FROM dishes"))


async def _day(clone: Path, target: Target, some: Iterator[Attack] | None) -> Outcome:
    service, traffic = Service(clone, _environment()), Traffic()
    try:
        await wait_until_ready(service)
        timeout = aiohttp.ClientTimeout(60)
        end = time.monotonic() + (SECONDS if some else 0)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            bad = (
                [attacker(session, service.url, some, traffic, end) for _ in range(ATTACKERS)] if some else []
            )
            more = [drip(service.port, end), _kill_midway(service, end)] if some else []
            await asyncio.gather(_honest(session, service, target.people, traffic, end), *bad, *more)
        await wait_until_ready(service)
        lost = await missing_writes(service.url, traffic.writes)
    finally:
        service.stop()
    return Outcome(traffic, lost, service.peak_mb)


async def _honest(
    session: aiohttp.ClientSession, service: Service, people: Sequence[str], traffic: Traffic, end: float
) -> None:
    """Lets all people ask, spread over the time of the storm."""
    pause_s = max(0.0, end - time.monotonic()) / len(people)
    asking = []
    for person in people:
        asking.append(asyncio.create_task(honest_person(session, service.url, person, traffic)))
        await asyncio.sleep(pause_s)
        service.look()
    await asyncio.gather(*asking)


async def _kill_midway(service: Service, end: float) -> None:
    await asyncio.sleep(max(0.0, end - time.monotonic()) / 2)
    await asyncio.to_thread(service.kill_and_restart)


def _bounds(events: Events) -> dict[str, float]:
    """Computes by dish how far attacker and invented people may move its popularity (decision 0055)."""
    offered: dict[str, set[str]] = {dish: set() for dish in events.dishes}
    for row in events.rows:
        for dish in events.menus[row["menu_id"]]:
            offered[dish].add(row["person_id"])
    few = 1 + NEW_PEOPLE
    return {dish: 2 * few / (len(people) + 2 * few) for dish, people in offered.items()}


def _page(outcomes: Mapping[str, Outcome], events: Events) -> tuple[list[str], list[str]]:
    """Writes the lines of the page, and names the bounds that were broken."""
    calm, storm, dish_pushed = outcomes["calm"], outcomes["storm"], events.dishes[0]
    moves = {dish: abs(storm.popularity[dish] - share) for dish, share in calm.popularity.items()}
    most = _bounds(events)
    furthest = max(moves, key=lambda dish: moves[dish] / most[dish])
    rank = {
        name: 1 + sum(share > outcome.popularity[dish_pushed] for share in outcome.popularity.values())
        for name, outcome in outcomes.items()
    }
    bounds = {
        "no acknowledged write lost": not (calm.lost or storm.lost),
        "every honest write acknowledged": not (calm.traffic.turned_away or storm.traffic.turned_away),
        "the gate as without the storm": calm.gate == storm.gate,
        "popularity": moves[furthest] <= most[furthest],
        **{
            name: getattr(storm, f"{name}_mb") - getattr(calm, f"{name}_mb") <= most
            for name, most in MOST_MB.items()
        },
    }
    rows = [
        ["acknowledged writes", *(str(each.traffic.writes.total()) for each in outcomes.values())],
        ["of these lost", *(str(each.lost) for each in outcomes.values())],
        ["slowest honest write, s", *(f"{each.traffic.slowest_s:.1f}" for each in outcomes.values())],
        ["gate", *(each.gate for each in outcomes.values())],
        ["rank of the dish that attackers push", *map(str, rank.values())],
        *([f"{name}, MB", *(f"{getattr(each, f'{name}_mb'):.0f}" for each in outcomes.values())]
          for name in MOST_MB),
    ]  # fmt: skip
    statuses: dict[str, list[str]] = {}
    for (kind, status), count in sorted(storm.traffic.statuses.items()):
        statuses.setdefault(kind, []).append(f"{count} of {status or 'none'}")
    page = [
        *table("what | calm | storm", rows),
        "",
        f"A dish's popularity moved by {max(moves.values()):.3f} at most.",
        f"{1 + NEW_PEOPLE} people may move a dish that n were offered by {2 + 2 * NEW_PEOPLE} / "
        f"(n + {2 + 2 * NEW_PEOPLE}); the closest moved by {moves[furthest]:.3f} of {most[furthest]:.3f}.",
        "",
        *table(
            "attack | answers by status", [[kind, ", ".join(counts)] for kind, counts in statuses.items()]
        ),
    ]
    return page, [name for name, holds in bounds.items() if not holds]


if __name__ == "__main__":
    main()
