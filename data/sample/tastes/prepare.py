"""Writes this folder's tables: made-up people whose taste only the meaning of words tells.

Every dish is served once and no two names share a word, so no rule that counts dishes, tags or words can know
more than chance: what a language model knows of the words is all there is. Run it here: `python prepare.py`.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

TASTES = ("fish", "fruit"), ("meat", "vegetables")  # who likes one kind of a pair likes the other, too
PEOPLE, FIRST_DAY, SEED = 60, date(2026, 1, 5), 5
HERE = Path(__file__).resolve().parent


def main() -> None:
    """One menu a day with a dish of each kind; everybody chooses one of the two that they like, at random."""
    draw = random.Random(SEED)
    words = _words()
    kinds = [[draw.sample(words[kind], len(words[kind])) for kind in taste] for taste in TASTES]
    dishes, menus, events = [], [], []
    for day in range(min(len(kind) for taste in kinds for kind in taste)):
        on, menu = FIRST_DAY + timedelta(days=day), f"m{day}"
        liked = [[kind[day] for kind in taste] for taste in kinds]
        offered = draw.sample([name for names in liked for name in names], 4)
        dishes += [(name.lower(), name) for name in offered]
        menus += [(menu, on.isoformat(), name.lower()) for name in offered]
        for person in range(PEOPLE):
            chosen = draw.choice(liked[person % 2]).lower()
            events.append((f"p{person:02}", chosen, "choice", menu, f"{on}T12:00:00Z"))
    _write("dishes", ("dish_id", "name"), dishes)
    _write("menus", ("menu_id", "served_on", "dish_id"), menus)
    _write("events", ("person_id", "dish_id", "kind", "menu_id", "occurred_at"), events)


def _words() -> dict[str, list[str]]:
    """The words of each kind in words.txt: a line with the kind, then its words, then an empty line."""
    blocks = (HERE / "words.txt").read_text(encoding="utf-8").strip().split("\n\n")
    return {kind: words.split() for kind, _, words in (block.partition("\n") for block in blocks)}


def _write(table: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with (HERE / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])


if __name__ == "__main__":
    main()
