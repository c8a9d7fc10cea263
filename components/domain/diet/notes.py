"""What an answer says besides its dishes: what no reading of words covers. docs/diet.md has each sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from components.domain.diet.letters import fold

_COELIAC = re.compile(r"\b(?:[cz](?:oe|o|e)l[iy]a[ckq]|sprue\b)")  # in a dozen languages: Zöliakie, celiachia
COELIAC = (
    "Coeliac disease under treatment is not covered: traces that nobody wrote down are not seen, and no dish "
    "is certified gluten-free. Ask the kitchen."
)
_WORDS = "is read from words and is no certificate. It does not look at the rennet of cheese"
BY_DIET = {
    "vegetarian": "Vegetarian does not look at the rennet of a cheese whose rules do not name it.",
    "vegan": "Vegan does not look at the fining of wine, nor at the refining of sugar.",
    "halal": f"Halal {_WORDS}.",
    "kosher": f"Kosher {_WORDS}, nor at who made a wine.",
    "kosher-style": f"Kosher-style {_WORDS}, nor at who made a wine, nor at animals such as camel.",
}


def notes(diet: str, written: Iterable[str]) -> Iterator[str]:
    """Yields sentences for a person with some diet and allergies.

    Args:
        diet: Name of a diet, empty where there is none.
        written: Diets and allergies as the person wrote them.
    """
    if any(_COELIAC.search(fold(text)) for text in written):
        yield COELIAC
    if diet in BY_DIET:
        yield BY_DIET[diet]
