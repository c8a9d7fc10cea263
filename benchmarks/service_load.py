"""`make benchmark NAME=load`: the service under load, beside plain FastAPI and transformers.

Both serve the same weights and the same head on as many threads of PyTorch. So many clients each ask for
a menu, wait for its order and ask again; who is refused waits as long as the answer says. First every request
brings six dishes that nobody has read, then six that were read before. The servers take turns.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np

from benchmarks.load_servers import PORTS, THREADS, Server, running, stage
from benchmarks.pages import RESULTS, publish, table
from components.domain.records import Dish

CLIENTS, ROUNDS = (1, 2, 4, 8, 16), 2
SECONDS = {"new": 12, "read": 4}  # of a round, for each number of clients
TOLERANCE = 0.001  # of a score, between the two
ON_MENU, HISTORY = 6, 10
KINDS = {"new": "dishes that nobody has read", "read": "dishes read before"}
QUANTILES = "p50", "p95", "p99"
GOALS = {"new": 5, "read": 1}  # times the peer's requests a second
Body = dict[str, Any]


@dataclass
class Cell:
    """What clients of one server got.

    Attributes:
        took: Milliseconds of each answer.
        refused: Number of answers with status 429.
        seconds: How long they asked.
    """

    took: list[float] = field(default_factory=list)
    refused: int = 0
    seconds: float = 0.0

    def add(self, part: Cell) -> None:
        """Adds what was measured in another while."""
        self.took += part.took
        self.refused += part.refused
        self.seconds += part.seconds

    def figures(self) -> dict[str, float]:
        """Computes requests a second, quantiles in milliseconds, and the share of refusals."""
        p50, p95, p99 = np.quantile(self.took, (0.5, 0.95, 0.99))
        share = self.refused / (self.refused + len(self.took))
        return {
            "answers": len(self.took),
            "per_second": len(self.took) / self.seconds,
            "p50": float(p50),
            "p95": float(p95),
            "p99": float(p99),
            "refused": share,
        }


class Menus:
    """Bodies of requests of people who liked some of the canteen's dishes."""

    def __init__(self, dishes: Sequence[Dish]) -> None:
        self._dishes, self._numbers = dishes, itertools.count()
        self._draw = random.Random(7)  # noqa: S311
        self._history = [{"dish": _body(dish)} for dish in dishes[:HISTORY]]

    def read(self) -> Iterator[Body]:
        """Yields menus of the canteen's dishes, again and again."""
        while True:
            yield self._request(self._draw.sample(self._dishes, ON_MENU))

    def new(self) -> Iterator[Body]:
        """Yields menus of dishes that no other menu has: the words of three canteen dishes and a number."""
        while True:
            drawn = [self._draw.sample(self._dishes, 3) for _ in range(ON_MENU)]
            yield self._request(
                [
                    Dish(
                        "", f"{one.name} with {two.name}"[:200], f"{three.description}, {next(self._numbers)}"
                    )
                    for one, two, three in drawn
                ]
            )

    def every_dish(self) -> list[Body]:
        """Makes requests that together name all of the canteen's dishes."""
        return [
            self._request(self._dishes[start : start + ON_MENU])
            for start in range(0, len(self._dishes), ON_MENU)
        ]

    def _request(self, menu: Sequence[Dish]) -> Body:
        dishes = [{**_body(dish), "dish_id": str(number)} for number, dish in enumerate(menu)]
        return {"person_id": "p", "history": self._history, "dishes": dishes}


def _body(dish: Dish) -> Body:
    return {"dish_id": dish.dish_id, "name": dish.name, "description": dish.description}


async def load(url: str, bodies: Iterator[Body], clients: int, seconds: float) -> Cell:
    """Asks /rank for a number of seconds, and waits for the last answers."""
    cell, started = Cell(), time.perf_counter()

    async def client(session: aiohttp.ClientSession) -> None:
        while time.perf_counter() - started < seconds:
            begun = time.perf_counter()
            async with session.post(f"{url}/rank", json=next(bodies)) as answer:
                await answer.read()
            if answer.status == 429:
                cell.refused += 1
                await asyncio.sleep(float(answer.headers["Retry-After"]))
            elif answer.status == 200:
                cell.took.append(1000 * (time.perf_counter() - begun))
            else:
                raise SystemExit(f"{url} answers {answer.status}: nothing was measured.")

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    cell.seconds = time.perf_counter() - started
    return cell


