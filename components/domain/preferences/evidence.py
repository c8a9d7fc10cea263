"""What opinions say of dishes beyond what was to be expected, in one form for ratings and for picks.

A rating (or a like where others dislike) says how far one dish lies above its mean. A pick says that one dish
was preferred to what else could be had: to a menu, or without a menu to what everybody picks. Both become
derivatives of a log likelihood by the utilities of dishes, of a normal one and of a conditional logit.
Shapes: G groups of opinions, N opinions, D dishes of the log, M menus.
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
    """The matrix `sparse + left @ right`, of which only the parts are stored.

    Attributes:
        sparse: (G, D).
        left: (G, R) of a low rank R.
        right: (R, D).
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
        """The product with a (D, …) matrix."""
        return np.asarray(self.sparse @ matrix + self.left @ (self.right @ matrix), np.float64)

    def gram(self) -> Floats:
        """(D, D) the transposed matrix times itself."""
        mixed = (self.sparse.T @ self.left) @ self.right
        square = self.right.T @ (self.left.T @ self.left) @ self.right
        return np.asarray((self.sparse.T @ self.sparse).toarray() + mixed + mixed.T + square)

    def sums(self) -> Floats:
        """(D,) the sum of each column."""
        return np.asarray(np.asarray(self.sparse.sum(0)).ravel() + self.left.sum(0) @ self.right)

    def entries(self, rows: Ints, columns: Ints) -> Floats:
        """The entries at these rows and columns."""
        low = np.einsum("nr,rn->n", self.left[rows], self.right[:, columns])
        return np.asarray(np.asarray(self.sparse[rows, columns]).ravel() + low)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Derivatives of each group's log likelihood by the utility of each dish, where all is as expected.

    Attributes:
        gradient: The first ones: how much more the group liked the dish than was to be expected.
        information: The second ones, negated: 1 for a rating, p (1 - p) for a pick that was likely by p.
    """

    gradient: WithLowRank
    information: WithLowRank


@dataclass(frozen=True, eq=False)
class Expectation:
    """What is expected of anybody's opinions.

    Attributes:
        mean: (D,) mean utility of each dish.
        share: (D,) share of each dish in everybody's picks without a menu.
    """

    mean: Floats
    share: Floats

    def on_menus(self, menus: Menus) -> csr_matrix:
        """(M, D) how likely each dish of a menu is picked from it."""
        owner = np.repeat(np.arange(len(menus.sizes)), menus.sizes)
        odds = np.exp(self.mean[menus.dish])
        total = np.bincount(owner, odds, minlength=len(menus.sizes))
        shape = len(menus.sizes), len(self.mean)
        return csr_matrix((odds / total[owner], (owner, menus.dish)), shape=shape)

    def evidence(self, opinions: Opinions, strengths: Floats, menus: Menus, dishes: Ints) -> Evidence:
        """The evidence of each group on some dishes.

        Args:
            opinions: Groups of opinions.
            strengths: (N,) how strongly each of them speaks for its dish; picks' are not read.
            menus: What picks were made from.
            dishes: Columns of the result; alternatives on menus are all read. What is picked from a large
                menu is held against the mean of all large ones, which for a standing menu is the same.
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
    """The mean of some rows; zero where there are none."""
    return np.asarray(rows[np.flatnonzero(some)].sum(0)).ravel() / max(1, int(some.sum()))


def _counts(row: Ints, column: Ints, shape: tuple[int, int], weight: Floats) -> csr_matrix:
    return csr_matrix((weight, (row, column)), shape=shape)
