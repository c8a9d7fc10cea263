"""The values that pass through the diet's functions: what is known of a dish, and why it is left out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Strength(Enum):
    """What the evidence says of a dish and a substance; only FREE lets a dish through."""

    CONTAINS = "contains"
    MAY_CONTAIN = "may contain"
    UNKNOWN = "unknown"
    FREE = "free"


@dataclass(frozen=True)
class DishFacts:
    """All that the diet reads of a dish.

    Attributes:
        dish_id: The dish.
        name: As the menu writes it; it can speak against a dish and never for it.
        description: As the menu writes it.
        tags: Short words of the kitchen, such as `vegan`.
        ingredients: One text an ingredient; empty where none are listed.
        allergens: What the kitchen declares: None or empty if it declares nothing, `none` if there are none.
        letters: The scheme of its letters, `austria`; empty where nobody knows what they stand for.
    """

    dish_id: str
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    allergens: tuple[str, ...] | None = None
    letters: str = ""


@dataclass(frozen=True)
class Avoided:
    """An ingredient that a person does without.

    Attributes:
        text: As the person wrote it.
        words: The folded text, its translations and its kinds, each one or several words; empty where nobody
            knows them.
        substances: Allergens or other substances that it is a name of, checked as an allergy is.
        is_allergy: An allergy to none of the 14 groups: every ingredient must be known, and none may vary.
        has_groups: An allergy whose groups are checked besides, so here its words alone count.
        is_known: Whether anybody knows it as a food; else it is looked for as it is written.
    """

    text: str
    words: tuple[str, ...] = ()
    substances: tuple[str, ...] = ()
    is_allergy: bool = False
    has_groups: bool = False
    is_known: bool = True


@dataclass(frozen=True)
class Restrictions:
    """What a person may not or will not eat.

    Attributes:
        diets: Names of diets, sorted; all of them hold.
        allergies: Groups of allergens, sorted.
        avoids: Avoided ingredients, and allergies that are none of the groups.
    """

    diets: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    avoids: tuple[Avoided, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What a dish says of one substance: how strongly, in which field, in which words.

    Attributes:
        strength: How strongly.
        field: The field that says it.
        text: The words that say it.
        is_stated: Whether a text itself says that it may be in the dish, so that no tag settles it.
    """

    strength: Strength
    field: str = ""
    text: str = ""
    is_stated: bool = False


@dataclass(frozen=True)
class Reason:
    """Why a dish is left out for one restriction.

    Attributes:
        restriction: The allergy, the avoided ingredient or the diet.
        substance: What was looked for; the restriction itself but for diets.
        strength: What the evidence says.
        field: The field of the dish that says it; `ingredients` where they are missing.
        text: The words that say it; empty where nothing is listed.
    """

    restriction: str
    substance: str
    strength: Strength
    field: str
    text: str

    @property
    def sentence(self) -> str:
        """The reason in plain words."""
        substance = self.substance.replace("_", " ")
        diet = "" if self.restriction == self.substance else f"not shown to be {self.restriction}: "
        if self.strength is not Strength.UNKNOWN:
            return f"{diet}{self.strength.value} {substance}: '{self.text}' in {self.field}"
        why = f"'{self.text}' in {self.field} is not known" if self.text else "no ingredients are listed"
        return f"{diet}nothing says that it is free of {substance}: {why}"


@dataclass(frozen=True)
class LeftOut:
    """A dish that is not offered, with a reason for each restriction that it does not meet."""

    dish_id: str
    reasons: tuple[Reason, ...]

    @property
    def sentence(self) -> str:
        """All reasons in one sentence."""
        return "; ".join(reason.sentence for reason in self.reasons)