async def _answers(url: str, bodies: Sequence[Body]) -> list[float]:
    """Collects all scores, one request after the other."""
    scores = list[float]()
    async with aiohttp.ClientSession() as session:
        for body in bodies:
            async with session.post(f"{url}/rank", json=body) as answer:
                scores += [row["score"] for row in (await answer.json())["scores"]]
    return scores


def _compare(servers: Mapping[str, Server], menus: Menus) -> Body:
    """Measures both servers, by kind of menu and number of clients."""
    warm = menus.every_dish()
    ours, theirs = (asyncio.run(_answers(server.url, warm)) for server in servers.values())
    if not np.allclose(ours, theirs, atol=TOLERANCE):
        raise SystemExit("the peer's scores are not the service's: nothing was measured.")
    results: Body = {}
    for kind, clients in itertools.product(SECONDS, CLIENTS):
        cells = {name: Cell() for name in servers}
        for turn in range(ROUNDS):
            for name, server in list(servers.items())[:: 1 if turn % 2 == 0 else -1]:
                part = asyncio.run(load(server.url, getattr(menus, kind)(), clients, SECONDS[kind]))
                cells[name].add(part)
        figures = {name: cell.figures() for name, cell in cells.items()}
        results.setdefault(kind, {})[str(clients)] = figures
        print(kind, clients, figures, flush=True)
    return results


def _page(load: Body) -> Iterator[str]:
    yield "# The service under load"
    yield ""
    yield f"`make benchmark NAME=load`: menus of {ON_MENU} dishes for a person with {HISTORY} past"
    yield "dishes; text factors of the canteen on the base in float32;"
    yield f"{THREADS} threads of PyTorch in each server, clients on the same cores. The peer is FastAPI and"
    yield "transformers with the same weights, head and memory of dishes, a padded batch of a request's new"
    yield "dishes, and no limit of requests at once (`benchmarks/load_peer.py`). Its scores are the"
    yield "service's, which is checked first."
    for kind, title in KINDS.items():
        yield from ["", f"## Menus of {title}", "", *_table(load, kind)]
    yield ""
    yield f"The machine's load was {load['busy']:.1f} over the last five minutes, all of this included."
    yield ""


def _table(load: Body, kind: str) -> Iterator[str]:
    ours, theirs = PORTS
    times = {
        clients: figures[ours]["per_second"] / figures[theirs]["per_second"]
        for clients, figures in load[kind].items()
    }
    rows = (
        [
            clients,
            *(f"{one['per_second']:,.1f}" for one in figures.values()),
            f"{times[clients]:.2f}",
            *(" / ".join(f"{one[key]:,.0f}" for key in QUANTILES) for one in figures.values()),
            *(f"{one['refused']:.0%}" for one in figures.values()),
            " and ".join(f"{one['answers']:,}" for one in figures.values()),
        ]
        for clients, figures in load[kind].items()
    )
    columns = (
        f"clients | {ours}, requests/s | {theirs} | times | {ours}, ms p50 / p95 / p99 | {theirs} | "
        f"{ours}, 429 | {theirs} | answers"
    )
    yield from table(columns, rows)
    least, most = min(times.values()), max(times.values())
    yield ""
    yield f"Wanted: {GOALS[kind]} times the peer's requests a second."
    yield f"{'Met' if least >= GOALS[kind] else 'Missed'}: {least:.2f} to {most:.2f} times."


def main() -> None:
    """Measures, and writes results/load.md."""
    menus = Menus(list(stage().dishes.values()))
    with running("Palate") as ours, running("FastAPI") as theirs:
        load = _compare(dict(zip(PORTS, (ours, theirs), strict=True)), menus)
    load["busy"] = os.getloadavg()[1]
    publish(RESULTS / "load.md", "\n".join(_page(load)))


if __name__ == "__main__":
    main()
