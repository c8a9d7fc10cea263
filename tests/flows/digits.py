"""An inbox from which even a random two-layer model learns what each person will choose, and no rule does.

Every dish is served once and its name is a number, so rules that count dishes, tags or words know nothing.
Half of the people choose the numbers with a 1, the others those with a 2: a model has to find the digit.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

from tests.flows.tables import write_tables

PEOPLE, MENUS, FIRST_DAY = 40, 2, date(2026, 1, 5)
DAYS = 24  # of a first night; the gate asks for ten days that were not trained on
TASTES, OTHER_DIGITS, LENGTH = "12", "03456789", 7
PARAMS = """
base: {model: small}
check: {min_events: 50}
split: {test_days: 14}
prompt: {dish_fields: [name]}
train:
  threads: 1
  candidates:
    reader:
      {rank: 8, alpha: 16, targets: [q_proj, k_proj, v_proj, o_proj, up_proj, down_proj], layers: [0, 2],
       learning_rate: 0.02, warmup_share: 0.1, comparisons: 2000, epochs: 8,
       vectors: {size: 8, learning_rate: 0.02, weight_decay: 0.1, comparisons_per_step: 50}}
evaluate: {subset: 300}
register: {promote_first: true}
package: {serve: preview}
"""


def write_inbox(folder: Path, days: int) -> None:
    """Tables of the input contract: menus of two numbers for each taste, and one choice a person and day."""
    draw = random.Random(5)
    dishes, menus, events = [], [], []
    used: set[str] = set()
    for day in range(days):
        on = (FIRST_DAY + timedelta(days=day)).isoformat()
        numbers = [
            {taste: [number_with(taste, draw, used) for _ in range(2)] for taste in TASTES}
            for _ in range(MENUS)
        ]
        for number, names_by_taste in enumerate(numbers):
            offered = [name for names in names_by_taste.values() for name in names]
            draw.shuffle(offered)
            dishes += [{"dish_id": f"d{name}", "name": name} for name in offered]
            menu = {"menu_id": f"m{day}-{number}", "served_on": on}
            menus += [menu | {"dish_id": f"d{name}"} for name in offered]
        for person in range(PEOPLE):
            number = (person // 2 + day) % MENUS
            chosen = draw.choice(numbers[number][TASTES[person % 2]])
            events.append(
                {
                    "person_id": f"p{person}", "dish_id": f"d{chosen}", "kind": "choice",
                    "menu_id": f"m{day}-{number}", "occurred_at": f"{on}T12:00:00Z",
                }
            )  # fmt: skip
    write_tables(folder, PARAMS, dishes=dishes, menus=menus, events=events)


def number_with(taste: str, draw: random.Random, used: set[str], others: str = OTHER_DIGITS) -> str:
    """A number that no dish has yet, with the taste's digit somewhere in it."""
    while True:
        digits = draw.choices(others, k=LENGTH - 1)
        digits.insert(draw.randrange(LENGTH), taste)
        number = "".join(digits)
        if number not in used:
            used.add(number)
            return number
