"""`make benchmark NAME=nutrition`: how often an estimated interval holds the true amount of a nutrient.

Two yardsticks, both with true amounts: dishes of SR Legacy, another table with names of another hand,
asked of the FNDDS foods that the estimates rest on; and each FNDDS food, left out of its own table. A hash
of the name halves SR Legacy: the first half chose `likeness.Rule`, the other half measures it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from scipy import stats

from benchmarks.pages import RESULTS, publish, table
from benchmarks.sample import REPO
from components.domain.diet.nutrition import NUTRIENTS, Food, FoodIndex, Rule, nutrition_of
from components.domain.diet.nutrition.estimate import ranges
from components.domain.diet.nutrition.likeness import plausible
from components.integrations.foods import AS_EATEN, NO_DISHES, food_of, food_rows, read_foods

FOODS = REPO / "data" / "foods" / "foods.csv"
DISHES_OF_SR = (
    "Baked Products", "Fast Foods", "Meals, Entrees, and Side Dishes", "Restaurant Foods",
    "Soups, Sauces, and Gravies",
)  # fmt: skip
NOT_AS_EATEN = (" dry", "condensed", "unprepared")
BESTS, LEASTS, FEWEST = (0.4, 0.5, 0.6, 0.7), (0.2, 0.25, 0.3, 0.35, 0.4), (5, 8, 10)
WANTED, LEAST_SHARE = 0.9, 0.2  # of the true amounts, for every nutrient; of the dishes with an estimate
MANY = 10_000
Near = list[tuple[float, list[Food]]]
Range = tuple[float, float]


@dataclass(frozen=True)
class Question:
    """A food whose amounts are on record, and the foods that are most like it without itself."""

    food: Food
    near: Near

    @property
    def is_first(self) -> bool:
        """Whether it belongs to the half that chose the rule."""
        return hashlib.sha256(self.food.name.encode()).digest()[0] % 2 == 0


@dataclass
class Measured:
    """What a rule says of one nutrient.

    Attributes:
        total: Number of foods whose amount is on record.
        held: For each estimate whether its interval holds the amount.
        widths: Of each interval.
        amounts: On record, of the same foods.
    """

    total: int
    held: list[bool]
    widths: list[float]
    amounts: list[float]

    @property
    def coverage(self) -> float:
        """Share of the intervals that hold the amount."""
        return sum(self.held) / max(1, len(self.held))


def of_another_table(rows: Sequence[dict[str, str]], foods: FoodIndex) -> list[Question]:
    """Dishes of SR Legacy asked of the foods of FNDDS."""
    dishes = [
        food_of(row)
        for row in rows
        if row["source"] != AS_EATEN
        and row["category"] in DISHES_OF_SR
        and not any(word in row["name"].lower() for word in NOT_AS_EATEN)
    ]
    return [Question(food, foods.near(food.name)) for food in dishes]


def left_out(rows: Sequence[dict[str, str]], foods: FoodIndex) -> list[Question]:
    """Foods of FNDDS asked of the others; those whose names have the same words are left out, too."""
    dishes = [
        food_of(row)
        for row in rows
        if row["source"] == AS_EATEN and not row["category"].startswith(NO_DISHES)
    ]
    questions = []
    for food in dishes:
        near = foods.near(food.name, Rule.most + 1)
        others = [entry for entry in near if all(one.name != food.name for one in entry[1])]
        questions.append(Question(food, others[: Rule.most]))
    return questions


def measure(questions: Sequence[Question], rule: Rule) -> dict[str, Measured]:
    """By nutrient what a rule says of the questions' foods."""
    result = {name: Measured(0, [], [], []) for name in NUTRIENTS}
    for question in questions:
        entries = [foods for _, foods in plausible(question.near, rule)]
        bounds = ranges(entries, rule.fewest)
        for name, amount in question.food.per_100g.items():
            measured = result[name]
            measured.total += 1
            if name in bounds:
                low, high = bounds[name]
                measured.held.append(low <= amount <= high)
                measured.widths.append(high - low)
                measured.amounts.append(amount)
    return result


def choose(questions: Sequence[Question]) -> list[tuple[Rule, dict[str, Measured]]]:
    """Rules whose intervals hold enough and speak of enough dishes, the narrowest (kcal) first."""
    rules = [
        replace(Rule(), best=best, least=least, fewest=fewest)
        for best, least, fewest in product(BESTS, LEASTS, FEWEST)
    ]
    measured = [(rule, measure(questions, rule)) for rule in rules]
    fits = [
        (rule, by_nutrient)
        for rule, by_nutrient in measured
        if all(each.coverage >= WANTED for each in by_nutrient.values())
        and len(by_nutrient["kcal"].held) >= LEAST_SHARE * by_nutrient["kcal"].total
    ]
    return sorted(fits, key=lambda pair: statistics.median(pair[1]["kcal"].widths))


def samples(foods: FoodIndex) -> Iterator[list[str]]:
    """How many dishes of the sample sets, none of which states a nutrient, get an estimate."""
    for name in ("canteen", "italian-recipes"):
        path = REPO / "data" / "sample" / name / "dishes.csv"
        with path.open(encoding="utf-8") as file:
            dishes = list(csv.DictReader(file))
        estimated = [dish for dish in dishes if nutrition_of({"name": dish["name"]}, foods).amounts]
        yield [name, str(len(dishes)), str(len(estimated))]


