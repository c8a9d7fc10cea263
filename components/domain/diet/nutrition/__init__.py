"""What a serving of a dish holds: its row declares it, a food that it names tells it, or it is unknown.

values    an amount as an interval, with what it rests on
foods     foods of a table, by the words of their names
estimate  the nutrients of a dish
bounds    which amounts a dish keeps to; the reference intakes of an adult
"""

from components.domain.diet.nutrition.bounds import REFERENCE_LEAST, REFERENCE_MOST, outside
from components.domain.diet.nutrition.estimate import nutrition_of
from components.domain.diet.nutrition.foods import FoodIndex
from components.domain.diet.nutrition.values import (
    CONFIDENCE,
    COSTS,
    NUTRIENTS,
    QUANTITIES,
    Amount,
    Food,
    Nutrition,
)

__all__ = [
    "CONFIDENCE",
    "COSTS",
    "NUTRIENTS",
    "QUANTITIES",
    "REFERENCE_LEAST",
    "REFERENCE_MOST",
    "Amount",
    "Food",
    "FoodIndex",
    "Nutrition",
    "nutrition_of",
    "outside",
]
