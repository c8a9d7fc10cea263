"""Whether a dish is offered, asked in both ways: of `permitted`, and of its oracle, which must agree."""

from __future__ import annotations

from components.domain.diet import DishFacts, Restrictions, permitted, read_restrictions
from tests.domain.diet.violations import violations


def is_offered(dish: DishFacts, person: Restrictions) -> bool:
    offered = bool(permitted([dish], person)[0])
    assert offered != bool(violations([dish], person)), (dish, person)
    return offered


def offered(
    name: str, ingredients: str, diet: str = "", allergies: str = "", avoids: str = "", tags: str = ""
) -> bool:
    """Asks for a dish and a person in texts, whose parts are parted by `;`."""
    dish = DishFacts("d", name, tags=parted(tags), ingredients=parted(ingredients))
    return is_offered(dish, read_restrictions(diet, parted(allergies), parted(avoids)))


def parted(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(";") if word.strip())
