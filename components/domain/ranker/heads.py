"""The heads that rank by dish vectors, as tensors of a file and back."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from components.domain.ranker.dish_vectors import Head
from components.domain.ranker.text_factors import TextFactors

AnyHead = Head | TextFactors


def head_of(tensors: Mapping[str, Tensor]) -> AnyHead:
    """The head whose `tensors()` these are."""
    return TextFactors(**tensors) if "centre" in tensors else Head(**tensors)
