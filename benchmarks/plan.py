"""`make benchmark NAME=plan`: a household's weeks by the planner, beside simpler ways to fill meals.

Households, dishes, likings and wishes are drawn at random. Every way chooses among dishes that all eaters may
have. Seconds are those of the wall and of the processor.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.pages import RESULTS, publish, table
from components.domain.plan import Limit, Meal, Plan, Request, plan_of
from components.domain.plan.model import model_of
from components.domain.plan.program import Aim, Program
from components.domain.plan.repair import repaired
from components.domain.plan.solve import ROUNDS
from components.domain.preferences.arrays import Floats, Ints

PATIENCE_S = 10.0  # as the service has it
MEALS, DAYS, TAGS = 3, 7, 30
SIZES = ((1_000, 60), (10_000, 30))  # dishes of a catalogue, and weeks that are planned of it
KINDS = ("no wishes", "rules and energy", "narrow bounds")
Way = Callable[[Request, np.random.Generator], Plan | None]


@dataclass(frozen=True)
class Outcome:
    """What a way made of a week; without a plan all but the seconds are NaN.

    Attributes:
        liking: Mean liking of the eaters.
        broken: Wishes that do not hold, each day of a daily one counted.
        repeats: Dishes that came before in the week.
        gap: Proven gap; NaN where the way proves none.
        wall_s: Seconds that it took.
        processor_s: Seconds of the processor.
    """

    liking: float
    broken: float
    repeats: float
    gap: float
    wall_s: float
    processor_s: float


def main() -> None:
    """Plans all weeks by all ways, and writes the page."""
    rows, times = [], []
    for dishes, count in SIZES:
        weeks = [_week(dishes, KINDS[seed % len(KINDS)], seed) for seed in range(count)]
        for kind in KINDS:
            own = weeks[KINDS.index(kind) :: len(KINDS)]
            for name, way in WAYS.items():
                outcomes = [_outcome(way, week, seed) for seed, week in enumerate(own)]
                print(dishes, kind, name, *outcomes, sep="\n  ", flush=True)
                rows.append([f"{dishes:,}", kind, name, *_means(outcomes)])
                if name == "plan":
                    times.append([f"{dishes:,}", kind, str(len(own)), *_quantiles(outcomes)])
    head = "catalogue | wishes | way | found | liking | wishes broken | repeats | seconds | of the processor"
    tail = "catalogue | wishes | weeks | p50 s | p95 s | p50 of the processor | p95 of it | largest gap"
    page = [_PAGE, *table(head, rows), "", "The planner alone:", "", *table(tail, times), ""]
    publish(RESULTS / "plan.md", "\n".join(page))


_PAGE = f"""# A week's plan beside simpler ways

