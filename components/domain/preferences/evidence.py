"""Evidence: how far opinions on dishes exceed what was expected, in one form for ratings and for picks.

A rating (or a like where others dislike) says how far one dish lies above its mean. A pick says that one dish
was preferred to its alternatives: to the rest of a menu, or without a menu to what everybody picks. Both
become derivatives of a log likelihood with respect to the dishes' utilities. The likelihood is a normal one
for ratings and a conditional logit for picks. Shapes: G groups of opinions, N opinions, D dishes of the log,
M menus.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from components.domain.preferences.arrays import Bools, Floats, Ints, sums
from components.domain.preferences.offers import MOST_ALTERNATIVES
from components.domain.preferences.opinion_log import NO_MENU, Menus
from components.domain.preferences.strengths import Opinions


@dataclass(frozen=True, eq=False)
class WithLowRank:
    """The matrix `sparse + left @ right`, stored as its three parts.

    Attributes:
        sparse: (G, D) the sparse part.
        left: (G, R) left factor of the part with the low rank R.
        right: (R, D) right factor of this part.
    """

    sparse: csr_matrix
    left: Floats
    right: Floats

    @property
    def stored(self) -> tuple[Ints, Ints]:
        """Row and column of each entry of the sparse part, row by row."""
        rows = np.repeat(np.arange(self.sparse.shape[0]), np.diff(self.sparse.indptr))
        return rows, self.sparse.indices.astype(np.int64)

    def times(self, matrix: Floats) -> Floats:
        """Multiplies by a (D, …) matrix from the right."""
        return np.asarray(self.sparse @ matrix + self.left @ (self.right @ matrix), np.float64)

    def gram(self) -> Floats:
        """Multiplies the transposed matrix by the matrix itself, (D, D)."""
        mixed = (self.sparse.T @ self.left) @ self.right
        square = self.right.T @ (self.left.T @ self.left) @ self.right
        return np.asarray((self.sparse.T @ self.sparse).toarray() + mixed + mixed.T + square)

    def sums(self) -> Floats:
        """Adds up each column, (D,)."""
        return np.asarray(np.asarray(self.sparse.sum(0)).ravel() + self.left.sum(0) @ self.right)

    def entries(self, rows: Ints, columns: Ints) -> Floats:
        """Computes the entries at these rows and columns."""
        low = np.einsum("nr,rn->n", self.left[rows], self.right[:, columns])
        return np.asarray(np.asarray(self.sparse[rows, columns]).ravel() + low)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Derivatives of each group's log likelihood by the utility of each dish, at the expected utilities.

    Attributes:
        gradient: First derivatives: how much more the group liked the dish than was expected.
        information: Negated second derivatives: 1 for a rating, p (1 - p) for a pick with probability p.
    """

    gradient: WithLowRank
    information: WithLowRank


@dataclass(frozen=True, eq=False)
class Expectation:
    """The opinions that are expected of anybody.

    Attributes:
        mean: (D,) mean utility of each dish.
        share: (D,) share of each dish in everybody's picks without a menu.
    """

    mean: Floats
    share: Floats

    def on_menus(self, menus: Menus) -> csr_matrix:
        """Computes the probability that each dish of a menu is picked from it, (M, D)."""
        owner = np.repeat(np.arange(len(menus.sizes)), menus.sizes)
        odds = np.exp(self.mean[menus.dish])
        total = np.bincount(owner, odds, minlength=len(menus.sizes))
        shape = len(menus.sizes), len(self.mean)
        return csr_matrix((odds / total[owner], (owner, menus.dish)), shape=shape)

    def evidence(self, opinions: Opinions, strengths: Floats, menus: Menus, dishes: Ints) -> Evidence:
        """Computes the evidence of each group on some dishes.

        A pick from a large menu is compared with the mean of all large menus. With one standing menu this is
        the menu itself.

        Args:
            strengths: (N,) how strongly each opinion speaks for its dish; ignored for picks.
            dishes: Dishes that are columns of the result. Alternatives on menus count in any case.
        """
        groups, count, group, none = len(opinions.sizes), len(self.mean), opinions.group, len(menus.sizes)
        weight = opinions.weights
        picked, is_large = opinions.menu != NO_MENU, np.append(menus.sizes > MOST_ALTERNATIVES + 1, False)
        free, of_large = opinions.menu == none, picked & is_large[opinions.menu]
        of_small = picked & ~free & ~of_large
        shares = self.on_menus(menus)[:, dishes]
        times = _counts(group[of_small], opinions.menu[of_small], (groups, none), weight[of_small])
        above = np.where(picked, weight, strengths - self.mean[opinions.dish])
        observed = csr_matrix((above, (group, opinions.dish)), shape=(groups, count))[:, dishes]
        rated = _counts(group[~picked], opinions.dish[~picked], (groups, count), weight[~picked])[:, dishes]
        counts = [sums(group[some], weight[some], groups) for some in (free, of_large)]
        left = np.stack(counts, axis=1)
        of_all = np.stack([self.share[dishes], _mean(shares, is_large[:-1])])
        gradient = WithLowRank((observed - times @ shares).tocsr(), -left, of_all)
        variances = shares - shares.multiply(shares)
        information = WithLowRank((rated + times @ variances).tocsr(), left, of_all * (1 - of_all))
        return Evidence(gradient, information)


def _mean(rows: csr_matrix, some: Bools) -> Floats:
    """Averages the marked rows; zero without any."""
    return np.asarray(rows[np.flatnonzero(some)].sum(0)).ravel() / max(1, int(some.sum()))


def _counts(row: Ints, column: Ints, shape: tuple[int, int], weight: Floats) -> csr_matrix:
    return csr_matrix((weight, (row, column)), shape=shape)
