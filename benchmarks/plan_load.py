"""`make benchmark NAME=plan-load`: how long /rank takes while the same service plans weeks, and else.

The service answers by text factors of the canteen and plans from the catalogue of the sample `home`. A week
of four meals within the reference intakes is searched for all of its ten seconds, one after another.
"""

from __future__ import annotations

import asyncio
import csv
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import httpx

from benchmarks.load_servers import FOLDER, running, stage
from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from benchmarks.service_load import QUANTILES, Cell, Menus, load
from components.domain.catalogue import Thresholds
from components.domain.preferences.contract import DishRow
from components.integrations.service_store import Catalogue
from flows.night.publication import FOODS, with_nutrition

CLIENTS, ROUNDS, SECONDS = (1, 4), 3, 12.0
ANSWER_S = 60.0
HOME = REPO / "data" / "sample" / "home"
MEALS = "breakfast", "main", "side", "snack"
VERDICTS = {"like": "liked", "dislike": "disliked"}
Body = dict[str, Any]


def main() -> None:
    """Measures, and writes results/plan-load.md."""
    menus = Menus(list(stage().dishes.values()))
    os.environ["PALATE_STORE"] = f"sqlite:///{FOLDER / 'service.db'}"
    _publish(os.environ["PALATE_STORE"])
    with running("Palate") as server:
        _read_all(server.url)
        for body in menus.every_dish():
            httpx.post(f"{server.url}/rank", json=body, timeout=ANSWER_S).raise_for_status()
        cells = {(clients, plans): Cell() for clients in CLIENTS for plans in (False, True)}
        took = list[float]()
        for turn, (clients, plans) in itertools.product(range(ROUNDS), cells):
            is_planning = plans ^ bool(turn % 2)  # they take turns to be first
            part = asyncio.run(_measured(server.url, menus, clients, took if is_planning else None))
            cells[clients, is_planning].add(part)
    publish(RESULTS / "plan-load.md", "\n".join(_page(cells, took)))


def _publish(store: str) -> None:
    with (HOME / "dishes.csv").open(encoding="utf-8") as file:
        rows = [
            DishRow.model_validate({name: value for name, value in row.items() if value}).model_dump()
            for row in csv.DictReader(file)
        ]
    dishes = [(row, 0.5, True) for row in with_nutrition(rows, FOODS)]
    Catalogue(store).publish("home", Thresholds(4, 2), dishes, [], [])


def _household() -> Body:
    """Describes the three of the sample, who eat together."""
    with (HOME / "events.csv").open(encoding="utf-8") as file:
        events = list(csv.DictReader(file))
    people = []
    for person in sorted({event["person_id"] for event in events}):
        own = [event for event in events if event["person_id"] == person]
        history = [
            {"dish": {"dish_id": event["dish_id"]}, "verdict": VERDICTS[event["kind"]]}
            for event in own
            if event["kind"] in VERDICTS
        ]
        people.append({"person_id": person, "history": history, "bounds": "reference", "keep": False})
    slots = [{"name": meal, "tags": [meal], "portions": [0.5, 1, 1.5]} for meal in MEALS]
    return {"people": people, "slots": slots, "days": 7}


def _read_all(url: str) -> None:
    """Asks until the model has read the whole catalogue, so that no plan waits for it."""
    ada, read = _household()["people"][0], -1
    request = {"person_id": "ada", "history": ada["history"], "k": 1, "keep": False}
    while True:
        answer = httpx.post(f"{url}/recommend", json=request, timeout=ANSWER_S)
        answer.raise_for_status()
        if answer.json()["considered"] == read:
            return
        read = answer.json()["considered"]


async def _measured(url: str, menus: Menus, clients: int, took: list[float] | None) -> Cell:
    """Ranks menus for a while; with a list for the seconds of plans, plans weeks all the while."""
    planner = None if took is None else asyncio.create_task(_plan_on(url, took))
    if planner:
        await asyncio.sleep(1)  # the search has begun
    cell = await load(url, menus.read(), clients, SECONDS)
    if planner:
        planner.cancel()
        with suppress(asyncio.CancelledError):
            await planner
    return cell


async def _plan_on(url: str, took: list[float]) -> None:
    household = _household()
    async with aiohttp.ClientSession() as session:
        while True:
            begun = time.perf_counter()
            async with session.post(f"{url}/plan", json=household) as answer:
                if answer.status != 200:
                    raise SystemExit(f"/plan answers {answer.status}: {await answer.text()}")
            took.append(time.perf_counter() - begun)


def _page(cells: dict[tuple[int, bool], Cell], took: list[float]) -> Iterator[str]:
    yield "# /rank while weeks are planned"
    yield ""
    yield "`make benchmark NAME=plan-load`: menus of dishes read before, alone and while the service plans"
    yield f"one week after another for the three of the sample `home`: {len(MEALS)} meals a day, within the"
    yield "reference intakes, searched for all of their ten seconds. Rounds of both take turns."
    yield ""
    rows = []
    for (clients, is_planning), cell in cells.items():
        figures = cell.figures()
        times = " / ".join(f"{figures[key]:,.1f}" for key in QUANTILES)
        doing = "a week" if is_planning else "nothing"
        rows.append(
            [f"{clients}", doing, f"{figures['answers']:,.0f}", f"{figures['per_second']:,.1f}", times]
        )
    yield from table("clients | planned meanwhile | answers | requests/s | ms p50 / p95 / p99", rows)
    yield ""
    yield f"{len(took)} weeks were planned to their end, in {min(took):.1f} to {max(took):.1f} s."
    yield f"The machine's load was {os.getloadavg()[1]:.1f} over the last five minutes, all of this included."
    yield ""


if __name__ == "__main__":
    main()
