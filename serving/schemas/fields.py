"""Requests and answers of the service.

Unknown keys are refused: nobody may rely on something that Palate ignores.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from components.domain.catalogue import Listed
from components.domain.diet import Basis, has_letter, is_blank
from components.domain.feedback import MOST_DISH_BYTES
from components.domain.preferences.contract import CONTROL, MAX_ID, as_id
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish

VERDICTS = {"liked": LIKED, "neutral": NEUTRAL, "disliked": DISLIKED}


def _storable(text: str) -> str:
    """Refuses a text that some database would refuse: half a surrogate pair, or a NUL."""
    if "\0" in text or (not text.isascii() and text != text.encode(errors="replace").decode()):
        raise ValueError("it holds a character that cannot be stored")
    return text


def _not_blank(text: str) -> str:
    if not text:
        raise ValueError("it is blank, and needs at least 1 letter")
    return text


def _names_an_allergy(text: str) -> str:
    """Refuses an allergy that nobody could identify: a blank text, or a single letter."""
    if is_blank(text):
        raise ValueError(f"{text!r} is blank: name the allergy, or leave it out")
    if has_letter(text):
        raise ValueError(
            f"{text!r} has a single letter, which menus use for different allergens: write milk, …"
        )
    return text


def _without_control(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("it has a line break or another control character")
    return text


def _described(**rules: object) -> WithJsonSchema:
    """Describes a stored text for `/docs.json`, with the characters that it may have."""
    return WithJsonSchema({"type": "string", "maxLength": 200, **rules})


def _read_id(text: str) -> str:
    """Reads an id as the contract does, so that a person or a dish is found however its letters are typed.

    Refuses an id that is too long in Unicode's form NFC, in which some letters become two.
    """
    text = as_id(text)
    if len(text) > MAX_ID:
        raise ValueError(f"it has {len(text)} letters in Unicode's form NFC: send at most {MAX_ID}")
    return text


def _names_something(text: str) -> str:
    """Checks an id as feedback would name it, and keeps it as it was sent, since the answer repeats it."""
    _not_blank(_read_id(_without_control(text)))
    return text


_Stored = Annotated[str, Field(max_length=MAX_ID), AfterValidator(_storable)]
StoredText = Annotated[_Stored, _described(pattern=r"^[^\u0000]*$")]
StoredId = Annotated[
    _Stored,
    AfterValidator(_read_id),
    AfterValidator(_not_blank),
    _described(minLength=1, pattern=r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"),
]
# Refuses what a night would quarantine; people with such an old id can still be read and erased.
_LETTER = r"[^\u0000-\u001f\u007f-\u009f]"
SentId = Annotated[
    _Stored,
    AfterValidator(_without_control),
    AfterValidator(_read_id),
    AfterValidator(_not_blank),
    _described(minLength=1, pattern=rf"^{_LETTER}*[^\s\u0000-\u001f\u007f-\u009f]{_LETTER}*$"),
]
MenuId = Annotated[_Stored, AfterValidator(_names_something), _described(minLength=1)]
# Read as the night reads an event's id; a blank id counts as missing.
EventId = Annotated[
    _Stored,
    AfterValidator(_without_control),
    AfterValidator(_read_id),
    _described(pattern=rf"^{_LETTER}*$"),
]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=500)]
Texts = Annotated[list[Text], Field(max_length=50)]
Word = Annotated[str, Field(max_length=40)]
Words = Annotated[list[Word], Field(max_length=20)]
Allergies = Annotated[list[Annotated[Word, AfterValidator(_names_an_allergy)]], Field(max_length=20)]
# No scale reaches further. Beyond 1e38, about float32's largest, a model's scores would be infinite.
Rating = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e9, le=1e9)]


class Body(BaseModel):
    """JSON without unknown keys."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


def _joined(diets: object) -> object:
    """Joins several diets into one text, as the table of people has them."""
    if not isinstance(diets, list) or not all(isinstance(diet, str) for diet in diets):
        return diets
    if len(diets) > MAX_DIETS or any(len(diet) > MAX_DIET for diet in diets):
        raise ValueError(f"send at most {MAX_DIETS} diets of {MAX_DIET} letters")
    return ";".join(diets)


