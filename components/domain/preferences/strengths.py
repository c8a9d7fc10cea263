"""How strongly an opinion speaks for a dish, and what training knows of each person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.domain.preferences.tables import Comparisons, Floats, Ints, Questions
from components.domain.records import LIKED


@dataclass(frozen=True, eq=False)
class Opinions:
    """Groups of opinions, one group after the other; a group is a history, or all that is known of a person.

    Attributes:
        dish: (N,) index into the log's dishes.
        verdict: (N,) LIKED, NEUTRAL or DISLIKED.
        rating: (N,) ratings; NaN where none was stated.
        sizes: (G,) number of opinions in each group.
    """

    dish: Ints
    verdict: Ints
    rating: Floats
    sizes: Ints

    @property
    def group(self) -> Ints:
        """(N,) number of the group."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def without(self, dishes: Ints) -> Opinions:
        """The same groups without opinions on these dishes."""
        rest = ~np.isin(self.dish, dishes)
        sizes = np.bincount(self.group[rest], minlength=len(self.sizes))
        return Opinions(self.dish[rest], self.verdict[rest], self.rating[rest], sizes)

    def strengths(self, spread: float) -> Floats:
        """(N,) how much a dish was liked: its verdict, or its rating less the group's mean, over spread."""
        rated, group = ~np.isnan(self.rating), self.group
        counts = np.bincount(group[rated], minlength=len(self.sizes))
        sums = np.bincount(group[rated], self.rating[rated], minlength=len(self.sizes))
        means = sums / np.maximum(counts, 1)
        return np.where(rated, (self.rating - means[group]) / spread, self.verdict)


def histories(questions: Questions) -> Opinions:
    """The history of each question."""
    lines = questions.lines()
    log = questions.log
    return Opinions(log.dish[lines.line], log.verdict[lines.line], log.rating[lines.line], lines.sizes)


def rating_spread(opinions: Opinions) -> float:
    """Standard deviation of ratings around each person's mean; 1 where nobody rated or all rated alike."""
    around = opinions.strengths(1.0)[~np.isnan(opinions.rating)]
    return float(around.std()) or 1.0 if len(around) else 1.0


def known_opinions(train: Comparisons) -> Opinions:
    """For each person the latest opinion on each dish that training reads: their histories and choices."""
    log, lines = train.log, train.lines()
    ends = np.cumsum(lines.sizes)
    numbers, dish = lines.line.tolist(), log.dish[lines.line].tolist()
    chosen = train.offered[train.chosen_at].tolist()
    people: dict[int, dict[int, int]] = {}  # person -> dish -> line; -1 for a choice that is in no history
    for number in np.argsort(train.at, kind="stable").tolist():
        person = people.setdefault(int(train.person[number]), {})
        part = slice(int(ends[number] - lines.sizes[number]), int(ends[number]))
        person.update(zip(dish[part], numbers[part], strict=True))
        person.setdefault(chosen[number], -1)
    at = np.array([line for person in people.values() for line in person.values()], np.int64)
    return Opinions(
        dish=np.array([code for person in people.values() for code in person], np.int64),
        verdict=np.append(log.verdict, LIKED)[at],
        rating=np.append(log.rating, np.nan)[at],
        sizes=np.array([len(person) for person in people.values()], np.int64),
    )
