"""The dishes of a catalogue as one model reads them: a vector of each text, and scores of all at once.

Shapes: T distinct texts of the catalogue, S length of a vector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.from_records import question_table
from components.domain.ranker.dish_vectors import batch_of
from components.domain.ranker.encoding import go_on
from components.domain.ranker.heads import AnyHead
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.prompts import dish_text
from components.domain.ranker.vector_memory import vectors_of
from components.domain.records import Dish, Past, Question


def name_of_text(text: str) -> bytes:
    """Sixteen bytes that name a dish's text, as the prompt has it: another text has another name."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


class DishTable:
    """Vectors of a catalogue's dishes, of which those that read alike have one row. For one thread at a time.

    Args:
        model: Reads the dishes.
        head: The model's, which scores them.
        fields: Fields of a dish that the model reads.
        max_tokens: Tokens of one dish at most; a longer one has no vector.
        packed: Vectors that need no reading, by the names of their texts.

    Attributes:
        dishes: The catalogue, by id.
        rows: (C,) row of each of its dishes, in its order.
    """

    def __init__(
        self,
        model: LanguageModel,
        head: AnyHead,
        fields: tuple[str, ...],
        max_tokens: int,
        packed: Mapping[bytes, torch.Tensor],
    ) -> None:
        self._model, self._head, self._fields = model, head, fields
        self._max_tokens, self._packed = max_tokens, packed
        self._row_of_text: dict[str, int] = {}
        self._vectors = torch.zeros(0, head.size, device=model.device)
        self._is_read = self._is_packed = self._is_too_long = np.zeros(0, bool)
        self.show(())

    def show(self, dishes: Sequence[Dish]) -> None:
        """Makes these the catalogue. What was read before, or is packed, is not read again.

        Args:
            dishes: Of the catalogue, each id once.
        """
        read_before = {
            text: self._vectors[row] for text, row in self._row_of_text.items() if self._is_read[row]
        }
        self.dishes = {dish.dish_id: dish for dish in dishes}
        self._row_of_text, self._dish_of_row = {}, dict[int, Dish]()
        rows = []
        for dish in dishes:
            row = self._row_of_text.setdefault(dish_text(dish, self._fields), len(self._row_of_text))
            rows.append(row)
            self._dish_of_row[row] = dish
        self.rows = np.array(rows, np.int64)
        count = len(self._row_of_text)
        self._vectors = torch.zeros(count, self._head.size, device=self._model.device)
        self._is_read, self._is_packed, self._is_too_long = (np.zeros(count, bool) for _ in range(3))
        for text, row in self._row_of_text.items():
            name = name_of_text(text)
            self._is_packed[row] = name in self._packed
            vector = self._packed.get(name, read_before.get(text))
            if vector is not None:
                self._vectors[row], self._is_read[row] = vector, True

    def by_name(self) -> dict[bytes, torch.Tensor]:
        """The vectors of all texts of the catalogue that are read, by the names of the texts."""
        texts = (text for text, row in self._row_of_text.items() if self._is_read[row])
        return {name_of_text(text): self._vectors[self._row_of_text[text]] for text in texts}

    def largest_error(self, dishes: Sequence[Dish]) -> float:
        """How far packed vectors lie from what the model reads now, beside their length; 0 for none.

        Args:
            dishes: Those of which it is looked at; what is not packed is left out.
        """
        names = [name_of_text(dish_text(dish, self._fields)) for dish in dishes]
        packed = [
            (dish, self._packed[name])
            for dish, name in zip(dishes, names, strict=True)
            if name in self._packed
        ]
        if not packed:
            return 0.0
        fresh, vectors = replace(self._model, vectors={}), torch.stack([vector for _, vector in packed])
        with torch.inference_mode():
            read = vectors_of(fresh, self._head, [self._line(dish) for dish, _ in packed])
            errors = (read - vectors).norm(dim=1) / read.norm(dim=1).clamp(min=1e-6)
        return float(errors.max())

    def is_read(self, rows: Ints) -> Bools:
        """(rows,) True where the vector is there."""
        return self._is_read[rows]

    def is_packed(self, rows: Ints) -> Bools:
        """(rows,) True where the vector came with the model."""
        return self._is_packed[rows]

    def has(self, dish: Dish) -> bool:
        """Whether the vector of a dish's text is there, be it of the catalogue or not."""
        row = self._row_of_text.get(dish_text(dish, self._fields))
        return row is not None and bool(self._is_read[row])

    def read(self, rows: Ints, most: int, most_tokens: int, before_batch: Callable[[], None] = go_on) -> None:
        """Reads what is not read yet, in the order of the rows.

        Args:
            rows: Those whose vectors are needed.
            most: Number of texts that are read at most.
            most_tokens: Number of their tokens at most.
            before_batch: Called before each batch of model work; what it raises ends the work.
        """
        unread = dict.fromkeys(rows[~(self._is_read[rows] | self._is_too_long[rows])].tolist())
        lines: dict[int, tuple[int, ...]] = {}
        for row in unread:
            line = self._line(self._dish_of_row[row])
            if len(line) > self._max_tokens:
                self._is_too_long[row] = True
                continue
            most_tokens -= len(line)
            if len(lines) == most or most_tokens < 0:
                break
            lines[row] = line
        if lines:
            at = list(lines)
            with torch.inference_mode():
                vectors = vectors_of(self._model, self._head, list(lines.values()), before_batch)
                self._vectors[at] = vectors
            self._is_read[at] = True

    def scores(
        self,
        history: Sequence[Past],
        dishes: Mapping[str, Dish],
        before_batch: Callable[[], None] = go_on,
    ) -> Floats:
        """(T,) scores of all rows after a history; they mean nothing where a row is not read.

        Args:
            history: Oldest first.
            dishes: Those of the history, by id; they need not be of the catalogue.
            before_batch: Called before each batch of model work; what it raises ends the work.
        """
        batch = batch_of(question_table([Question("", tuple(history), ())]), self._head.rating_scale)
        with torch.inference_mode():
            past = self._vectors_of([dishes[dish] for dish in batch.dishes], before_batch)
            scores: Floats = self._head.scores_of_all(self._vectors, past, batch).double().cpu().numpy()
        return scores

    def answers(self, questions: Sequence[Question], dishes: Mapping[str, Dish]) -> Floats:
        """(O,) scores of the dishes of a few questions, one question after the other.

        Args:
            questions: In any order.
            dishes: All that they name, by id.
        """
        if not questions:
            return np.empty(0)
        batch = batch_of(question_table(questions), self._head.rating_scale)
        with torch.inference_mode():
            vectors = self._vectors_of([dishes[dish] for dish in batch.dishes], go_on)
            scores: Floats = self._head.scores(vectors, batch).double().cpu().numpy()
        return scores

    def _vectors_of(self, dishes: Sequence[Dish], before_batch: Callable[[], None]) -> torch.Tensor:
        """(dishes, S) vectors of any dishes, one of zeros for none; what is not in the table is read."""
        vectors = torch.zeros(max(1, len(dishes)), self._head.size, device=self._model.device)
        rows = [self._row_of_text.get(dish_text(dish, self._fields), -1) for dish in dishes]
        is_there = [row >= 0 and bool(self._is_read[row]) for row in rows]
        for number, row in enumerate(rows):
            if is_there[number]:
                vectors[number] = self._vectors[row]
        others = [number for number, there in enumerate(is_there) if not there]
        if others:
            lines = [self._line(dishes[number]) for number in others]
            vectors[others] = vectors_of(self._model, self._head, lines, before_batch)
        return vectors

    def _line(self, dish: Dish) -> tuple[int, ...]:
        tokens = self._model.dish_tokens({"": dish, dish.dish_id: dish}, self._fields, 1)
        return tokens.alone(dish.dish_id, self._head.reading.template)
