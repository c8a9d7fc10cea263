"""Builds the answers of /rank and /recommend from the dishes that were chosen, ranked and left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from components.domain.catalogue import Person
from components.domain.diet import Basis, Restrictions
from serving.arm import Arm
from serving.choosing import Choice
from serving.nutrition import body_of
from serving.recommending import Ranked, how_sure
from serving.restricting import notes_of
from serving.schemas.fields import LeftOutDish
from serving.schemas.rank import RankAnswer, RankedDish, RankRequest
from serving.schemas.recommend import RecommendAnswer, Recommendation, RecommendRequest


def rank_answer(
    arm: Arm,
    answer_id: str,
    request: RankRequest,
    stored: Person,
    restrictions: Restrictions,
    ranked: Sequence[RankedDish],
    left_out: list[LeftOutDish],
) -> RankAnswer:
    """Builds the answer to a request from what the store knows and from the restrictions that applied."""
    fate: Literal["applied", "none", "ignored"] = "applied" if stored.has_row else "none"
    return RankAnswer(
        answer_id=answer_id,
        person_id=request.person_id,
        order=[dish.dish_id for dish in sorted(ranked, key=lambda dish: -dish.score)],
        scores=list(ranked),
        left_out=left_out,
        stored_restrictions=fate if request.use_stored_restrictions else "ignored",
        notes=notes_of(request, stored, restrictions),
        **_version(arm),
    )


def recommend_answer(
    arm: Arm,
    answer_id: str,
    request: RecommendRequest,
    choice: Choice,
    ranked: Ranked,
    bases: Sequence[list[Basis]],
) -> RecommendAnswer:
    """Builds the answer to a request.

    `bases` say for each of its best dishes what shows that it is allowed.
    """
    best, person = ranked.dishes[: request.k], choice.person
    reliability = [] if ranked.cold_start else arm.facts.get("reliability", [])
    sure = how_sure(reliability, [score for _, score in best])
    return RecommendAnswer(
        answer_id=answer_id,
        person_id=request.person_id,
        dishes=[
            Recommendation(
                dish_id=listed.dish.dish_id,
                name=listed.dish.name,
                score=score,
                sure=share,
                because=reasons,
                basis=basis,
                nutrition=body_of(listed.nutrition),
            )
            for (listed, score), share, reasons, basis in zip(best, sure, ranked.because, bases, strict=False)
        ],
        left_out=choice.left_out,
        notes=notes_of(request, person, choice.restrictions),
        allergies_known=person.has_row or request.allergies is not None,
        cold_start=ranked.cold_start,
        considered=ranked.considered,
        published_at=person.published_at,
        **_version(arm),
    )


def _version(arm: Arm) -> dict[str, Any]:
    names = {
        "model": "model",
        "model_version": "model_version",
        "data_version": "data_md5",
        "preview": "preview",
        "ranked_by": "candidate",
    }
    standing = arm.facts.get("standing", "unknown")  # releases from before 0.3.0 do not say it
    return {"standing": standing, **{name: arm.facts[fact] for name, fact in names.items()}}
