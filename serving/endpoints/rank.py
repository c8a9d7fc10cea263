"""/rank: scores the dishes of a request's menu for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from anyio.to_thread import run_sync
from bentoml import Context

from components.domain.catalogue import Listed, Person
from components.domain.records import Question
from serving import candidates
from serving.answers import Answers, past_of
from serving.restrictions import notes_of
from serving.schemas.rank import RankAnswer, RankedDish, RankRequest
from serving.variant import Ranked, Variant


async def answer(answers: Answers, request: RankRequest, ctx: Context) -> RankAnswer:
    """Answers a request: what the person may eat of its dishes, best first."""
    variant = answers.versions.for_person(request.person_id)
    menu = await run_sync(candidates.of_menu, request, answers.versions.newest.facts)
    scores = await _scores(answers, variant, request, menu.offered) if menu.offered else []
    scored = list(zip(menu.offered, scores, strict=True))
    best_first = sorted(scored, key=lambda pair: -pair[1])
    unknown = variant.unknown(listed.dish for listed in menu.offered)
    ranked = Ranked(best_first, len(scored), len(request.history), unknown)
    bases, lineage = await answers.give(ctx, variant, request, menu.restrictions, ranked)
    order = [listed.dish.dish_id for listed, _ in best_first]
    basis = dict(zip(order, bases, strict=True))
    return RankAnswer(
        order=order,
        scores=[
            RankedDish(dish_id=listed.dish.dish_id, score=score, basis=basis[listed.dish.dish_id])
            for listed, score in scored
        ],
        left_out=menu.left_out,
        stored_restrictions=_fate(request, menu.person),
        notes=notes_of(request, menu.person, menu.restrictions),
        **lineage,
    )


async def _scores(
    answers: Answers, variant: Variant, request: RankRequest, offered: Sequence[Listed]
) -> list[float]:
    """Scores dishes for the person of a request, in the order of the dishes."""
    history, dishes = past_of(request.history)
    menu = {f"offer/{each.dish.dish_id}": each.dish for each in offered}  # a past dish may have the same id
    dishes |= {dish_id: replace(dish, dish_id=dish_id) for dish_id, dish in menu.items()}
    question, tokens = Question(request.person_id, history, tuple(menu)), variant.tokens(dishes)
    variant.check_tokens(question, tokens)
    return await answers.versions.in_turn(variant.scores, question, tokens)


def _fate(request: RankRequest, stored: Person) -> Literal["applied", "none", "ignored"]:
    """Says what became of the stored restrictions."""
    if not request.use_stored_restrictions:
        return "ignored"
    return "applied" if stored.has_row else "none"
