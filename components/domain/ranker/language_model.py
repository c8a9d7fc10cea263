"""A causal language model as the rest of Palate sees it: no tool's types, only what scoring needs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from components.domain.ranker.heads import AnyHead
from components.domain.ranker.prompts import DishTokens
from components.domain.records import Dish


@dataclass
class LanguageModel:
    """A causal language model, ready to score.

    Attributes:
        network: The whole model; adapters are attached to it in place.
        decoder: The part of it that gives last hidden states.
        direction: (width,) output embedding of yes minus that of no, float32.
        tokenizer: Of the same folder; only what saves it again looks inside.
        encode: Text to token ids; a special token's name in the text is only letters.
        prefix: Ids that go before every text (for example BOS); often empty.
        device: Where the weights lie.
        head: Ranks by dish vectors where there is one; else dishes are read in context and answered yes or
            no.
        vectors: Dish vectors that scoring has computed with this model and head, by the line's token ids as
            bytes.
    """

    network: Any
    decoder: Any
    direction: Tensor
    tokenizer: Any
    encode: Callable[[str], list[int]]
    prefix: tuple[int, ...]
    device: torch.device
    head: AnyHead | None = None
    vectors: dict[bytes, Tensor] = field(default_factory=dict, repr=False)

    def dish_tokens(self, dishes: dict[str, Dish], fields: tuple[str, ...], max_history: int) -> DishTokens:
        """The prompt's lines for these dishes, in this model's tokens.

        Args:
            dishes: By id.
            fields: Fields of a dish that the prompt names.
            max_history: Lines of history that a prompt holds at most.
        """
        return DishTokens(dishes, fields, self.encode, self.prefix, max_history)

    def with_shared_weights(self) -> LanguageModel:
        """A second model of the same tensors, so that one of the two can get others; it has no head."""
        tensors = *self.network.parameters(), *self.network.buffers()
        network = copy.deepcopy(self.network, {id(tensor): tensor for tensor in tensors})
        return replace(self, network=network, decoder=network.get_decoder(), head=None, vectors={})
