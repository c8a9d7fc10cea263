"""An inbox in which only the meaning of a dish's name tells what a person will choose.

Every dish is served once and no two names share a word, so no rule that counts dishes, tags or words can
know more than chance: what a language model knows of the words is all there is.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

from tests.flows.tables import write_tables

FISH = """
Salmon Trout Cod Haddock Tuna Mackerel Herring Sardines Halibut Plaice Pollock
Carp Anchovies Turbot Prawns Oysters Lobster Squid Mussels Crab Pike Eel
""".split()
MEAT = """
Beef Pork Veal Lamb Bacon Ham Steak Venison Mutton Rabbit Turkey
Chicken Duck Goose Sausage Meatballs Ribs Salami Hamburger Brisket Goulash Schnitzel
""".split()
PEOPLE, MENUS, FIRST_DAY = 40, 2, date(2026, 1, 5)  # menus of a day: the gate asks for ten menu days
PARAMS = """
check: {min_events: 50}
split: {test_days: 5}
prompt: {dish_fields: [name]}
train:
  threads: 2
  candidates:
    reader:
      {rank: 8, alpha: 16, targets: [q_proj, v_proj, o_proj, down_proj], layers: [20, 30],
       learning_rate: 0.001, warmup_share: 0.1, comparisons: 2000, epochs: 4}
evaluate: {subset: 60}
register: {promote_first: true}
package: {preview: true}
"""


def write_inbox(folder: Path, days: int) -> None:
    """Tables of the input contract: menus of one fish and one meat, and one choice a person and day."""
    draw = random.Random(5)
    fish, meat = draw.sample(FISH, len(FISH)), draw.sample(MEAT, len(MEAT))
    dishes, menus, events = [], [], []
    for day in range(days):
        on = (FIRST_DAY + timedelta(days=day)).isoformat()
        pairs = [(fish[MENUS * day + number], meat[MENUS * day + number]) for number in range(MENUS)]
        for number, names in enumerate(pairs):
            offered = draw.sample(names, len(names))
            dishes += [{"dish_id": name.lower(), "name": name} for name in offered]
            menu = {"menu_id": f"m{day}-{number}", "served_on": on}
            menus += [menu | {"dish_id": name.lower()} for name in offered]
        for person in range(PEOPLE):
            number = (person // 2 + day) % MENUS
            events.append(
                {
                    "person_id": f"p{person}", "dish_id": pairs[number][person % 2].lower(), "kind": "choice",
                    "menu_id": f"m{day}-{number}", "occurred_at": f"{on}T12:00:00Z",
                }
            )  # fmt: skip
    write_tables(folder, PARAMS, dishes=dishes, menus=menus, events=events)
