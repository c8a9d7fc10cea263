"""What /rank answers, from what was ranked and what restricted it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from components.domain.catalogue import Person
from components.domain.diet import Restrictions
from serving import restricting
from serving.arm import Arm
from serving.schema import LeftOutDish, RankAnswer, RankedDish, RankRequest


def rank_answer(
    arm: Arm,
    answer_id: str,
    request: RankRequest,
    stored: Person,
    restrictions: Restrictions,
    ranked: Sequence[RankedDish],
    left_out: list[LeftOutDish],
) -> RankAnswer:
    """Builds the answer to a request.

    Args:
        arm: The version that answers.
        answer_id: Of the answer.
        request: What was asked.
        stored: What the store knows that the person may not eat.
        restrictions: What applied.
        ranked: The dishes that may be offered, in the order asked.
        left_out: The others.
    """
    fate: Literal["applied", "none", "ignored"] = "applied" if stored.has_row else "none"
    return RankAnswer(
        answer_id=answer_id,
        person_id=request.person_id,
        order=[dish.dish_id for dish in sorted(ranked, key=lambda dish: -dish.score)],
        scores=list(ranked),
        left_out=left_out,
        stored_restrictions=fate if request.use_stored_restrictions else "ignored",
        notes=restricting.notes_of(request, stored, restrictions),
        model=arm.facts["model"],
        model_version=arm.facts["model_version"],
        data_version=arm.facts["data_md5"],
        preview=arm.facts["preview"],
    )
