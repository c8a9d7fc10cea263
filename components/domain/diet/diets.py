"""What each diet does without, in substances of the dictionary."""

from __future__ import annotations

from dataclasses import dataclass

_FLESH = ("meat", "poultry", "pork", "blood", "gelatine", "insects", "animal", "rennet")
_SEA = ("fish", "crustaceans", "molluscs")


@dataclass(frozen=True)
class Diet:
    """A diet's rule.

    Attributes:
        without: Substances that a dish must be free of.
        is_marked: Whether a tag of the kitchen, such as `vegan`, may settle what words leave open.
        parts_meat_and_milk: Whether meat and milk may not be in one dish.
    """

    without: tuple[str, ...]
    is_marked: bool = True
    parts_meat_and_milk: bool = False


_KOSHER = ("pork", "blood", "crustaceans", "molluscs", "unscaled", "rabbit", "insects", "gelatine", "animal")
DIETS = {
    "vegetarian": Diet((*_FLESH, *_SEA)),
    "vegan": Diet((*_FLESH, *_SEA, "milk", "eggs", "honey")),
    "pescatarian": Diet(_FLESH),
    "halal": Diet(("pork", "blood", "alcohol", "gelatine", "insects", "animal", "meat_not_halal")),
    "kosher": Diet((*_KOSHER, "meat_not_kosher"), parts_meat_and_milk=True),
    "kosher-style": Diet(_KOSHER, parts_meat_and_milk=True),
    "animal-rennet-free": Diet(("rennet",)),
    "gluten-free": Diet(("gluten",), is_marked=False),
    "lactose-free": Diet(("lactose",), is_marked=False),
}
NO_DIET = ("", "none", "no", "omnivore", "omnivorous", "everything", "no diet", "normal", "-")
OTHER_NAMES = {
    "veggie": "vegetarian", "vegetarisch": "vegetarian", "vegetarien": "vegetarian",
    "vegetariano": "vegetarian",
    "lacto ovo vegetarian": "vegetarian", "ovo lacto vegetarian": "vegetarian",
    "plant based": "vegan", "strict vegetarian": "vegan", "vegano": "vegan", "vegetalien": "vegan",
    "pesco vegetarian": "pescatarian", "pescetarian": "pescatarian",
    "pescetarisch": "pescatarian", "coeliac": "gluten-free", "celiac": "gluten-free",
    "no animal rennet": "animal-rennet-free", "without animal rennet": "animal-rennet-free",
    "glutenfrei": "gluten-free", "no gluten": "gluten-free", "sans gluten": "gluten-free",
    "senza glutine": "gluten-free", "sin gluten": "gluten-free", "laktosefrei": "lactose-free",
    "no lactose": "lactose-free", "sans lactose": "lactose-free", "senza lattosio": "lactose-free",
    "sin lactosa": "lactose-free",
}  # fmt: skip
