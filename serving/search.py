"""Searches all dishes that a person may have for the best, and says which past dishes speak for them.

The dishes' vectors travel with the release. A newer dish is read when it is first wanted, the most popular
ones first and a bounded number in each request. Until it is read, it is in no answer, and `considered` does
not count it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from components.domain.catalogue import Listed
from components.domain.preferences.arrays import Floats, Ints
from components.domain.ranker.next_questions import most_telling
from components.domain.records import Dish, Past, Question
from serving.catalogue import Listing
from serving.refusals import must_go_on
from serving.sureness import MOST_OTHERS, sure_of_person
from serving.variant import Ranked, Variant

if TYPE_CHECKING:
    from components.domain.ranker.dish_table import DishTable
    from components.domain.ranker.left_out_pairs import PersonOpinions

LEAST_NEW = 8  # dishes that a request reads although it has enough to rank: a few tenths of a second
MOST_REASONS = 2  # past dishes named for a recommendation
LINES_LEFT_OUT = 20  # of a history, the latest, that are left out one by one


@dataclass(frozen=True, eq=False)
class Scored:
    """All dishes that a person may have, with scores.

    Attributes:
        positions: (D,) positions in the catalogue of the dishes that could be scored.
        scores: (D,) scores in logits; the dishes' popularity where nothing is known of the person.
        median: Score of the median dish of all on offer, whether the person may have it or not.
        median_row: Row in the version's table of the dish nearest to it; None where nothing is known.
        history: Lines of the history that counted.
        unknown: As in `Ranked`.
    """

    positions: Ints
    scores: Floats
    median: float
    median_row: int | None = None
    history: tuple[Past, ...] = ()
    unknown: int = 0

    def ranked(self, dishes: Sequence[tuple[int, float]], catalogue: Listing) -> Ranked:
        """Makes an answer of some of the dishes.

        Args:
            dishes: Their positions in the catalogue, with scores, best first.
            catalogue: The catalogue.
        """
        listed = [(catalogue.dishes[position], score) for position, score in dishes]
        counts = len(self.positions), len(self.history), self.unknown
        return Ranked(listed, *counts, cold_start=not self.history)


def best_dishes(
    variant: Variant,
    history: Sequence[Past],
    past: Mapping[str, Dish],
    offered: Ints,
    catalogue: Listing,
    count: int,
) -> Ranked:
    """Finds the best dishes for a person; the most popular ones where nothing is known of the person.

    Only one thread may call this at a time.

    Args:
        variant: The version that answers.
        history: The person's history.
        past: Dishes of the history that the catalogue may lack, by id.
        offered: Positions of the dishes that may be offered, the most popular first.
        catalogue: All dishes; a different object only after something was published.
        count: Largest number of dishes.

    Raises:
        InvalidArgument: The dishes of the history are too much to read for one request.
    """
    scored = score_dishes(variant, history, past, offered, catalogue)
    order = np.argsort(-scored.scores, kind="stable")[:count]  # the more popular one of equals comes first
    ranked = scored.ranked(
        [(int(scored.positions[index]), float(scored.scores[index])) for index in order], catalogue
    )
    ranked = explained(variant, scored.history, past, ranked, catalogue)
    return replace(ranked, sure_of_person=sure_of_person(variant, scored, past, catalogue))


def explained(
    variant: Variant, history: tuple[Past, ...], past: Mapping[str, Dish], ranked: Ranked, catalogue: Listing
) -> Ranked:
    """Adds which past dishes speak for each dish, of the lines that counted; else as for `best_dishes`."""
    if not history:
        return replace(ranked, because=[[] for _ in ranked.dishes])
    table = variant.table_of(catalogue)
    reasons = _reasons(table, history, ChainMap(dict(past), table.dishes), ranked.dishes)
    return replace(ranked, because=reasons)


def score_dishes(
    variant: Variant, history: Sequence[Past], past: Mapping[str, Dish], offered: Ints, catalogue: Listing
) -> Scored:
    """Scores the dishes that may be offered; arguments and errors as for `best_dishes`."""
    table = variant.table_of(catalogue)
    dishes = ChainMap(dict(past), table.dishes)
    legible = _legible(variant, table, history, dishes)
    if not legible:
        popularity = np.array([listed.popularity for listed in catalogue.dishes])
        return Scored(offered, popularity[offered], _median(popularity[catalogue.is_offered]))
    _read_new(variant, table, table.rows[offered])
    ready = offered[table.is_read(table.rows[offered])]
    on_offer = np.flatnonzero(catalogue.is_offered)
    known = table.rows[on_offer[table.is_read(table.rows[on_offer])]]

    def scores() -> Floats:
        everything = table.scores(legible, dishes, before_batch=must_go_on)
        return np.append(everything[table.rows[ready]], everything[known])

    both = variant.counted(scores)
    unknown = int((~table.is_packed(table.rows[ready])).sum())
    median = _median(both[len(ready) :])
    row = int(known[np.abs(both[len(ready) :] - median).argmin()]) if len(known) else None
    return Scored(ready, both[: len(ready)], median, row, legible, unknown)


def _median(scores: Floats) -> float:
    return float(np.median(scores)) if len(scores) else 0.0


def _reasons(
    table: DishTable,
    history: tuple[Past, ...],
    dishes: Mapping[str, Dish],
    best: Sequence[tuple[Listed, float]],
) -> list[list[str]]:
    """Names for each of the best dishes the past dishes without which its score falls most."""
    ids, first = tuple(listed.dish.dish_id for listed, _ in best), max(0, len(history) - LINES_LEFT_OUT)
    lines = range(first, len(history))
    without_one = [Question("", history[:line] + history[line + 1 :], ids) for line in lines]
    scores = table.answers(without_one, dishes).reshape(len(lines), -1)
    falls = np.array([score for _, score in best]) - scores
    names = [dishes[history[line].dish_id].name for line in lines]
    reasons = []
    for fall in falls.T:
        speaking = [names[line] for line in np.argsort(-fall, kind="stable") if fall[line] > 0]
        reasons.append(list(dict.fromkeys(speaking))[:MOST_REASONS])
    return reasons


def _legible(
    variant: Variant, table: DishTable, history: Sequence[Past], dishes: Mapping[str, Dish]
) -> tuple[Past, ...]:
    """Chooses the latest lines of the history whose dish the model has read or can read.

    Raises:
        InvalidArgument: The dishes that it has not read yet are too much to read for one request.
    """
    unread = {
        line.dish_id for line in history if line.dish_id in dishes and not table.has(dishes[line.dish_id])
    }
    tokens = variant.tokens({dish: dishes[dish] for dish in unread})
    legible = [
        line
        for line in history
        if line.dish_id in dishes and (line.dish_id not in unread or variant.is_short(tokens, line.dish_id))
    ][-variant.facts["serve"]["max_history"] :]
    variant.check_tokens(Question("", tuple(line for line in legible if line.dish_id in unread), ()), tokens)
    return tuple(legible)


def person_opinions(
    variant: Variant, history: Sequence[Past], catalogue: Listing
) -> tuple[PersonOpinions, Floats] | None:
    """Collects what a judgement of a person's ranking needs: their opinions, and some other dishes' factors.

    The result is None where no posterior is the person's. Only one thread may call this at a time.

    Raises:
        InvalidArgument: As for `best_dishes`.
    """
    if not variant.has_posterior:
        return None
    table = variant.table_of(catalogue)
    legible = _legible(variant, table, history, table.dishes)
    rows = np.random.default_rng(0).permutation(np.unique(table.rows))
    opinions, others, _ = table.opinions_and_others(legible, table.dishes, rows, MOST_OTHERS, must_go_on)
    return opinions, others


def telling_dishes(
    variant: Variant,
    history: Sequence[Past],
    past: Mapping[str, Dish],
    offered: Ints,
    catalogue: Listing,
    count: int,
) -> Ints:
    """Finds the dishes whose opinions would teach most of a person, as positions in the catalogue, (count,).

    A version without a posterior asks about the most popular dishes. Arguments and errors as for
    `best_dishes`.
    """
    if not variant.has_posterior:
        return offered[:count]
    table = variant.table_of(catalogue)
    dishes = ChainMap(dict(past), table.dishes)
    _read_new(variant, table, table.rows[offered])
    rows, first = np.unique(table.rows[offered], return_index=True)
    popular_first = np.argsort(first)
    legible = _legible(variant, table, history, dishes)
    opinions, factors, others = table.opinions_and_others(
        legible, dishes, rows[popular_first], len(rows), must_go_on
    )
    chosen = others[most_telling(opinions, factors, count)]
    return np.asarray(offered[first[np.searchsorted(rows, chosen)]])


def _read_new(variant: Variant, table: DishTable, rows: Ints) -> None:
    """Reads dishes that have no vector, until as many as a request may rank are read, and then a few more."""
    serve = variant.facts["serve"]
    missing = serve["max_dishes"] - int(table.is_read(rows).sum())
    table.read(rows, max(LEAST_NEW, missing), serve["max_tokens"], must_go_on)