def mixtures(rows: Sequence[dict[str, str]]) -> tuple[int, int, Range]:
    """What ingredients without weights say: dishes, those all of whose ingredients match, kcal of 100 g.

    The kcal are the medians, over these dishes, of the least and the largest amount of any ingredient.
    """
    foods = FoodIndex(food_of(row) for row in rows if not row["category"].startswith(NO_DISHES))
    labels = REPO / "tests" / "data" / "allergens" / "dishes.jsonl"
    dishes = [json.loads(line)["ingredients"] for line in labels.read_text(encoding="utf-8").splitlines()]
    recipes = REPO / "data" / "sample" / "italian-recipes" / "dishes.csv"
    with recipes.open(encoding="utf-8") as file:
        dishes += [row["ingredients"].split(";") for row in csv.DictReader(file) if row["ingredients"]]
    rule = replace(Rule(), best=0.5, least=0.5, fewest=1)
    bounds = []
    for ingredients in dishes:
        matches = [plausible(foods.near(text), rule) for text in ingredients]
        if all(matches):
            entries = [same for near in matches for _, same in near]
            bounds.append(ranges(entries, 1)["kcal"])
    medians = statistics.median(low for low, _ in bounds), statistics.median(high for _, high in bounds)
    return len(dishes), len(bounds), medians


def seconds(rows: Sequence[dict[str, str]], foods: FoodIndex) -> float:
    """CPU-seconds for the nutrition of many dishes with long names that differ."""
    names = [row["name"] for row in rows]
    dishes = [f"{names[number % len(names)]} {names[number * 7 % len(names)]}" for number in range(MANY)]
    start = time.process_time()
    for dish in dishes:
        nutrition_of({"name": dish}, foods)
    return time.process_time() - start


def main() -> None:
    """Writes results/nutrition.md."""
    rows, foods = food_rows(FOODS), read_foods(FOODS)
    another, itself = of_another_table(rows, foods), left_out(rows, foods)
    fits = choose([question for question in another if question.is_first])
    halves = {
        "SR Legacy, first half (chose the rule)": [each for each in another if each.is_first],
        "SR Legacy, other half": [each for each in another if not each.is_first],
        "FNDDS, each food left out": itself,
    }
    results = {name: measure(questions, Rule()) for name, questions in halves.items()}
    lines = [*_page(fits, results), *_rest(list(samples(foods)), mixtures(rows), seconds(rows, foods))]
    publish(RESULTS / "nutrition.md", "\n".join(lines))


def _page(
    fits: Sequence[tuple[Rule, dict[str, Measured]]], results: Mapping[str, Mapping[str, Measured]]
) -> Iterator[str]:
    yield "# Nutrition: how often an estimate holds the true amount"
    yield ""
    yield "`make benchmark NAME=nutrition`: amounts in 100 g, estimated from names alone as the range of"
    yield "FNDDS foods with like names. 95 % bounds are exact (Clopper and Pearson). Width and amount are"
    yield "medians of the estimates."
    yield ""
    yield f"Rules whose intervals hold {WANTED:.0%} for every nutrient on the first half of SR Legacy and"
    yield f"speak of {LEAST_SHARE:.0%} of it or more, the narrowest first; in use is {_rule(Rule())}."
    yield ""
    chosen = [
        [
            _rule(rule),
            f"{len(measured['kcal'].held) / measured['kcal'].total:.2f}",
            f"{min(one.coverage for one in measured.values()):.3f}",
            f"{statistics.median(measured['kcal'].widths):.0f}",
        ]
        for rule, measured in fits[:5]
    ]
    yield from table("rule | dishes with an estimate | least coverage of a nutrient | width, kcal", chosen)
    for name, by_nutrient in results.items():
        yield ""
        yield f"## {name}"
        yield ""
        cells = [[nutrient, *_cells(measured)] for nutrient, measured in by_nutrient.items()]
        yield from table("nutrient | estimated | held by the interval | width | amount", cells)


def _rest(dishes: list[list[str]], mixed: tuple[int, int, Range], duration: float) -> Iterator[str]:
    total, matched, (low, high) = mixed
    yield ""
    yield "## Samples, ingredients and time"
    yield ""
    yield from table("sample | dishes | with an estimate", dishes)
    yield ""
    yield f"Ingredients without weights: {matched} of {total} lists match in whole, and the mixture may"
    yield f"be anything between its ingredients: {low:.0f} to {high:.0f} kcal in 100 g (medians)."
    yield "So they are not read."
    yield ""
    yield f"{MANY:,} dishes with long names that differ: {duration:.1f} CPU-seconds."
    yield ""


def _rule(rule: Rule) -> str:
    return f"best {rule.best:g}, others {rule.least:g}, fewest {rule.fewest}"


def _cells(measured: Measured) -> Iterator[str]:
    count, held = len(measured.held), sum(measured.held)
    yield f"{count} of {measured.total}"
    if count:
        bounds = stats.binomtest(held, count).proportion_ci(method="exact")
        yield f"{held / count:.3f} ({bounds.low:.3f} to {bounds.high:.3f})"
        yield f"{statistics.median(measured.widths):.1f}"
        yield f"{statistics.median(measured.amounts):.1f}"


if __name__ == "__main__":
    main()
