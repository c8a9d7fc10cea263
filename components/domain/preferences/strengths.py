"""How strongly an opinion speaks for a dish, and what is known of each person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from components.domain.records import LIKED, Comparison, Past

Floats = npt.NDArray[np.float64]


def strengths(history: Sequence[Past], spread: float) -> Floats:
    """(lines,) how much each line was liked.

    The verdict, or else the rating less the person's mean, over spread.
    """
    rated = [past.rating for past in history if past.rating is not None]
    middle = float(np.mean(rated)) if rated else 0.0
    return np.array(
        [past.verdict if past.rating is None else (past.rating - middle) / spread for past in history], float
    )


def rating_spread(known: Mapping[str, Sequence[Past]]) -> float:
    """Standard deviation of ratings around each person's mean; 1 where nobody rated."""
    apart = [strengths([past for past in own if past.rating is not None], 1.0) for own in known.values()]
    return float(np.concatenate(apart).std()) or 1.0 if any(map(len, apart)) else 1.0


def known_opinions(train: Iterable[Comparison]) -> dict[str, tuple[Past, ...]]:
    """For each person the latest line on each dish that training tells of: their histories and choices."""
    known: dict[str, dict[str, Past]] = {}
    for each in sorted(train, key=lambda comparison: comparison.at):
        own = known.setdefault(each.person_id, {})
        own.update((past.dish_id, past) for past in each.history)
        own.setdefault(each.chosen, Past(each.chosen, LIKED))
    return {person: tuple(own.values()) for person, own in known.items()}
