"""What /recommend answers, from what was chosen and ranked."""

from __future__ import annotations

from collections.abc import Sequence

from serving import restricting
from serving.arm import Arm
from serving.choosing import Choice
from serving.nutrition import body_of
from serving.recommend_schema import RecommendAnswer, Recommendation, RecommendRequest
from serving.recommending import Ranked, how_sure
from serving.schema import BasisBody


def recommend_answer(
    arm: Arm,
    answer_id: str,
    request: RecommendRequest,
    choice: Choice,
    ranked: Ranked,
    bases: Sequence[list[BasisBody]],
) -> RecommendAnswer:
    """Builds the answer to a request.

    Args:
        arm: The version that answers.
        answer_id: Of the answer.
        request: What was asked.
        choice: Who asked, what applied to them and what was left out.
        ranked: The dishes, best first.
        bases: Of the best dishes what shows that the person may eat each.
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
        notes=restricting.notes_of(request, person, choice.restrictions),
        allergies_known=person.has_row or request.allergies is not None,
        cold_start=ranked.cold_start,
        considered=ranked.considered,
        published_at=person.published_at,
        model=arm.facts["model"],
        model_version=arm.facts["model_version"],
        data_version=arm.facts["data_md5"],
        preview=arm.facts["preview"],
    )
