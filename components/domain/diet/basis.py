"""What shows that an offered dish is free of what a person must not eat: the kitchen's word, or ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from components.domain.diet.diets import DIETS
from components.domain.diet.facts import DishFacts, Restrictions, Strength
from components.domain.diet.permitted import evidence

Source = Literal["declaration", "ingredients", "tag"]
_GLUTEN = ("gluten", "gluten-free")


@dataclass(frozen=True)
class Basis:
    """What shows that a dish meets one restriction.

    Attributes:
        restriction: The allergy, the avoided ingredient or the diet.
        source: `declaration` and `tag` are the kitchen's word. `ingredients` is our reading of the list.
    """

    restriction: str
    source: Source

    @property
    def sentence(self) -> str:
        """The basis in plain words. `Gluten-free` is a regulated claim, which no reading of words makes."""
        name = self.restriction.replace("_", " ")
        if self.source == "tag":
            return f"a tag of the kitchen says {name}"
        if self.source == "declaration":
            return (
                f"the kitchen's declaration names nothing against {name}"
                if name in DIETS
                else (f"the kitchen's declaration names no {name}")
            )
        if name in _GLUTEN:
            return "no gluten-containing ingredient listed"
        return f"nothing against {name} listed" if name in DIETS else f"no {name} listed as an ingredient"


def basis_of(dish: DishFacts, restrictions: Restrictions) -> Iterator[Basis]:
    """Yields for each restriction what shows that a dish meets it.

    Args:
        dish: A dish that `permitted` offers to a person with these restrictions.
        restrictions: What the person may not or will not eat.
    """
    for group in restrictions.allergies:
        yield Basis(group, _source(dish, (group,)))
    for avoided in restrictions.avoids:
        if not avoided.has_groups:  # else its groups are among the allergies
            yield Basis(avoided.text, "ingredients")
    if restrictions.diet:
        yield Basis(restrictions.diet, _source(dish, DIETS[restrictions.diet].without))


def _source(dish: DishFacts, substances: tuple[str, ...]) -> Source:
    # The weakest of what shows that the dish is free of each substance.
    shown = [evidence(dish)[substance] for substance in substances]
    if any(each.strength is not Strength.FREE for each in shown):
        return "tag"
    return "declaration" if all(each.field == "allergens" for each in shown) else "ingredients"
