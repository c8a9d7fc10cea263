"""An inbox in which only the meaning of a dish's name tells what a person will choose.

Every dish is served once and no two names share a word, so no rule that counts dishes, tags or words can
know more than chance: what a language model knows of the words is all there is.
"""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path

FISH = """
Salmon Trout Cod Haddock Tuna Mackerel Herring Sardines Halibut Plaice Pollock
Carp Anchovies Turbot Prawns Oysters Lobster Squid Mussels Crab Pike Eel
""".split()
MEAT = """
Beef Pork Veal Lamb Bacon Ham Steak Venison Mutton Rabbit Turkey
Chicken Duck Goose Sausage Meatballs Ribs Salami Hamburger Brisket Goulash Schnitzel
""".split()
PEOPLE, FIRST_DAY = 40, date(2026, 1, 5)
PARAMS = """
check: {min_events: 50}
split: {test_days: 3}
prompt: {dish_fields: [name]}
train:
  threads: 2
  candidates:
    reader:
      {rank: 8, alpha: 16, targets: [q_proj, v_proj, o_proj, down_proj], layers: [20, 30],
       learning_rate: 0.001, warmup_share: 0.1, comparisons: 2000, epochs: 4}
evaluate: {resamples: 500, subset: 60}
register: {promote_first: true}
package: {preview: true}
"""


def write_inbox(folder: Path, days: int) -> None:
    """Tables of the input contract: a menu of two fish and two meats a day, and one choice a person."""
    draw = random.Random(5)
    fish, meat = draw.sample(FISH, len(FISH)), draw.sample(MEAT, len(MEAT))
    dishes, menus, events = [], [], []
    for day in range(days):
        on = (FIRST_DAY + timedelta(days=day)).isoformat()
        kinds = [fish[2 * day : 2 * day + 2], meat[2 * day : 2 * day + 2]]
        offered = [name for kind in kinds for name in kind]
        draw.shuffle(offered)
        dishes += [{"dish_id": name.lower(), "name": name} for name in offered]
        menus += [{"menu_id": f"m{day}", "served_on": on, "dish_id": name.lower()} for name in offered]
        for person in range(PEOPLE):
            chosen = draw.choice(kinds[person % 2]).lower()
            events.append(
                {
                    "person_id": f"p{person}", "dish_id": chosen, "kind": "choice",
                    "menu_id": f"m{day}", "occurred_at": f"{on}T12:00:00Z",
                }
            )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("dishes", dishes), ("menus", menus), ("events", events)):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (folder / "params.yaml").write_text(PARAMS)
