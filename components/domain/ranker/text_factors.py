"""Text factors: a matrix factorisation whose dish factors come from the language model's vectors.

A dish's mean utility and its factors are linear in its vector: the language model's state after the dish's
line, then the words of the line. A dish with opinions has a residual on top,
which is zero for a new dish. One head thus ranks new dishes by their text and recurring ones by opinions as
well. A person is the posterior mean of a normal weight for each factor, given their opinions on past dishes.
Everything is fitted in closed form, by `fit_factors`. Twins, dishes that read alike, are one dish.

Shapes: W length of a dish's vector, V words, S factors, R dishes with a residual, D distinct dishes of a
batch, H distinct histories, N lines of the longest history, O dishes on offer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import torch
from torch import Tensor

from components.domain.preferences.arrays import Bools, Floats
from components.domain.preferences.strengths import RatingScale
from components.domain.ranker.dish_vectors import Batch
from components.domain.ranker.left_out_pairs import PersonOpinions, latest_opinions
from components.domain.ranker.line_words import LineWords
from components.domain.ranker.prompts import DISH_LINE, Reading

HISTORIES_AT_ONCE = 256  # histories whose people are solved for in one batch: bounds memory


def to_bytes(text: str) -> Tensor:
    """Converts a text to a tensor of bytes, for a file of tensors."""
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


def from_bytes(tensor: Tensor) -> str:
    """Reads the text from a tensor that `to_bytes` made."""
    return bytes(tensor.cpu().numpy()).decode()


@dataclass
class TextFactors:
    """The head's tensors, float32 except for the names of dishes and the reading.

    Attributes:
        centre: (W,) mean vector of the training dishes.
        projection: (1 + S, W) matrix from centred vectors to a mean utility and factors.
        offset: (1 + S,) constant that is added to the mean utility and the factors.
        dishes: (R,) int64 names of the dishes with a residual, ascending; see `name_of`.
        residual: (R, 1 + S) residuals of these dishes, which are added as well.
        noise: () variance of a rating around the factors' prediction.
        unrated: (2,) evidence of a line without a rating: how far the line lies above what was expected, and
            its information, in units of a rating's.
        weights: (2,) weights of the mean utility and of the person's part in a score in nats.
        spread: () standard deviation of ratings; for this and the next two see `strengths.RatingScale`.
        rating_mean: () mean rating.
        rating_prior: () number of ratings that the mean of all counts for in a person's mean.
        template: Bytes of the reading's template.
        layer: () the reading's layer.
        words: (V,) int64 ids of the words; for this and the next two see `LineWords`.
        word_weights: (V,) weights of the words.
        word_scale: (2,) scale of the words.
    """

    centre: Tensor
    projection: Tensor
    offset: Tensor
    dishes: Tensor
    residual: Tensor
    noise: Tensor
    unrated: Tensor
    weights: Tensor
    spread: Tensor
    rating_mean: Tensor
    rating_prior: Tensor
    template: Tensor = field(default_factory=lambda: to_bytes(DISH_LINE))
    layer: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.int64))
    words: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    word_weights: Tensor = field(default_factory=lambda: torch.zeros(0))
    word_scale: Tensor = field(default_factory=lambda: torch.zeros(2))

    @property
    def rating_scale(self) -> RatingScale:
        """The scale by which ratings become strengths."""
        return RatingScale(float(self.rating_mean), float(self.rating_prior), float(self.spread))

    @property
    def reading(self) -> Reading:
        """The way in which the language model reads a dish."""
        return Reading(from_bytes(self.template), int(self.layer))

    def tensors(self) -> dict[str, Tensor]:
        """Collects the tensors by name."""
        return {column.name: getattr(self, column.name) for column in fields(self)}

    def vectors(self, hidden: Tensor, lines: Sequence[Sequence[int]]) -> Tensor:
        """Computes mean utility and factors, (D, 1 + S), of lines of token ids from the model's states."""
        words = LineWords(self.words, self.word_weights, self.word_scale).vectors(lines)
        vectors = (torch.cat([hidden.float(), words], dim=1) - self.centre) @ self.projection.T + self.offset
        return vectors + self._residuals(lines)

    def factors_by_text(self, vectors: Tensor, lines: Sequence[Sequence[int]]) -> Tensor:
        """Computes the factors without residuals, (D, S), from what `vectors` returned for these lines."""
        return (vectors - self._residuals(lines))[:, 1:]

    def person_opinions(self, factors: Floats, liked: Floats, is_rated: Bools) -> PersonOpinions:
        """Collects a person's opinions for `person_ranking`.

        Args:
            factors: (lines, S) factors by text of the dish of each line of a history, oldest first.
            liked: (lines,) strength of each line.
            is_rated: (lines,) True where the line has a rating.
        """
        evidence, information = self.unrated.tolist()
        return latest_opinions(factors, liked, is_rated, float(self.noise), (evidence, information))

    def _residuals(self, lines: Sequence[Sequence[int]]) -> Tensor:
        """Looks up the residual of each line's dish, (D, 1 + S); zero for a new dish."""
        if not len(self.dishes):
            return self.offset.new_zeros(len(lines), self.size)
        names = torch.tensor([name_of(line) for line in lines], dtype=torch.int64, device=self.offset.device)
        at = torch.searchsorted(self.dishes, names).clamp(max=len(self.dishes) - 1)
        return torch.where((self.dishes[at] == names)[:, None], self.residual[at], 0.0)

    def scores(self, vectors: Tensor, batch: Batch) -> Tensor:
        """Computes scores of the dishes on offer, (O,) in nats, from `batch.dishes`' (D, 1 + S) vectors."""
        common, personal = parts_of_scores(vectors, batch, self.noise[None], self.unrated)
        return self.weights[0] * common + self.weights[1] * personal[0]

    def scores_of_all(self, catalogue: Tensor, past: Tensor, batch: Batch) -> Tensor:
        """Computes the scores of many dishes after one history, (C,), as `scores` does, up to rounding.

        Args:
            catalogue: (C, 1 + S) vectors of the dishes to score.
            past: (D, 1 + S) vectors of `batch.dishes`.
            batch: A single history, without dishes on offer.
        """
        common, factors = past[:, 0].float(), past[:, 1:].float()
        person = _people(common, factors, batch, torch.arange(1), self.noise[None], self.unrated)[0, 0]
        return catalogue @ torch.cat([self.weights[:1], self.weights[1] * person])

    def deviations(self, differences: Tensor, past: Tensor, batch: Batch) -> Tensor:
        """Computes how unsure the person leaves differences of scores after one history, (C,).

        Each is the standard deviation by the posterior of the person's weights; the dishes' own factors and
        mean utilities are taken as known.

        Args:
            differences: (C, 1 + S) vectors of dishes, less those of the dishes that they are compared with.
            past: As for `scores_of_all`; also `batch`.
        """
        _, precision = _evidence(
            past[:, 0].float(), past[:, 1:].float(), batch, torch.arange(1), self.unrated
        )
        one = torch.eye(precision.shape[-1], dtype=torch.float64, device=precision.device)
        covariance = self.noise * torch.linalg.inv(precision[0] + self.noise * one)
        factors = differences[:, 1:].double()
        variance: Tensor = ((factors @ covariance) * factors).sum(1)
        return self.weights[1] * variance.clamp(min=0).sqrt()

    @property
    def size(self) -> int:
        """Length of a dish's vector, with its mean utility."""
        return len(self.offset)