`make benchmark NAME=plan`: {DAYS} days of {MEALS} meals for two who eat together, of made-up catalogues.
"Narrow bounds" are 1,800 to 2,200 kcal, at most 6 of salt and at least 50 of protein a day; "rules and
energy" are at most 2,400 kcal a day, two dishes or more of one tag and at most three of another. Means over
weeks; of broken wishes each day counts.
"""


def _week(dishes: int, kind: str, seed: int) -> Request:
    draw = np.random.default_rng(seed)
    common = draw.normal(0, 1, dishes)
    liking = 1 / (1 + np.exp(-common - draw.normal(0, 1, (2, dishes))))
    slot = draw.integers(0, MEALS, dishes)
    meals = [
        Meal(f"meal {each}", day, (0, 1), np.flatnonzero(slot == each))
        for day in range(DAYS)
        for each in range(MEALS)
    ]
    tags = np.eye(TAGS, dtype=bool)[draw.integers(0, TAGS, dishes)]
    return Request(
        days=DAYS, meals=tuple(meals), liking=liking, permitted=draw.random((2, dishes)) < 0.8,
        limits=tuple(limit for eater in range(2) for limit in _limits(kind, eater, dishes, tags, seed)),
        main_tags=tags, days_ago=np.full((2, dishes), np.inf),
    )  # fmt: skip


def _limits(kind: str, eater: int, dishes: int, tags: Floats, seed: int) -> list[Limit]:
    draw = np.random.default_rng([seed, 1])  # the same dishes for both eaters
    shapes = (6, 600), (2, 2), (4, 22)  # shape and mean of each amount
    kcal, salt, protein = (draw.gamma(shape, mean / shape, dishes) for shape, mean in shapes)
    if kind == "rules and energy":
        of_tag = [tags[:, tag].astype(float) for tag in range(2)]
        return [
            Limit("kcal", eater, kcal, 2400, is_least=False),
            Limit("tag 0", eater, of_tag[0], 2, is_least=True, is_daily=False),
            Limit("tag 1", eater, of_tag[1], 3, is_least=False, is_daily=False),
        ]
    if kind == "narrow bounds":
        return [
            Limit("kcal", eater, kcal, 2200, is_least=False),
            Limit("kcal", eater, kcal, 1800, is_least=True),
            Limit("salt", eater, salt, 6, is_least=False),
            Limit("protein", eater, protein, 50, is_least=True),
        ]
    return []


def _planned(week: Request, _: np.random.Generator) -> Plan | None:
    end = time.monotonic() + PATIENCE_S
    plan = plan_of(week, lambda: end - time.monotonic())
    return plan if isinstance(plan, Plan) else None


def _repaired(week: Request, _: np.random.Generator) -> Plan | None:
    program = Program(model_of(week))
    picked = repaired(program, np.arange(len(program.columns.dish)), ROUNDS, lambda: PATIENCE_S)
    return None if picked is None else _plan(program, picked)


def _greedy(week: Request, _: np.random.Generator) -> Plan | None:
    program = Program(model_of(replace(week, limits=(), repeat_after_days=0)))
    return _plan(program, [own[np.argmax(program.liking[own])] for own in _by_plate(program)])


def _drawn(week: Request, draw: np.random.Generator) -> Plan | None:
    program = Program(model_of(replace(week, limits=(), repeat_after_days=0)))
    return _plan(program, [draw.choice(own) for own in _by_plate(program)])


WAYS: dict[str, Way] = {
    "plan": _planned,
    "greedy with repair": _repaired,
    "greedy, best dish a slot": _greedy,
    "random draw": _drawn,
}


def _by_plate(program: Program) -> list[Ints]:
    return [np.flatnonzero(program.columns.plate == plate) for plate in range(len(program.columns.plates))]


def _plan(program: Program, picked: Sequence[int] | Ints) -> Plan:
    columns = np.asarray(picked, np.int64)
    return Plan(program.columns.served(columns), program.worth(columns, Aim()), np.nan, stopped_early=False)


def _outcome(way: Way, week: Request, seed: int) -> Outcome:
    wall, processor = time.perf_counter(), time.process_time()
    plan = way(week, np.random.default_rng(seed))
    spent = time.perf_counter() - wall, time.process_time() - processor
    if plan is None:
        return Outcome(np.nan, np.nan, np.nan, np.nan, *spent)
    liking = np.mean([week.liking[:, served.dish].mean() for served in plan.served])
    dishes = Counter(served.dish for served in plan.served)
    repeats = sum(count - 1 for count in dishes.values())
    broken = sum(_broken(limit, week, plan) for limit in week.limits)
    return Outcome(float(liking), broken, repeats, plan.gap, *spent)


def _broken(limit: Limit, week: Request, plan: Plan) -> int:
    sums = np.zeros(DAYS if limit.is_daily else 1)
    for served in plan.served:
        sums[week.meals[served.meal].day if limit.is_daily else 0] += limit.values[served.dish]
    return int(((sums < limit.amount - 1e-6) if limit.is_least else (sums > limit.amount + 1e-6)).sum())


def _means(outcomes: Sequence[Outcome]) -> list[str]:
    found = [each for each in outcomes if not np.isnan(each.liking)]
    own = [[each.liking, each.broken, each.repeats] for each in found] or [[np.nan] * 3]
    liking, broken, repeats = np.mean(own, axis=0)
    wall, processor = np.mean([[each.wall_s, each.processor_s] for each in outcomes], axis=0)
    cells = [f"{liking:.3f}", f"{broken:.1f}", f"{repeats:.1f}", f"{wall:.2f}", f"{processor:.2f}"]
    return [f"{len(found)} of {len(outcomes)}", *cells]


def _quantiles(outcomes: Sequence[Outcome]) -> list[str]:
    spent = np.array([[each.wall_s, each.processor_s] for each in outcomes])
    p50, p95 = np.quantile(spent, [0.5, 0.95], axis=0)
    gap = np.nanmax([each.gap for each in outcomes])
    return [*(f"{each:.2f}" for each in (p50[0], p95[0], p50[1], p95[1])), f"{gap:.1%}"]


if __name__ == "__main__":
    main()