MAX_DIETS, MAX_DIET = 4, 40  # diets of a person, and letters of one
_DIETS = {
    "anyOf": [
        {"type": "string", "maxLength": 200},
        {"type": "array", "maxItems": MAX_DIETS, "items": {"type": "string", "maxLength": MAX_DIET}},
    ],
    "example": ["vegetarian", "gluten-free"],
}
Diets = Annotated[str, Field(max_length=200), BeforeValidator(_joined), WithJsonSchema(_DIETS)]


class DishBody(Body):
    """A dish in the words of the menu; the same fields as the dishes table."""

    dish_id: MenuId
    name: Name
    description: Text = ""
    cuisine: Text = ""
    tags: Texts = []
    ingredients: Texts = []
    allergens: Texts | None = Field(
        None, description='What the kitchen declares; ["none"] where it declares that there are none.'
    )

    @model_validator(mode="after")
    def _is_short(self) -> Self:
        many = self.tags, self.ingredients, self.allergens or ()
        texts = (
            self.dish_id,
            self.name,
            self.description,
            self.cuisine,
            *(text for each in many for text in each),
        )
        size = sum(len(text.encode(errors="replace")) for text in texts)
        if size > MOST_DISH_BYTES:
            raise ValueError(f"its texts have {size:,} bytes together: send at most {MOST_DISH_BYTES:,}")
        return self

    def record(self, prefix: str) -> Dish:
        """Converts the dish, with a prefix that keeps a past and an offered dish with the same id apart."""
        many = tuple(self.tags), tuple(self.ingredients)
        return Dish(prefix + self.dish_id, self.name, self.description, self.cuisine, *many)

    def listed(self, letters: str) -> Listed:
        """Converts the dish as if it were of a catalogue, with the scheme of the letters on its menu."""
        allergens = None if self.allergens is None else tuple(self.allergens)
        return Listed(self.record(""), allergens, 0.0, letters=letters)


class PastDishBody(DishBody):
    """A dish of a history; of one in the catalogue the id is enough, except in /rank."""

    name: Annotated[str, Field(max_length=200)] = ""


class PastBody(Body):
    """One dish of a person's history, oldest first; a choice counts as liked."""

    dish: PastDishBody
    verdict: Literal["liked", "neutral", "disliked"] = "liked"
    rating: Rating | None = Field(None, description="Where one was stated, within `check.value_range`.")


class PersonBody(Body):
    """A person whom the service knows, or who is described here."""

    person_id: SentId
    history: list[PastBody] | None = Field(
        None, description="In the place of the history that the service has."
    )
    diet: Diets = Field("", description="Beside what the service knows of the person, as the next two.")
    allergies: Allergies | None = Field(
        None,
        description="Where there is a table of people it must be sent of who is not in it, also where it is "
        "empty, else 400. Where there is none it may be left out, and `allergies_known` is then false.",
    )
    avoids: Words = Field([])
    keep: bool = Field(
        default=True,
        strict=True,
        description="Whether the answer is stored, so that feedback can name it. false: of somebody who only "
        "tries the service nothing is stored.",
    )


class LeftOutDish(Body):
    """A dish that is not offered for what the person may not eat or does not want, or for its nutrients."""

    dish_id: str
    reasons: list[str] = Field(
        description="One sentence for each allergy, avoided ingredient, diet, bound of a nutrient, dislike "
        "or recent meal."
    )


Bases = Annotated[
    list[Basis],
    Field(
        description="For each restriction what shows that the dish meets it; empty where there is none. "
        "Sources: declaration and tag are the kitchen's word, ingredients is its list as Palate reads it."
    ),
]
Notes = Annotated[
    list[str],
    Field(
        description="What no reading of words covers for this person, and each avoided word that nobody "
        "knows, a sentence each."
    ),
]


Standing = Annotated[
    Literal["promoted", "proven", "unproven", "unknown"],
    Field(
        description="promoted: a person chose this version; proven: its gate passed; unproven: nothing shows "
        "yet that it is better than simpler rules; unknown: a release of before."
    ),
]