def name_of(line: Sequence[int]) -> int:
    """Hashes a dish's line of tokens to its name in the table of residuals, a number of 63 bits."""
    digest = hashlib.blake2b(",".join(map(str, line)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def parts_of_scores(vectors: Tensor, batch: Batch, noises: Tensor, unrated: Tensor) -> tuple[Tensor, Tensor]:
    """Computes the two parts of the scores of the dishes on offer: the mean utility, and the person's part.

    A person's weights are (noise + sum i v v')^-1 sum g v over the lines of the history, with factors v,
    evidence g and information i. This is the posterior mean of independent standard normal weights.

    Args:
        vectors: (D, 1 + S) vectors of `batch.dishes`.
        batch: Histories and dishes on offer.
        noises: (K,) variances of a rating around the factors' prediction.
        unrated: (2,) see `TextFactors`.

    Returns:
        (O,) mean utilities, and (K, O) what the person's history adds under each noise.
    """
    device = vectors.device
    common, factors = vectors[:, 0].float(), vectors[:, 1:].float()
    by_length = torch.argsort(batch.is_line.sum(1), stable=True)
    parts = [
        _people(common, factors, batch, some, noises, unrated)
        for some in torch.split(by_length, HISTORIES_AT_ONCE)
    ]
    people = torch.cat(parts, dim=1)[:, torch.argsort(by_length).to(device)]
    offered, history_of = batch.offered.to(device), batch.history_of.to(device)
    return common[offered], (people[:, history_of] * factors[offered]).sum(2)


def _people(
    common: Tensor, factors: Tensor, batch: Batch, some: Tensor, noises: Tensor, unrated: Tensor
) -> Tensor:
    """Computes the weights of the people of some histories under each noise, (K, some, S)."""
    evidence, precision = _evidence(common, factors, batch, some, unrated)
    one = torch.eye(factors.shape[1], dtype=torch.float64, device=factors.device)
    people = [torch.linalg.solve(precision + noise * one, evidence) for noise in noises.double()]
    return torch.stack(people).float()


def _evidence(
    common: Tensor, factors: Tensor, batch: Batch, some: Tensor, unrated: Tensor
) -> tuple[Tensor, Tensor]:
    """Sums what the lines of some histories say: evidence, (some, S), and information, (some, S, S)."""
    device = factors.device
    columns = (batch.past, batch.liked, batch.is_line, batch.is_rated)
    longest = int(batch.is_line[some].sum(1).max())
    past, liked, is_line, is_rated = (column[some, :longest].to(device) for column in columns)
    above = torch.where(is_rated, liked - common[past], liked * unrated[0])
    information = torch.where(is_rated, 1.0, unrated[1]) * is_line
    lines = factors[past]
    evidence = torch.einsum("hn,hns->hs", above * is_line, lines).double()
    return evidence, ((lines * information[..., None]).transpose(1, 2) @ lines).double()
