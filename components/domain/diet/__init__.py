"""What a person may eat: allergens, avoided ingredients and diets, read from words, failing closed.

Only evidence lets a dish through. What cannot be read, or is not listed, is unknown and stays out.

restrictions  what a person wrote, as groups of allergens, avoided words and diets
permitted     before scoring: finds words by a trie of tokens, longest first
basis         what an answer says of the dishes that it offers, and of what no words tell
"""

from components.domain.diet.basis import Basis, basis_of, notes
from components.domain.diet.facts import DishFacts, LeftOut, Reason, Restrictions, Strength
from components.domain.diet.permitted import permitted
from components.domain.diet.restrictions import (
    UnknownDiet,
    has_letter,
    is_blank,
    one_by_one,
    read_restrictions,
)

__all__ = [
    "Basis",
    "DishFacts",
    "LeftOut",
    "Reason",
    "Restrictions",
    "Strength",
    "UnknownDiet",
    "basis_of",
    "has_letter",
    "is_blank",
    "notes",
    "one_by_one",
    "permitted",
    "read_restrictions",
]
