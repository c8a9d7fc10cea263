"""The canary: stored questions and scores by which a service proves which version it serves.

It catches the wrong base, the wrong prompt template, a bad merge, an adapter that was never applied, and
another rule.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.domain.preferences.arrays import Floats
from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish, Past, Question

PERSON = "canary"  # the person of every stored question; nobody is called so
TOLERANCE = 0.005  # by which a served score may be off, as a share of the version's largest effect on a score
LENGTHS = (0, 1, 2, 3, 5, 8, 13)  # lines of the made-up histories
ON_OFFER = 6
SEED = 7
LEAST_EFFECT = 0.1  # logits by which a version must change at least one score
OTHER = "the untuned base's, or a rule's after another history"  # scores, in sentences


@dataclass(frozen=True)
class CanaryQuestion:
    """A stored question with the scores of the adapter and of the untuned base (logits, computed in float32).

    A rule's own scores stand in place of the adapter's. Its scores after another history stand in place of
    the base's; popularity reads no history and has none.

    Attributes:
        history: Dish, verdict and rating of each past opinion, oldest first.
        dishes: Dishes on offer.
        adapter: Scores of the base with the adapter, one for each dish on offer.
        base: Scores of the base alone; may be empty.
    """

    history: tuple[tuple[Dish, int, float | None], ...]
    dishes: tuple[Dish, ...]
    adapter: tuple[float, ...]
    base: tuple[float, ...]

    def question(self) -> Question:
        """Converts the stored question to the form that scoring takes."""
        history = tuple(Past(dish.dish_id, verdict, rating) for dish, verdict, rating in self.history)
        return Question(PERSON, history, tuple(dish.dish_id for dish in self.dishes))

    def menu(self) -> dict[str, Dish]:
        """Collects all dishes that the question names, on offer or in the history, by id."""
        return {dish.dish_id: dish for dish in (*self.dishes, *(dish for dish, *_ in self.history))}


def made_up_questions(dishes: Sequence[str], like_at: float, dislike_at: float) -> list[Question]:
    """Draws questions of invented people, whose histories between them hold every kind of line.

    Args:
        dishes: Ids of at least two dishes.
        like_at: Rating from which a dish counts as liked.
        dislike_at: Rating up to which it counts as disliked.
    """
    kinds = (
        (LIKED, None),
        (DISLIKED, None),
        (LIKED, like_at),
        (NEUTRAL, (like_at + dislike_at) / 2),
        (DISLIKED, dislike_at),
    )
    draw, pool = random.Random(SEED), sorted(dishes)
    questions = []
    for start, length in enumerate(LENGTHS):
        chosen = [kinds[(start + line) % len(kinds)] for line in range(length)]
        history = tuple(Past(draw.choice(pool), *kind) for kind in chosen)
        offered = tuple(draw.sample(pool, min(ON_OFFER, len(pool))))
        questions.append(Question(PERSON, history, offered))
    return questions


def stored_questions(
    questions: Sequence[Question],
    dishes: Mapping[str, Dish],
    scores: Sequence[Sequence[float] | Floats],
    others: Sequence[Sequence[float] | Floats],
) -> list[CanaryQuestion]:
    """Builds the stored questions.

    Args:
        dishes: All dishes that they name, by id.
        scores: For each question, the scores that a service must give.
        others: For each question, the scores of the untuned base, or of a rule after another history.
    """
    return [
        CanaryQuestion(
            tuple((dishes[past.dish_id], past.verdict, past.rating) for past in question.history),
            tuple(dishes[dish] for dish in question.dishes),
            tuple(map(float, own)),
            tuple(map(float, other)),
        )
        for question, own, other in zip(questions, scores, others, strict=True)
    ]


def effect(questions: Sequence[CanaryQuestion]) -> float:
    """Computes the largest difference between a version's score and the other one, in logits.

    It is 1 where no other scores are stored.
    """
    adapter, base = (_flat(getattr(question, name) for question in questions) for name in ("adapter", "base"))
    return float(np.abs(adapter - base).max()) if len(base) else 1.0


def proves_nothing(questions: Sequence[CanaryQuestion]) -> bool:
    """Tells whether a version's scores hardly differ from the other ones, so that no service can prove it."""
    return effect(questions) <= LEAST_EFFECT


def why_wrong(questions: Sequence[CanaryQuestion], served: Sequence[Sequence[float]]) -> str | None:
    """Explains what is wrong with the served scores; None if they are right.

    Args:
        served: For each question, the scores that the service gives.
    """
    if proves_nothing(questions):
        return f"the version's scores do not differ from {OTHER}: the canary proves nothing"
    difference, allowed = largest_difference(questions, served), TOLERANCE * effect(questions)
    if difference is not None and difference <= allowed:
        return None
    size, base = np.inf if difference is None else difference, _flat(each.base for each in questions)
    is_nearer = len(base) and np.abs(_flat(served) - base).max() < size
    nearer = f" (they are nearer to {OTHER})" if is_nearer else ""
    return f"served scores are up to {size:.4f} logits off the version's, allowed are {allowed:.4f}{nearer}"


def largest_difference(
    questions: Sequence[CanaryQuestion], served: Sequence[Sequence[float]]
) -> float | None:
    """Computes the largest distance of a served score from the version's; None if one is NaN or infinite."""
    scores, adapter = _flat(served), _flat(question.adapter for question in questions)
    return float(np.abs(scores - adapter).max()) if np.isfinite(scores).all() else None


def _flat(parts: Any) -> Any:
    return np.concatenate([np.asarray(part, dtype=float) for part in parts])


def to_json(candidate: str, questions: Sequence[CanaryQuestion]) -> dict[str, Any]:
    """Builds the content of canary.json.

    Args:
        candidate: Name of the candidate whose scores are stored.
    """
    rows = [
        {
            "history": [[vars(dish), verdict, rating] for dish, verdict, rating in question.history],
            "dishes": [vars(dish) for dish in question.dishes],
            "adapter": list(question.adapter),
            "base": list(question.base),
        }
        for question in questions
    ]
    return {"candidate": candidate, "questions": rows}


def from_json(values: Mapping[str, Any]) -> list[CanaryQuestion]:
    """Reads the questions of canary.json; versions registered before 0.2.0 call them `cases`."""
    rows = values["questions"] if "questions" in values else values["cases"]
    return [
        CanaryQuestion(
            tuple((_dish(dish), verdict, rating) for dish, verdict, rating in row["history"]),
            tuple(map(_dish, row["dishes"])),
            tuple(row["adapter"]),
            tuple(row["base"]),
        )
        for row in rows
    ]


def _dish(values: dict[str, Any]) -> Dish:
    return Dish(**{**values, "tags": tuple(values["tags"]), "ingredients": tuple(values["ingredients"])})
