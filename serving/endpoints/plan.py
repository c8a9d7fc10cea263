"""/plan: plans the meals of some days for a household."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from anyio.to_thread import run_sync
from bentoml import Context

from components.domain.diet.nutrition import QUANTITIES
from components.domain.plan import Conflict, Plan, Request, Served
from serving import candidates
from serving.answers import Answers, past_of
from serving.catalogue import Listing, Published
from serving.permissions import Permissions
from serving.refusals import CURRENT, NobodyWaits, Unavailable
from serving.restrictions import notes_of
from serving.schemas.plan import EaterBody, PlanRequest
from serving.schemas.plan_answer import (
    EaterAnswer,
    IntervalBody,
    LeftOutAnswer,
    MealAnswer,
    PlanAnswer,
    PlannedDish,
)
from serving.search import explained, score_dishes
from serving.shopping import shopping_of
from serving.solver import Solver
from serving.sureness import deviations
from serving.variant import Ranked
from serving.week import Eater, chance, change_of, counted, sentences_of, week_of
from serving.week_limits import daily_bounds, grows_by_portion

PATIENCE_S = 10.0  # after which the best plan that was found is the answer
SURE = 1.96  # standard deviations on either side of a liking: 95 % of the posterior
RESERVE_S = 2.0  # before the request's deadline, in which the answer is written


class Planner:
    """Plans for households, one at a time, in a process that holds no other request up.

    Args:
        answers: Gives the answers.
        published: The catalogue and the people.
        permissions: What restrictions permit.
    """

    def __init__(self, answers: Answers, published: Published, permissions: Permissions) -> None:
        self.answers, self.published, self.permissions = answers, published, permissions
        self.solver = Solver()

    async def answer(self, request: PlanRequest, ctx: Context) -> PlanAnswer:
        """Answers a request: the plan, or why there is none.

        Raises:
            InvalidArgument: A dish is not in the catalogue, or a restriction cannot be read.
            NobodyWaits: Time ended before there was a plan.
            Unavailable: It is unknown what is safe for somebody, or a dish of the plan must not be offered.
        """
        looked_up = [await self._eater(body) for body in request.people]
        eaters, catalogue = [eater for eater, _ in looked_up], looked_up[0][1]
        if any(other is not catalogue for _, other in looked_up):
            raise Unavailable("The catalogue was published anew meanwhile: send it again.")
        week = await run_sync(week_of, request, eaters, catalogue)
        plan = await self._plan(week)
        if isinstance(plan, Conflict):
            reasons = sentences_of(plan, request, week, eaters, catalogue)
            return PlanAnswer(
                status="impossible", gap=None, meals=[], people=[], shopping=shopping_of([], catalogue),
                left_out=_left_out(eaters, catalogue), reasons=reasons,
                change=change_of(plan, week, eaters, catalogue),
            )  # fmt: skip
        owns = [[each for each in plan.served if index in each.eaters] for index in range(len(eaters))]
        answers = [
            await self._checked(eater, own, catalogue) for eater, own in zip(eaters, owns, strict=True)
        ]  # of everybody before anything is stored
        people = [
            await self._give(ctx, index, eater, ranked, owns[index], week, catalogue)
            for index, (eater, ranked) in enumerate(zip(eaters, answers, strict=True))
        ]
        return PlanAnswer(
            status="optimal" if plan.is_optimal else "stopped_early" if plan.stopped_early else "within_gap",
            gap=plan.gap,
            meals=_meals(week, plan, eaters, answers, catalogue),
            people=people,
            shopping=shopping_of(plan.served, catalogue),
            left_out=_left_out(eaters, catalogue),
            reasons=[],
            change=None,
        )

    async def _eater(self, body: EaterBody) -> tuple[Eater, Listing]:
        """Looks up what a person may have, and scores it."""
        versions = self.answers.versions
        variant, facts = versions.for_person(body.person_id), versions.newest.facts
        chosen, catalogue = await run_sync(candidates.of_eater, body, self.published, self.permissions, facts)
        person = chosen.person
        history, past = (person.history, {}) if body.history is None else past_of(body.history)
        scored = await versions.in_turn(score_dishes, variant, history, past, chosen.offered, catalogue)
        self.answers.metrics.published(person.published_at)
        return Eater(body, variant, person, chosen.restrictions, chosen.left_out, scored, past), catalogue

    async def _plan(self, week: Request) -> Plan | Conflict:
        """Plans a week; its process is killed once nobody waits."""
        call = CURRENT.get()
        deadline = call.deadline - RESERVE_S if call else math.inf
        plan = await self.solver.solve(week, PATIENCE_S, deadline)
        if plan is None:
            raise NobodyWaits(
                "No plan was found in time: send fewer meals, bounds or dishes, or the same again."
            )
        return plan

    async def _checked(self, eater: Eater, own: Sequence[Served], catalogue: Listing) -> Ranked:
        """Ranks a person's dishes with reasons and intervals, and checks once more that they may eat them."""
        scored = eater.scored
        score = dict(zip(scored.positions.tolist(), scored.scores.tolist(), strict=True))
        best_first = sorted({served.dish for served in own}, key=lambda dish: (-score[dish], dish))
        ranked = scored.ranked([(dish, score[dish]) for dish in best_first], catalogue)
        await self.answers.check(eater.restrictions, ranked)
        return await self.answers.versions.in_turn(_with_reasons, eater, ranked, catalogue)

    async def _give(
        self,
        ctx: Context,
        index: int,
        eater: Eater,
        ranked: Ranked,
        own: Sequence[Served],
        week: Request,
        catalogue: Listing,
    ) -> EaterAnswer:
        """Stores a person's dishes as an answer to them."""
        lineage = await self.answers.keep(ctx, eater.variant, eater.body, eater.restrictions, ranked)
        by_day = [[each for each in own if week.meals[each.meal].day == day] for day in range(week.days)]
        most, least = daily_bounds(eater.body)
        liking = [float(week.liking[index, served.dish]) for served in own]
        return EaterAnswer(
            liking=float(np.mean(liking)) if liking else None,
            days=[_totals(dishes, catalogue) for dishes in by_day],
            total=_totals(own, catalogue),
            at_most=most,
            at_least=least,
            notes=notes_of(eater.body, eater.person, eater.restrictions),
            allergies_known=eater.person.has_row or eater.body.allergies is not None,
            cold_start=ranked.cold_start,
            **lineage,
        )


