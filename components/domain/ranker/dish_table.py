"""The dishes of a catalogue as one model reads them: a vector for each text, and scores of all at once.

Shapes: T distinct texts of the catalogue, S length of a vector.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import torch

from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.from_records import question_table
from components.domain.ranker.dish_vectors import Batch, batch_of
from components.domain.ranker.encoding import go_on
from components.domain.ranker.heads import AnyHead
from components.domain.ranker.language_model import LanguageModel
from components.domain.ranker.left_out_pairs import PersonOpinions
from components.domain.ranker.prompts import dish_text
from components.domain.ranker.text_factors import TextFactors
from components.domain.ranker.vector_memory import vectors_of
from components.domain.records import Dish, Past, Question


def name_of_text(text: str) -> bytes:
    """Hashes a dish's text, as the prompt has it, to sixteen bytes: another text has another name."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


class DishTable:
    """Vectors of a catalogue's dishes; dishes that read alike share a row. For one thread at a time.

    Args:
        model: The model that reads the dishes.
        head: The model's head, which scores them.
        fields: Fields of a dish that the model reads.
        max_tokens: Largest number of tokens of a dish; a longer dish gets no vector.
        packed: Vectors that came with the model and need no reading, by the names of their texts.

    Attributes:
        dishes: The catalogue, by id.
        rows: (C,) row of each dish of the catalogue, in the catalogue's order.
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
        """Replaces the catalogue. Texts that were read before, or are packed, are not read again.

        Args:
            dishes: Dishes of the catalogue, each id once.
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
        """Collects the vectors of all texts of the catalogue that have been read, by the texts' names."""
        texts = (text for text, row in self._row_of_text.items() if self._is_read[row])
        return {name_of_text(text): self._vectors[self._row_of_text[text]] for text in texts}

    def largest_error(self, dishes: Sequence[Dish]) -> float:
        """Computes the largest distance of a packed vector from what the model reads now.

        The distance is a share of the length of the vector read now; 0 if no dish is packed.

        Args:
            dishes: Dishes to compare; those without a packed vector are left out.
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
        """Tells for each row whether its vector is there, (rows,)."""
        return self._is_read[rows]

    def is_packed(self, rows: Ints) -> Bools:
        """Tells for each row whether its vector came with the model, (rows,)."""
        return self._is_packed[rows]

    def has(self, dish: Dish) -> bool:
        """Tells whether the vector of a dish's text is there; the dish need not be of the catalogue."""
        row = self._row_of_text.get(dish_text(dish, self._fields))
        return row is not None and bool(self._is_read[row])

    def read(self, rows: Ints, most: int, most_tokens: int, before_batch: Callable[[], None] = go_on) -> None:
        """Reads the texts that have not been read yet, in the order of the rows.

        Args:
            rows: Rows whose vectors are needed.
            most: Largest number of texts to read.
            most_tokens: Largest number of tokens to read.
            before_batch: Called before each batch of model work; an exception that it raises ends the work.
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
        """Computes the scores of all rows after a history, (T,); meaningless for rows that were not read.

        Args:
            history: Past opinions, oldest first.
            dishes: Dishes of the history, by id; they need not be of the catalogue.
            before_batch: Called before each batch of model work; an exception that it raises ends the work.
        """
        batch = self._batch(history)
        with torch.inference_mode():
            past = self._vectors_of([dishes[dish] for dish in batch.dishes], before_batch)
            return np.asarray(self._head.scores_of_all(self._vectors, past, batch).double().cpu())

    def deviations(
        self, history: Sequence[Past], dishes: Mapping[str, Dish], rows: Ints, other: int
    ) -> Floats:
        """Computes how unsure it is how far the scores of rows lie from another row's, (rows,).

        The head must be of text factors; see `TextFactors.deviations`. Other arguments as for `scores`.
        """
        head, batch = cast(TextFactors, self._head), self._batch(history)
        with torch.inference_mode():
            past = self._vectors_of([dishes[dish] for dish in batch.dishes], go_on)
            differences = self._vectors[rows] - self._vectors[other]
            return np.asarray(head.deviations(differences, past, batch).double().cpu())

    def answers(self, questions: Sequence[Question], dishes: Mapping[str, Dish]) -> Floats:
        """Computes the scores of the dishes of a few questions, (O,), one question after the other."""
        if not questions:
            return np.empty(0)
        batch = batch_of(question_table(questions), self._head.rating_scale)
        with torch.inference_mode():
            vectors = self._vectors_of([dishes[dish] for dish in batch.dishes], go_on)
            return np.asarray(self._head.scores(vectors, batch).double().cpu())

    def opinions_and_others(
        self,
        history: Sequence[Past],
        dishes: Mapping[str, Dish],
        rows: Ints,
        most: int,
        before_batch: Callable[[], None] = go_on,
    ) -> tuple[PersonOpinions, Floats, Ints]:
        """Collects a person's opinions, and the factors of other dishes; with the rows of these, (C,).

        The head must be of text factors. Other arguments as for `scores`.

        Args:
            rows: Rows of other dishes, each once; those of the history, and those not read, are left out.
            most: Largest number of other dishes.
        """
        head, batch = cast(TextFactors, self._head), self._batch(history)
        past = [dishes[line.dish_id] for line in history]
        known = [self._row_of_text.get(dish_text(dish, self._fields), -1) for dish in past]
        others = rows[self._is_read[rows] & ~np.isin(rows, known)][:most]
        read = [*past, *(self._dish_of_row[row] for row in others.tolist())]
        with torch.inference_mode():
            vectors = self._vectors_of(read, before_batch)[: len(read)]
            by_text = head.factors_by_text(vectors, [self._line(dish) for dish in read])
        factors, count = by_text.double().cpu().numpy(), len(past)
        liked, is_rated = batch.liked[0, :count].double().numpy(), batch.is_rated[0, :count].numpy()
        return head.person_opinions(factors[:count], liked, is_rated), factors[count:], others

    def _batch(self, history: Sequence[Past]) -> Batch:
        """Puts a single history into a batch without dishes on offer."""
        return batch_of(question_table([Question("", tuple(history), ())]), self._head.rating_scale)

    def _vectors_of(self, dishes: Sequence[Dish], before_batch: Callable[[], None]) -> torch.Tensor:
        """Looks up the vectors of any dishes, or reads them, (dishes, S); one row of zeros without dishes."""
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
        tokens = self._model.dish_tokens({"": dish, dish.dish_id: dish}, self._fields)
        return tokens.alone(dish.dish_id, self._head.reading.template)
