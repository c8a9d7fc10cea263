"""`make benchmark NAME=recall`: how long a night looks for whom a dish must be recalled from.

Made-up answers in SQLite. A dish has the words of a labelled one. People were shown what is free for them,
and a few dishes that a dictionary of before has read as free.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.allergens import labelled_dishes
from benchmarks.pages import RESULTS, publish, table
from components.domain.catalogue import Thresholds
from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.params_file import read_params
from components.domain.preferences.contract import columns
from components.integrations.service_store import Catalogue, ServiceStore
from flows.environment import REPO
from flows.steps import alarms, recall

ANSWERS, SHOWN, DISHES, PEOPLE = 1_000_000, 5, 10_000, 50_000
MENUS, MISREAD = 2_000, 20
TOLD = (
    ["milk"],
    ["gluten"],
    ["peanuts", "tree_nuts"],
    ["fish"],
    ["eggs"],
    ["kiwi"],
    ["soy", "milk"],
    ["sesame"],
)
PROFILES: tuple[list[str], ...] = ([], *TOLD)
NAMES = ("dish_id", "name", "description", "cuisine", "tags", "ingredients", "allergens")
Row = dict[str, Any]
_TABLES = f"""
    PRAGMA synchronous=OFF; DROP INDEX ix_shown_digest; DROP INDEX ix_exposures_person_id;
    CREATE TEMP TABLE menus (profile, menu, dish); CREATE TEMP TABLE filters (profile, text);
    CREATE TEMP TABLE numbers AS
        WITH RECURSIVE n(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM n WHERE number < {ANSWERS - 1})
        SELECT number, 'palate:v7-0123456789ab/' || printf('%016x', number) AS answer,
        number * 7919 % {PEOPLE} AS person FROM n;
"""  # noqa: S608
_PROFILE = "CASE WHEN person % 10 < 3 THEN 1 + person % 8 ELSE 0 END"
_ANSWERS = f"""
    CREATE INDEX temp.by_menu ON menus (profile, menu);
    INSERT INTO exposures SELECT answer, 'p' || person,
        strftime('%Y-%m-%d %H:%M:%S.000000', 'now', '-' || (number % 2500000) || ' seconds'),
        '[]', text, '7', 'x', 500 FROM numbers JOIN filters ON profile = {_PROFILE};
    INSERT INTO shown SELECT answer, dish, menus.rowid, printf('%064x', dish), 0.1, 1.0
        FROM numbers JOIN menus ON profile = {_PROFILE} AND menu = number % {MENUS};
    CREATE INDEX ix_shown_digest ON shown (digest);
    CREATE INDEX ix_exposures_person_id ON exposures (person_id);
"""  # noqa: S608


def _dishes(changed: int) -> list[Row]:
    """Rows of dishes, of which so many have milk more."""
    facts = [labelled.dish for labelled in labelled_dishes()]
    empty = dict.fromkeys(columns("dishes")) | {
        "description": "",
        "cuisine": "",
        "tags": (),
        "allergens": None,
    }
    rows = [empty | {"dish_id": str(at), "name": facts[at % len(facts)].name} for at in range(DISHES)]
    for at, row in enumerate(rows):
        row["ingredients"] = (*facts[at % len(facts)].ingredients, *(["milk"] if at < changed else []))
    return rows


def _publish(url: str, changed: int) -> None:
    people = [
        {"person_id": f"p{at}", "diet": "", "allergies": _told(at), "avoids": ()} for at in range(PEOPLE)
    ]
    rows = ((row, 0.5, True) for row in _dishes(changed))
    Catalogue(url).publish(f"{changed}", Thresholds(4, 2), rows, people, [])


def _told(person: int) -> list[str]:
    return TOLD[person % len(TOLD)] if person % 10 < 3 else []


def _menus(rows: list[Row]) -> Iterator[tuple[int, int, int]]:
    """Yields profile, menu and dish: by lot of what is free for that profile, and of MISREAD more."""
    facts = [DishFacts(row["dish_id"], row["name"], ingredients=row["ingredients"]) for row in rows]
    draw = random.Random(1)  # noqa: S311
    for profile, allergies in enumerate(PROFILES):
        free, _ = permitted(facts, read_restrictions("", allergies, []))
        menu = sorted({*(int(dish.dish_id) for dish in free), *range(DISHES - MISREAD, DISHES)})
        for number in range(MENUS):
            yield from ((profile, number, dish) for dish in draw.sample(menu, SHOWN))


def _fill(url: str, file: Path) -> None:
    ServiceStore(url)
    rows = _dishes(0)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    dishes = (
        (f"{at:064x}", row["dish_id"], json.dumps({name: row[name] for name in NAMES}), now)
        for at, row in enumerate(rows)
    )
    filters = (
        (
            number,
            json.dumps(
                {"k": SHOWN, "dishes": [], "applied": {"diet": "", "allergies": allergies, "avoids": []}}
            ),
        )
        for number, allergies in enumerate(PROFILES)
    )
    with sqlite3.connect(file) as database:
        database.executescript(_TABLES)
        database.executemany("INSERT INTO dishes_shown VALUES (?, ?, ?, ?)", dishes)
        database.executemany("INSERT INTO menus VALUES (?, ?, ?)", _menus(rows))
        database.executemany("INSERT INTO filters VALUES (?, ?)", filters)
        database.executescript(_ANSWERS)
    database.close()


def main() -> None:
    """Measures and writes the page."""
    params = read_params(REPO / "params.yaml")
    lines: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "service.db"
        url = os.environ["PALATE_STORE"] = f"sqlite:///{file}"
        recall.FOLDER, recall.MEMORY = Path(folder) / "recalls", Path(folder) / "recall.json"
        alarms.FILE = Path(folder) / "alarms.jsonl"
        _fill(url, file)
        for name, changed in (
            ("another dictionary", 0), ("nothing", 0), ("a dish", 1), ("100 dishes", 101),
        ):  # fmt: skip
            _publish(url, changed)
            clock, processor = time.monotonic(), time.process_time()
            sentence = recall.recall.fn(params)
            seconds = f"{time.monotonic() - clock:.1f}", f"{time.process_time() - processor:.1f}"
            lines.append((name, *seconds, sentence.partition(": ")[0] or "nobody"))
            print(lines[-1], flush=True)
    intro = (
        f"`make benchmark NAME=recall`: {ANSWERS:,} made-up answers of {SHOWN} dishes in SQLite; "
        f"{PEOPLE:,} people,\nthree in ten with restrictions; {DISHES:,} dishes, {MISREAD} of which another "
        f"dictionary has read as\nfree. The machine's load was {os.getloadavg()[0]:.1f} at the end, "
        f"on {os.cpu_count()} cores."
    )
    heading = "what changed | seconds | CPU-seconds | what is said"
    publish(
        RESULTS / "recall.md",
        "\n".join(["# How long a recall takes", "", intro, "", *table(heading, lines), ""]),
    )


if __name__ == "__main__":
    main()
