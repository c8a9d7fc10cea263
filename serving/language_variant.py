"""The variant of an adapter: a language model that reads dishes, with its weights or its head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import bentoml
import torch

from components.domain.errors import PalateError, StageFailed
from components.domain.ranker.artifacts import VECTORS_FILE
from components.domain.ranker.dish_table import DishTable, name_of_text
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import DishTokens, dish_text, prompt_hash
from components.domain.ranker.text_factors import TextFactors
from components.domain.records import Dish, Question
from components.domain.verdict import canary as stored
from components.files import file_sha256, weights_sha256
from components.integrations import base_models, packed_vectors, scoring, tuned_weights
from serving.refusals import must_go_on
from serving.variant import Variant


class LanguageVariant(Variant):
    """A variant whose model is a base with an adapter's changes added to its weights.

    Args:
        folder: As for `Variant`.
        bases: As for `Variant.open`.

    Attributes:
        fields: Fields of a dish that the model reads.
        model: The language model.
        head: The model's head, which ranks by dish vectors.

    Raises:
        StageFailed: As for `Variant.open`, or the adapter has no head.
    """

    def __init__(self, folder: Path, bases: dict[str, LanguageModel]) -> None:
        super().__init__(folder)
        self.fields = tuple(self.facts["dish_fields"])
        self.model = self._tuned(bases)
        if self.model.head is None:
            raise StageFailed(
                "this adapter reads each dish in context, and the service ranks by dish vectors alone: "
                "release a version whose candidate has `vectors` or `factors`"
            )
        self.head, longest = self.model.head, self.facts["serve"]["max_line_tokens"]
        self._packed, self._why_not_packed = self._read_packed()
        self.table = DishTable(self.model, self.head, self.fields, longest, self._packed)
        self.refusal, _ = self.examine()

    def _tuned(self, bases: dict[str, LanguageModel]) -> LanguageModel:
        """Loads this version's model, after verifying that base and adapter are the registered ones."""
        adapter, expected, tag = self.folder / "adapter", self.facts["adapter_sha256"], self.facts["base"]
        if weights_sha256(adapter) != expected:
            raise StageFailed("the adapter's weights are not those that the night registered")
        if tag not in bases:
            bases[tag] = _load_base(tag, self.facts["base_sha256"])
        model = bases[tag].with_shared_weights()
        tuned_weights.add(model, adapter)
        return model

    @property
    def has_posterior(self) -> bool:
        """See `Variant.has_posterior`."""
        return isinstance(self.head, TextFactors) and not tuned_weights.tunes_the_base(
            self.folder / "adapter"
        )

    def tokens(self, dishes: dict[str, Dish]) -> DishTokens:
        """See `Variant.tokens`."""
        return self.model.dish_tokens(dishes, self.fields)

    def scores(self, question: Question, tokens: DishTokens) -> list[float]:
        """See `Variant.scores`."""
        return self.counted(lambda: scoring.score_question(self.model, tokens, question, must_go_on))

    def length(self, tokens: DishTokens, dish: str) -> int:
        """See `Variant.length`."""
        return len(tokens.alone(dish, self.head.reading.template))

    def unknown(self, dishes: Iterable[Dish]) -> int:
        """See `Variant.unknown`."""
        texts = (dish_text(dish, self.fields) for dish in dishes)
        return sum(name_of_text(text) not in self._packed for text in texts)

    def examine(self) -> tuple[str | None, float | None]:
        """See `Variant.examine`; also checks the packed vectors."""
        here, learnt = prompt_hash(self.fields), self.facts["prompt_hash"]
        if here != learnt:
            return f"prompts here hash to {here}, the adapter learnt with {learnt}", None
        if self._why_not_packed:
            return self._why_not_packed, None
        fresh = replace(self.model, vectors={})  # a stored vector would prove the model of before
        questions = self._canary()
        scores = [
            scoring.score_question(fresh, self.tokens(question.menu()), question.question(), must_go_on)
            for question in questions
        ]
        refusal = stored.why_wrong(questions, scores)
        dishes = {dish.dish_id: dish for question in questions for dish in question.menu().values()}
        error = self.table.largest_error(list(dishes.values()))
        if not refusal and not error <= stored.TOLERANCE:
            refusal = f"a dish vector of the release is {error:.4f} of its length off what the model reads"
        return refusal, stored.largest_difference(questions, scores)

    def _read_packed(self) -> tuple[dict[bytes, Any], str | None]:
        """Reads the vectors that came with this version, and explains why they cannot be used.

        The explanation is None if they can be used.
        """
        expected, path = self.facts.get("vectors_sha256"), self.folder / VECTORS_FILE
        if expected is None and not path.exists():  # a release from before there was such a file
            return {}, None
        if not path.exists() or file_sha256(path) != expected:
            return {}, f"{path.name} is not the file of dish vectors that this version was released with"
        try:
            return packed_vectors.load(path, self.facts, self.model.device), None
        except PalateError as error:
            return {}, str(error)


def _load_base(tag: str, sha256: str) -> LanguageModel:
    """Loads the base model with this tag from BentoML's store in float32, if it has this checksum."""
    try:
        folder = Path(bentoml.models.get(tag).path)
        is_whole = file_sha256(folder / "model.safetensors") == sha256
    except Exception:  # noqa: BLE001  # a damaged model.yaml raises errors of many libraries
        is_whole = False
    if not is_whole:
        raise StageFailed(
            f"BentoML's store has no undamaged base model {tag}: the next release pass brings it back "
            "(`make release`)"
        )
    return base_models.load(folder, torch.float32, base_models.choose_device())
