"""A causal language model as the rest of Palate sees it: only what scoring needs, without a tool's types."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from components.domain.ranker.heads import AnyHead
from components.domain.ranker.prompts import MAX_LINES, DishTokens
from components.domain.records import Dish


@dataclass
class LanguageModel:
    """A causal language model, ready to score.

    Attributes:
        network: The whole model; adapters are attached to it in place.
        decoder: The part of `network` that computes last hidden states.
        direction: (width,) output embedding of yes minus output embedding of no, float32.
        tokenizer: The tokenizer of the same folder; only the code that saves it again looks inside.
        encode: Converts text to token ids; a special token's name in the text is read as plain letters.
        prefix: Ids that go before every text (for example BOS); often empty.
        device: Device of the weights.
        head: Head that ranks by dish vectors; None for an untuned base, which answers yes or no in context.
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

    def dish_tokens(
        self, dishes: dict[str, Dish], fields: tuple[str, ...], max_history: int = MAX_LINES
    ) -> DishTokens:
        """Builds the prompt's lines for these dishes, in this model's tokens.

        Args:
            fields: Fields of a dish that the prompt names.
            max_history: Largest number of history lines in a prompt; a head reads no prompt.
        """
        return DishTokens(dishes, fields, self.encode, self.prefix, max_history)

    def with_shared_weights(self) -> LanguageModel:
        """Copies the model but not its tensors, so that either model can get others; the copy has no head."""
        tensors = *self.network.parameters(), *self.network.buffers()
        network = copy.deepcopy(self.network, {id(tensor): tensor for tensor in tensors})
        return replace(self, network=network, decoder=network.get_decoder(), head=None, vectors={})
