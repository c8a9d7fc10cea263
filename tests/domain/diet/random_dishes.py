"""Random dishes and people, out of the dictionary, of claims and of nonsense; the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from components.domain.diet import DishFacts, Restrictions, read_restrictions
from components.domain.diet.dictionary import ALLERGENS, dictionary

CLAIMS = (
    "gluten-free; vegan; without; free from; may contain; available; ohne; or; and; with; ,; .; sans; free; "
    "frei; not; no; halal; zorgblat; 200g; (; ); 豆; none; dairy-free; contains; fresh"
).split("; ")
DECLARED = "A; C; G; l; e; Weizen; milk; 7; ask; traces of; and more; none; keine; contains:".split("; ")
DIETS = ("", "vegan", "halal", "kosher-style", "vegetarian", "lactose-free", "gluten-free", "pescatarian")


@dataclass
class RandomMenu:
    """Draws dishes and people; `words` are the terms of the dictionary that it takes."""

    draw: random.Random
    words: list[str]

    @classmethod
    def of(cls, seed: int, size: int = 700) -> RandomMenu:
        draw = random.Random(seed)
        return cls(draw, draw.sample(sorted(dictionary().terms), size))

    def word(self) -> str:
        kind = self.draw.random()
        if kind < 0.7:
            word = self.draw.choice(self.words)
        elif kind < 0.93:
            word = self.draw.choice(CLAIMS)
        else:
            one, two = self.draw.choices(self.words, k=2)
            word = one.replace(" ", "") + self.draw.choice(("", "s", "n")) + two.replace(" ", "")
        return word.upper() if self.draw.random() < 0.1 else word

    def text(self, most: int = 4) -> str:
        return " ".join(self.word() for _ in range(self.draw.randint(1, most)))

    def texts(self, most: int) -> tuple[str, ...]:
        return tuple(self.text(3) for _ in range(self.draw.randint(0, most)))

    def codes(self) -> tuple[str, ...]:
        """A declaration of letters, groups and what is neither, in one text."""
        parts = self.draw.choices(DECLARED, k=self.draw.randint(1, 4))
        return ("".join(part + self.draw.choice((", ", " ", " und ", "/", " + ", "-")) for part in parts),)

    def dish(self, dish_id: str) -> DishFacts:
        declared = self.draw.choice(
            (None, None, (), ("none",), ("milk", "gluten"), ("A", "G"), self.codes(), self.texts(2))
        )
        description = self.text() if self.draw.random() < 0.3 else ""
        letters = self.draw.choice(("", "austria"))
        return DishFacts(dish_id, self.text(), description, self.texts(1), self.texts(3), declared, letters)

    def person(self) -> Restrictions:
        allergies = self.draw.sample(
            [*ALLERGENS, "kiwi", "lactose", "nuts", "Reis", "pea", "cocoa"], self.draw.randint(0, 2)
        )
        avoids = [self.draw.choice(self.words) for _ in range(self.draw.choice((0, 0, 1)))]
        diets = ";".join(self.draw.choices(DIETS, k=self.draw.choice((1, 1, 2))))
        return read_restrictions(diets, allergies, avoids)
