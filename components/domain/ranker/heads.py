"""The heads that rank by dish vectors, read back from the tensors of a file."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from components.domain.errors import ReleaseRefused
from components.domain.ranker.dish_vectors import Head
from components.domain.ranker.text_factors import TextFactors

AnyHead = Head | TextFactors


def head_of(tensors: Mapping[str, Tensor]) -> AnyHead:
    """Builds a head from the tensors that its `tensors()` returned.

    Raises:
        ReleaseRefused: The head reads the mean of a line, as some did in versions before 0.3.0.
    """
    if "centre" not in tensors:
        return Head(**tensors)
    if tensors.get("mean"):
        raise ReleaseRefused(
            "this head reads the mean of a line, as no version does any more: promote another one"
        )
    return TextFactors(**{name: tensor for name, tensor in tensors.items() if name != "mean"})
