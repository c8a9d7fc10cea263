"""/recommend: finds the best dishes of the catalogue for a person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from anyio.to_thread import run_sync
from bentoml import Context

from components.domain.diet import Basis
from components.domain.diet.nutrition import Nutrition
from serving import candidates
from serving.answers import Answers, past_of
from serving.catalogue import Published
from serving.permissions import Permissions
from serving.restrictions import notes_of
from serving.schemas.recommend import (
    NutrientBody,
    NutritionBody,
    RecommendAnswer,
    Recommendation,
    RecommendRequest,
)
from serving.search import best_dishes
from serving.variant import Ranked


async def answer(
    answers: Answers,
    published: Published,
    permissions: Permissions,
    request: RecommendRequest,
    ctx: Context,
) -> RecommendAnswer:
    """Answers a request: what the person may eat and wants of the catalogue, best first."""
    versions, number = answers.versions, request.model_version
    variant = versions.named(number) if number else versions.for_person(request.person_id)
    facts = versions.newest.facts
    chosen, catalogue = await run_sync(candidates.of_catalogue, request, published, permissions, facts)
    person = chosen.person
    history, past = (person.history, {}) if request.history is None else past_of(request.history)
    ranked = await versions.in_turn(best_dishes, variant, history, past, chosen.offered, catalogue, request.k)
    answers.metrics.published(person.published_at)
    bases, lineage = await answers.give(ctx, variant, request, chosen.restrictions, ranked)
    reliability = [] if ranked.cold_start else variant.facts.get("reliability", [])
    sure = how_sure(reliability, [score for _, score in ranked.dishes])
    return RecommendAnswer(
        dishes=_dishes(ranked, sure, bases),
        left_out=chosen.left_out,
        notes=notes_of(request, person, chosen.restrictions),
        allergies_known=person.has_row or request.allergies is not None,
        cold_start=ranked.cold_start,
        sure_of_person=ranked.sure_of_person,
        considered=ranked.considered,
        published_at=person.published_at,
        **lineage,
    )


def _dishes(
    ranked: Ranked, sure: Sequence[float | None], bases: Sequence[list[Basis]]
) -> list[Recommendation]:
    return [
        Recommendation(
            dish_id=listed.dish.dish_id,
            name=listed.dish.name,
            score=score,
            sure=share,
            because=reasons,
            basis=basis,
            nutrition=_nutrition(listed.nutrition),
        )
        for (listed, score), share, reasons, basis in zip(
            ranked.dishes, sure, ranked.because, bases, strict=True
        )
    ]


def how_sure(reliability: Sequence[tuple[float, float]], scores: Sequence[float]) -> list[float | None]:
    """Estimates for each dish how often such a lead over the next dish was right on held-out menus.

    The last dish has no next one and gets None.

    Args:
        reliability: Points of the curve from a stated probability to the share that was right. It may be
            empty, and is in releases from before 0.3.0.
        scores: Scores in logits, best first.
    """
    if not reliability or not scores:
        return [None for _ in scores]
    stated, right = zip(*reliability, strict=True)
    leads = np.asarray(scores[:-1]) - np.asarray(scores[1:])
    return [*np.interp(1 / (1 + np.exp(-leads)), stated, right).round(3).tolist(), None]


def _nutrition(nutrition: Nutrition) -> NutritionBody:
    """Writes the nutrients of a dish in the form of an answer."""
    nutrients = {
        name: NutrientBody(**vars(amount), confidence=amount.confidence)
        for name, amount in nutrition.amounts.items()
    }
    return NutritionBody(nutrients=nutrients, matches=list(nutrition.matches))
