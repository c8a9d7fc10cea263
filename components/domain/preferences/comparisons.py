"""Events become opinions, and opinions become comparisons in the order of time.

Every comparison carries the person's history strictly before its moment, so nothing later can leak into it.
How comparisons are divided into training and test is `domain.splits`. What was offered and not chosen is
passed over: it is a rival in the comparison and never a line of anyone's
history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from components.domain.records import DISLIKED, LIKED, NEUTRAL, Comparison, Dish, Opinion, Past

STATED_SET_SIZE = 5  # dishes at most in a comparison made of stated opinions; menus are taken whole
Offered = Callable[[Opinion], list[str]]
_VERDICTS = {"like": LIKED, "choice": LIKED, "dislike": DISLIKED}


def dishes_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Dish]:
    """Rows of the dishes table as dishes by id."""
    return {
        row["dish_id"]: Dish(
            row["dish_id"],
            row["name"],
            row["description"] or "",
            row["cuisine"] or "",
            tuple(row["tags"] or ()),
            tuple(row["ingredients"] or ()),
        )
        for row in rows
    }


def opinions_of(rows: Iterable[Mapping[str, Any]], like_at: float, dislike_at: float) -> list[Opinion]:
    """Rows of the events table as opinions.

    A rating is a like from `like_at` up, a dislike from `dislike_at` down.
    """
    opinions = []
    for row in rows:
        rating = row["value"] if row["kind"] == "rating" else None
        verdict = _VERDICTS.get(row["kind"], NEUTRAL)
        if rating is not None:
            verdict = LIKED if rating >= like_at else DISLIKED if rating <= dislike_at else NEUTRAL
        menu = row["menu_id"] if row["kind"] == "choice" else ""
        who, dish, at, source = row["person_id"], row["dish_id"], row["occurred_at"], row["source"]
        opinions.append(Opinion(who, dish, at, verdict, rating, menu, source))
    return opinions


def compare(
    opinions: Iterable[Opinion], menus: Mapping[str, Sequence[str]], max_history: int
) -> list[Comparison]:
    """Makes one comparison of every opinion that says what was preferred over what.

    Ordered by person and time.

    A choice is compared with the rest of its menu. A stated opinion is compared with what the same person
    stated earlier and liked less (or, if none, with the last they liked more); those dishes are then left out
    of the history.

    Args:
        opinions: Of all people, in any order.
        menus: Dish ids by menu id.
        max_history: Lines of history at most; see `_window`.
    """
    by_person: dict[str, list[Opinion]] = {}
    for opinion in opinions:
        by_person.setdefault(opinion.person_id, []).append(opinion)
    comparisons = []
    for person in sorted(by_person):
        ordered = sorted(by_person[person], key=lambda each: (each.at, each.menu_id, each.dish_id))
        offered = rivals(ordered, menus)
        for opinion in ordered:
            before = [each for each in ordered if each.at < opinion.at]
            if opinion.menu_id:
                dishes = offered(opinion)
                verdicts = menu_verdicts(dishes, opinion.dish_id)
                made = _comparison(opinion, opinion.dish_id, dishes, verdicts, before, max_history)
            else:
                chosen, dishes = _stated(opinion, before)
                stated = {each.dish_id: each.verdict for each in (*before, opinion) if not each.menu_id}
                verdicts = tuple(stated[dish] for dish in dishes)
                before = [each for each in before if each.dish_id not in dishes]
                made = _comparison(opinion, chosen, dishes, verdicts, before, max_history)
            if len(made.dishes) > 1:
                comparisons.append(made)
    return comparisons


def rivals(own: Iterable[Opinion], menus: Mapping[str, Sequence[str]]) -> Offered:
    """For a choice among a person's own, its menu without what else they chose from it."""
    picked: dict[str, set[str]] = {}
    for each in own:
        if each.menu_id:
            picked.setdefault(each.menu_id, set()).add(each.dish_id)

    def offered(choice: Opinion) -> list[str]:
        others = picked[choice.menu_id] - {choice.dish_id}
        return [dish for dish in menus[choice.menu_id] if dish not in others]

    return offered


def menu_verdicts(dishes: Sequence[str], chosen: str) -> tuple[int, ...]:
    """For the pointwise objective: what a choice says of a menu's dishes if passing over is disliking."""
    return tuple(LIKED if dish == chosen else DISLIKED for dish in dishes)


def _stated(opinion: Opinion, before: Sequence[Opinion]) -> tuple[str, list[str]]:
    latest = {each.dish_id: each for each in before if not each.menu_id and each.dish_id != opinion.dish_id}
    less = [each.dish_id for each in latest.values() if prefers(opinion, each)]
    more = [each.dish_id for each in latest.values() if prefers(each, opinion)]
    if less:
        return opinion.dish_id, sorted([opinion.dish_id, *less[-(STATED_SET_SIZE - 1) :]])
    return (more[-1], sorted([opinion.dish_id, more[-1]])) if more else (opinion.dish_id, [opinion.dish_id])


def prefers(one: Opinion, other: Opinion) -> bool:
    """Whether the first was liked more, as far as the two can be compared.

    Each source has a scale of its own.
    """
    if one.source != other.source:
        return False
    if one.rating is not None and other.rating is not None:
        return one.rating > other.rating
    return one.verdict > other.verdict


def _comparison(
    opinion: Opinion,
    chosen: str,
    dishes: Sequence[str],
    verdicts: tuple[int, ...],
    before: Sequence[Opinion],
    max_history: int,
) -> Comparison:
    history = tuple(Past(each.dish_id, each.verdict, each.rating) for each in before)
    key = "/".join((opinion.person_id, opinion.at.isoformat(), opinion.menu_id, opinion.dish_id))
    return Comparison(
        key,
        opinion.person_id,
        opinion.at,
        history[_window(len(history), max_history) :],
        tuple(dishes),
        chosen,
        verdicts,
    )


def _window(length: int, most: int) -> int:
    """First history line kept: by half windows, so that a person's comparisons mostly share a prefix."""
    step = max(1, most // 2)
    return 0 if length <= most else -(-(length - most) // step) * step
