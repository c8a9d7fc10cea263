"""How sure a person's posterior is: of the order of dishes, and of how far each lies from the median dish."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from components.domain.ranker.more_opinions import TRIED
from components.domain.ranker.person_ranking import expected_accuracy
from components.domain.records import Dish
from serving.catalogue import Listing
from serving.refusals import must_go_on
from serving.variant import Ranked, Variant

if TYPE_CHECKING:
    from serving.search import Scored

MOST_OTHERS = TRIED[-1]  # dishes that a person could judge next


def sure_of_person(
    variant: Variant, scored: Scored, past: Mapping[str, Dish], catalogue: Listing
) -> float | None:
    """Computes `expected_accuracy` on the most popular of the scored dishes.

    It is None where no posterior is the person's, with fewer than two dishes, and after a line without a
    rating, whose evidence only resembles a normal variable.
    """
    if not _is_known(variant, scored) or any(line.rating is None for line in scored.history):
        return None
    table = variant.table_of(catalogue)
    rows = table.rows[scored.positions]
    distinct = rows[np.sort(np.unique(rows, return_index=True)[1])]
    dishes = ChainMap(dict(past), table.dishes)
    opinions, others, _ = table.opinions_and_others(scored.history, dishes, distinct, MOST_OTHERS, must_go_on)
    return expected_accuracy(opinions, others) if len(others) > 1 else None


def deviations(
    variant: Variant, scored: Scored, past: Mapping[str, Dish], ranked: Ranked, catalogue: Listing
) -> list[float]:
    """Computes `Ranked.deviations` of some of the scored dishes; empty where no posterior is the person's."""
    if not _is_known(variant, scored) or scored.median_row is None:
        return []
    table = variant.table_of(catalogue)
    rows = table.rows[[catalogue.position[listed.dish.dish_id] for listed, _ in ranked.dishes]]
    dishes = ChainMap(dict(past), table.dishes)
    found: list[float] = table.deviations(scored.history, dishes, rows, scored.median_row).tolist()
    return found


def _is_known(variant: Variant, scored: Scored) -> bool:
    return bool(scored.history) and variant.has_posterior
