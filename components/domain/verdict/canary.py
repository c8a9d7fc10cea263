"""The canary: stored questions and answers by which a service proves which adapter it serves.

It catches the wrong base, the wrong prompt template, a bad merge, and an adapter that was never applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from components.domain.records import Comparison, Dish, Past

_NO_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class CanaryCase:
    """One stored question with the adapter's and the untuned base's scores (logits, float32, unmerged)."""

    history: tuple[tuple[Dish, int, float | None], ...]
    dishes: tuple[Dish, ...]
    adapter: tuple[float, ...]
    base: tuple[float, ...]

    def comparison(self, key: str) -> Comparison:
        """The question in the form that scoring takes; nothing is known of what was chosen."""
        history = tuple(Past(dish.dish_id, verdict, rating) for dish, verdict, rating in self.history)
        ids = tuple(dish.dish_id for dish in self.dishes)
        return Comparison(key, key, _NO_TIME, history, ids, ids[0])

    def menu(self) -> dict[str, Dish]:
        """All dishes that the question names, by id."""
        return {dish.dish_id: dish for dish in (*self.dishes, *(dish for dish, *_ in self.history))}


def examine(cases: Sequence[CanaryCase], served: Sequence[Sequence[float]], tolerance: float) -> str:
    """Says what is wrong with the served scores; empty if nothing is.

    Args:
        cases: The stored questions.
        served: For each case, the scores that the service gives.
        tolerance: Logits by which a served score may differ from the adapter's.
    """
    adapter = np.concatenate([case.adapter for case in cases])
    base = np.concatenate([case.base for case in cases])
    given = np.concatenate([np.asarray(scores, dtype=float) for scores in served])
    off = worst(cases, served)
    off = float("inf") if off is None else off
    if off > tolerance:
        nearer = " (they are nearer to the untuned base)" if np.abs(given - base).max() < off else ""
        return f"served scores are up to {off:.3f} logits off the adapter's, allowed are {tolerance}{nearer}"
    if float(np.abs(adapter - base).max()) <= 2 * tolerance:
        return "the adapter's scores do not differ from the untuned base's: the canary proves nothing"
    return ""


def worst(cases: Sequence[CanaryCase], served: Sequence[Sequence[float]]) -> float | None:
    """Largest difference of a served score from the adapter's, in logits; None if a score is no number."""
    adapter = np.concatenate([case.adapter for case in cases])
    given = np.concatenate([np.asarray(scores, dtype=float) for scores in served])
    return float(np.abs(given - adapter).max()) if np.isfinite(given).all() else None


def to_json(cases: Sequence[CanaryCase]) -> list[dict[str, Any]]:
    """The cases as plain values."""
    return [
        {
            "history": [[vars(dish), verdict, rating] for dish, verdict, rating in case.history],
            "dishes": [vars(dish) for dish in case.dishes],
            "adapter": list(case.adapter),
            "base": list(case.base),
        }
        for case in cases
    ]


def from_json(values: Sequence[dict[str, Any]]) -> list[CanaryCase]:
    """The inverse of `to_json`."""
    return [
        CanaryCase(
            tuple((_dish(dish), verdict, rating) for dish, verdict, rating in value["history"]),
            tuple(map(_dish, value["dishes"])),
            tuple(value["adapter"]),
            tuple(value["base"]),
        )
        for value in values
    ]


def _dish(values: dict[str, Any]) -> Dish:
    return Dish(**{**values, "tags": tuple(values["tags"]), "ingredients": tuple(values["ingredients"])})
