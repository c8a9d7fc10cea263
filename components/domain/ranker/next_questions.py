"""Chooses the dishes whose opinions would teach most of a person. Shapes: C other dishes, S factors."""

from __future__ import annotations

import numpy as np

from components.domain.preferences.arrays import Floats, Ints
from components.domain.ranker.left_out_pairs import PersonOpinions


def most_telling(opinions: PersonOpinions, others: Floats, count: int) -> Ints:
    """Chooses dishes one after another, each by how much a like or dislike of it would narrow the posterior.

    That is the fall of the sum of all dishes' variances. It depends on which dishes the person judged, and on
    none of their verdicts, so several questions can be chosen at once.

    Args:
        others: (C, S) factors of the dishes that may be asked about.
        count: Number of questions; fewer where there are fewer dishes.

    Returns:
        (count,) positions in `others`, in the order of asking.
    """
    covariance = others @ opinions.posterior[1] @ others.T
    noise, chosen = opinions.noise / opinions.unrated[1], list[int]()
    for _ in range(min(count, len(others))):
        fall = np.square(covariance).sum(axis=0) / (noise + np.diag(covariance))
        fall[chosen] = -1
        best = int(fall.argmax())
        chosen.append(best)
        covariance = covariance - np.outer(covariance[best], covariance[best]) / (
            noise + covariance[best, best]
        )
    return np.array(chosen, np.int64)
