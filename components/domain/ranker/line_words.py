"""The words of a dish's line as a vector, beside what the language model makes of the line.

A word is a token. Words in all lines, such as the template's, weigh nothing; rare ones weigh most. Shapes: V
words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

MAX_WORDS = 2000  # the commonest; a word of a single line says nothing of another dish


@dataclass(frozen=True, eq=False)
class LineWords:
    """The words that several lines share.

    Attributes:
        ids: (V,) int64 ids of the tokens, ascending.
        weights: (V,) float32 inverse document frequency of each.
        scale: (2,) weight of any other word, and length of a line's vector if all its words are known.
    """

    ids: Tensor
    weights: Tensor
    scale: Tensor

    def vectors(self, lines: Sequence[Sequence[int]]) -> Tensor:
        """Weights each line's words, (lines, V); a word outside of `ids` shortens the rest of its row."""
        device = self.ids.device
        distinct = [np.unique(np.asarray(line, np.int64)) for line in lines]
        row = torch.from_numpy(np.repeat(np.arange(len(lines)), [len(each) for each in distinct])).to(device)
        token = torch.from_numpy(np.concatenate([*distinct, np.empty(0, np.int64)])).to(device)
        result = torch.zeros(len(lines), len(self.ids), device=device)
        if not len(self.ids):
            return result
        column = torch.searchsorted(self.ids, token).clamp(max=len(self.ids) - 1)
        is_known = self.ids[column] == token
        weights = torch.where(is_known, self.weights[column], self.scale[0])
        squares = torch.zeros(len(lines), device=device).index_add_(0, row, weights**2)
        result[row[is_known], column[is_known]] = weights[is_known]
        return result * (self.scale[1] / squares.clamp(min=1e-12).sqrt())[:, None]


NO_WORDS = LineWords(torch.zeros(0, dtype=torch.int64), torch.zeros(0), torch.zeros(2))


def words_of(lines: Sequence[Sequence[int]], states: Tensor) -> LineWords:
    """Collects the words that several of the lines share; their vectors vary as much as the lines' states.

    Args:
        states: (lines, width) what the language model makes of the lines.
    """
    tokens, counts = np.unique(np.concatenate([np.unique(line) for line in lines]), return_counts=True)
    shared = np.flatnonzero(counts > 1)
    shared = np.sort(shared[np.argsort(-counts[shared], kind="stable")[:MAX_WORDS]])
    weights = torch.from_numpy(np.log(len(lines) / counts[shared])).float()
    ids, rarest = torch.from_numpy(tokens[shared].astype(np.int64)), float(np.log(len(lines)))
    of_length_1 = LineWords(ids, weights, torch.tensor([rarest, 1.0])).vectors(lines)
    length = _spread(states) / max(_spread(of_length_1), 1e-9)
    return LineWords(ids, weights, torch.tensor([rarest, length]))


def _spread(vectors: Tensor) -> float:
    """Computes the root of the vectors' mean squared distance from their mean."""
    return float((vectors.double() - vectors.double().mean(0)).square().sum(1).mean().sqrt())
