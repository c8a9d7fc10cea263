"""The variant of a rule: it needs no language model, and ranks dishes by opinions, words and tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from components.domain.errors import StageFailed
from components.domain.preferences.arrays import Bools, Floats, Ints
from components.domain.preferences.from_records import question_table
from components.domain.records import RULE, Dish, Past, Question
from components.domain.verdict import canary as stored
from components.files import folder_sha256
from components.integrations import rule_files
from components.integrations.rule_files import AnyRule
from serving.variant import Variant


class RuleTable:
    """The dishes of a catalogue as a rule reads them; the interface is that of `DishTable`.

    Args:
        model: The rule.

    Attributes:
        dishes: The catalogue, by id.
        rows: (C,) row of each dish of the catalogue.
    """

    def __init__(self, model: AnyRule) -> None:
        self._model = self._shown = model
        self.show(())

    def show(self, dishes: Sequence[Dish]) -> None:
        """Replaces the catalogue by dishes of distinct ids."""
        self.dishes, self.rows = {dish.dish_id: dish for dish in dishes}, np.arange(len(dishes))
        self._is_packed = np.array([self._model.knows(dish) for dish in dishes], bool)
        self._shown = self._model.with_dishes([dish for dish in dishes if not self._model.knows(dish)])

    def is_read(self, rows: Ints) -> Bools:
        """Tells for each row whether it can be scored: all of them can."""
        return np.ones(len(rows), bool)

    def is_packed(self, rows: Ints) -> Bools:
        """Tells for each row whether the rule was fitted on its dish, (rows,)."""
        return self._is_packed[rows]

    def has(self, dish: Dish) -> bool:
        """Tells whether a dish can be scored without reading it: always."""
        return True

    def read(self, *_: object) -> None:
        """Reads nothing, since a rule needs no reading."""

    def scores(
        self, history: Sequence[Past], dishes: Mapping[str, Dish], before_batch: Callable[[], None]
    ) -> Floats:
        """Computes the scores of all rows after a history, (C,); arguments as for `DishTable.scores`."""
        before_batch()
        return self.answers([Question("", tuple(history), tuple(self.dishes))], dishes)

    def answers(self, questions: Sequence[Question], dishes: Mapping[str, Dish]) -> Floats:
        """Computes the scores of the dishes of a few questions, (O,); see `DishTable.answers`."""
        if not any(question.dishes for question in questions):
            return np.empty(0)
        return self._shown.scores(question_table(questions), dishes)


class RuleVariant(Variant):
    """A variant that ranks by a rule; arguments as for `Variant`.

    Raises:
        StageFailed: The rule is not the one that was registered, or cannot be read.
    """

    table: RuleTable

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        if folder_sha256(folder / RULE) != self.facts["rule_sha256"]:
            raise StageFailed("the rule's files are not those that the night registered")
        self._model = rule_files.load(folder / RULE)
        self.table = RuleTable(self._model)
        self.refusal, _ = self.examine()

    def tokens(self, dishes: dict[str, Dish]) -> dict[str, Dish]:
        """See `Variant.tokens`; a rule reads the dishes themselves."""
        return dishes

    def scores(self, question: Question, tokens: dict[str, Dish]) -> list[float]:
        """See `Variant.scores`."""
        scores: list[float] = self.counted(lambda: self.table.answers([question], tokens)).tolist()
        return scores

    def length(self, tokens: object, dish: str) -> int:
        """See `Variant.length`."""
        return 0

    def unknown(self, dishes: Iterable[Dish]) -> int:
        """See `Variant.unknown`."""
        return sum(not self._model.knows(dish) for dish in dishes)

    def examine(self) -> tuple[str | None, float | None]:
        """See `Variant.examine`."""
        questions = self._canary()
        scores = [
            self._model.scores(question_table([each.question()]), each.menu()).tolist() for each in questions
        ]
        return stored.why_wrong(questions, scores), stored.largest_difference(questions, scores)
