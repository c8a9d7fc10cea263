"""What an answer says of the dishes that it offers: what shows that each is safe, and what no words tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from components.domain.diet.diets import DIETS
from components.domain.diet.facts import DishFacts, Restrictions, Strength
from components.domain.diet.letters import fold
from components.domain.diet.permitted import evidence

Source = Literal["declaration", "ingredients", "tag"]
_COELIAC = re.compile(r"\b(?:[cz](?:oe|o|e)l[iy]a[ckq]|sprue\b)")  # in a dozen languages: Zöliakie, celiachia
COELIAC = (
    "Coeliac disease under treatment is not covered: traces that nobody wrote down are not seen, and no dish "
    "is certified gluten-free. Ask the kitchen."
)
UNKNOWN_FOOD = (
    "Nobody knows '{}' as a food: it is looked for as it is written, in no other language nor kind."
)
_WORDS = "is read from words and is no certificate. It does not look at the rennet of cheese"
BY_DIET = {
    "vegetarian": "Vegetarian does not look at the rennet of a cheese whose rules do not name it.",
    "vegan": "Vegan does not look at the fining of wine, nor at the refining of sugar.",
    "halal": f"Halal {_WORDS}.",
    "kosher": f"Kosher {_WORDS}, nor at who made a wine.",
    "animal-rennet-free": "Animal-rennet-free leaves out all cheese, since few lists name its rennet.",
    "kosher-style": f"Kosher-style {_WORDS}, nor at who made a wine, nor at animals such as camel.",
}  # docs/diet.md has each sentence


@dataclass(frozen=True)
class Basis:
    """What shows that a dish meets one restriction."""

    restriction: str
    source: Source
    sentence: str


def basis_of(dish: DishFacts, restrictions: Restrictions) -> Iterator[Basis]:
    """Yields for each restriction what shows that a dish meets it.

    Args:
        dish: A dish that `permitted` offers to a person with these restrictions.
    """
    for group in restrictions.allergies:
        yield _basis(group, _source(dish, (group,)))
    for avoided in restrictions.avoids:
        if not avoided.has_groups:  # else its groups are among the allergies
            yield _basis(avoided.text, "ingredients")
    for diet in restrictions.diets:
        yield _basis(diet, _source(dish, DIETS[diet].without))


def _source(dish: DishFacts, substances: tuple[str, ...]) -> Source:
    # The weakest of what shows that the dish is free of each substance.
    shown = [evidence(dish)[substance] for substance in substances]
    if any(each.strength is not Strength.FREE for each in shown):
        return "tag"
    return "declaration" if all(each.field == "allergens" for each in shown) else "ingredients"


def _basis(restriction: str, source: Source) -> Basis:
    # `Gluten-free` is a regulated claim, which no reading of words makes.
    name = restriction.replace("_", " ")
    what = f"nothing against {name}" if name in DIETS else f"no {name}"
    what = "no gluten-containing ingredient" if name in ("gluten", "gluten-free") else what
    sentences = {"tag": f"a tag of the kitchen says {name}", "declaration": f"the kitchen declares {what}"}
    return Basis(restriction, source, sentences.get(source, f"{what} listed"))


def notes(restrictions: Restrictions, written: Iterable[str]) -> Iterator[str]:
    """Yields what no reading of words covers for a person.

    Args:
        written: Diets and allergies as the person wrote them.
    """
    if any(_COELIAC.search(fold(text)) for text in written):
        yield COELIAC
    yield from (BY_DIET[diet] for diet in restrictions.diets if diet in BY_DIET)
    for avoided in restrictions.avoids:
        if avoided.words and not (avoided.is_known or avoided.is_allergy):
            yield UNKNOWN_FOOD.format(avoided.text)