def _with_reasons(eater: Eater, ranked: Ranked, catalogue: Listing) -> Ranked:
    """Adds to a person's dishes the past ones that speak for each, and how sure each liking is."""
    variant, scored, past = eater.variant, eater.scored, eater.past
    ranked = explained(variant, scored.history, past, ranked, catalogue)
    return replace(ranked, deviations=deviations(variant, scored, past, ranked, catalogue))


def _left_out(eaters: Sequence[Eater], catalogue: Listing) -> list[LeftOutAnswer]:
    on_offer = int(catalogue.is_offered.sum())
    return [
        LeftOutAnswer(
            person_id=eater.body.person_id,
            dishes=on_offer - len(eater.scored.positions),
            reasons=counted(eater.left_out),
        )
        for eater in eaters
    ]


def _meals(
    week: Request, plan: Plan, eaters: Sequence[Eater], answers: Sequence[Ranked], catalogue: Listing
) -> list[MealAnswer]:
    meals = [MealAnswer(day=meal.day + 1, slot=meal.name, dishes=[]) for meal in week.meals]
    names = [eater.body.person_id for eater in eaters]
    because = [
        {listed.dish.dish_id: reasons for (listed, _), reasons in zip(own.dishes, own.because, strict=True)}
        for own in answers
    ]
    intervals = [_intervals(eater, own) for eater, own in zip(eaters, answers, strict=True)]
    for served in plan.served:
        dish = catalogue.dishes[served.dish].dish
        meals[served.meal].dishes.append(
            PlannedDish(
                dish_id=dish.dish_id,
                name=dish.name,
                portion=served.portion,
                liking={names[each]: float(week.liking[each, served.dish]) for each in served.eaters},
                liking_interval={
                    names[each]: intervals[each][dish.dish_id]
                    for each in served.eaters
                    if dish.dish_id in intervals[each]
                },
                because={names[each]: because[each][dish.dish_id] for each in served.eaters},
            )
        )
    return meals


def _intervals(eater: Eater, ranked: Ranked) -> dict[str, IntervalBody]:
    """Gives the interval of each dish's liking, by id, where the version can tell how sure it is."""
    intervals = {}
    for (listed, score), deviation in zip(ranked.dishes, ranked.deviations, strict=bool(ranked.deviations)):
        low, high = chance(score - eater.scored.median + SURE * np.array([-deviation, deviation])).tolist()
        intervals[listed.dish.dish_id] = IntervalBody(low=low, high=high)
    return intervals


def _totals(served: Sequence[Served], catalogue: Listing) -> dict[str, IntervalBody]:
    """Adds up the quantities of some dishes; one that any of them does not state per serving is missing."""
    totals = {}
    for name in QUANTITIES if served else ():
        amounts = [catalogue.dishes[each.dish].nutrition.amounts.get(name) for each in served]
        known = [
            (portion * amount.low, portion * amount.high)
            for each, amount in zip(served, amounts, strict=True)
            if amount and amount.per == "serving"
            for portion in [each.portion if grows_by_portion(name) else 1]
        ]
        if len(known) == len(served):
            low, high = (sum(end) for end in zip(*known, strict=True))
            totals[name] = IntervalBody(low=low, high=high)
    return totals
