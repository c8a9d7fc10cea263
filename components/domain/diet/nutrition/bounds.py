"""Which amounts a dish keeps to: its whole interval lies within them, or it does not pass."""

from __future__ import annotations

from collections.abc import Mapping

from components.domain.diet.nutrition.values import COSTS, Amount, Nutrition

# A day of an average adult: Regulation (EU) No 1169/2011, Annex XIII, part B. Energy is within 10 % of
# 2000 kcal; 6 g of salt are 2.4 g of sodium (Annex I, point 11).
REFERENCE_MOST = {"kcal": 2200.0, "fat_g": 70.0, "saturated_g": 20.0, "sugars_g": 90.0, "sodium_mg": 2400.0}
REFERENCE_LEAST = {"kcal": 1800.0, "protein_g": 50.0}


def outside(nutrition: Nutrition, at_most: Mapping[str, float], at_least: Mapping[str, float]) -> list[str]:
    """Why a dish is not shown to lie within bounds, one sentence a bound; nothing where it does.

    Args:
        nutrition: Of the dish.
        at_most: By quantity the most that a serving may hold.
        at_least: By quantity the least that a serving must hold.
    """
    sentences = [_above(nutrition.amounts.get(name), name, bound) for name, bound in at_most.items()]
    sentences += [_below(nutrition.amounts.get(name), name, bound) for name, bound in at_least.items()]
    return [sentence for sentence in sentences if sentence]


def _above(amount: Amount | None, nutrient: str, bound: float) -> str:
    if amount is None or amount.per != "serving":
        return _unknown(amount, nutrient)
    return "" if amount.high <= bound else f"{_in_words(amount, nutrient)}, not shown to be at most {bound:g}"


def _below(amount: Amount | None, nutrient: str, bound: float) -> str:
    if amount is None or amount.per != "serving":
        return _unknown(amount, nutrient)
    return "" if amount.low >= bound else f"{_in_words(amount, nutrient)}, not shown to be at least {bound:g}"


def _unknown(amount: Amount | None, nutrient: str) -> str:
    if amount is None:
        who = (
            "the dish does not state it"
            if nutrient in COSTS
            else "neither the dish nor a food of its name states it"
        )
        return f"{nutrient} of a serving is unknown: {who}"
    interval = f"{amount.low:g} to {amount.high:g} in 100 g"
    why = f"foods of its name hold {interval}, and the dish states no serving_g"
    return f"{nutrient} of a serving is unknown: {why}"


def _in_words(amount: Amount, nutrient: str) -> str:
    interval = f"{amount.low:g}" if amount.low == amount.high else f"{amount.low:g} to {amount.high:g}"
    return f"{nutrient} of a serving is {interval} ({amount.evidence})"
