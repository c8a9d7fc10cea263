"""The heads that rank by dish vectors, read back from the tensors of a file."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from components.domain.ranker.dish_vectors import Head
from components.domain.ranker.text_factors import TextFactors

AnyHead = Head | TextFactors


def head_of(tensors: Mapping[str, Tensor]) -> AnyHead:
    """Builds a head from the tensors that its `tensors()` returned."""
    return TextFactors(**tensors) if "centre" in tensors else Head(**tensors)
