"""What a serving of a dish holds: its row declares it, foods with like names tell a range, or it is unknown.

values    an amount as an interval, with what it rests on
likeness  foods whose names are like a dish's, by an inverted index of words
estimate  the nutrients of a dish
bounds    which amounts a dish keeps to
"""

from components.domain.diet.nutrition.bounds import outside
from components.domain.diet.nutrition.estimate import nutrition_of
from components.domain.diet.nutrition.likeness import FoodIndex, Rule
from components.domain.diet.nutrition.values import CONFIDENCE, NUTRIENTS, Amount, Food, Nutrition

__all__ = [
    "CONFIDENCE",
    "NUTRIENTS",
    "Amount",
    "Food",
    "FoodIndex",
    "Nutrition",
    "Rule",
    "nutrition_of",
    "outside",
]
