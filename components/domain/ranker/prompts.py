"""The one prompt contract: training, evaluation and serving all read a person and a menu through it.

A person is a header and one line for each past opinion (its mark, or the rating where one was stated). Each
dish on offer is a line that ends in a question mark; its score is logit(ANSWERS[0]) - logit(ANSWERS[1]) after
this line. Lines are terse, since a night's cost grows with its tokens. Text that people typed is data:
`clean` removes characters that could forge a line, and the tokenizer never reads a special token out of it
(see `DishTokens`). A head of dish vectors or text factors reads each dish alone, in a line of its own (see
`Reading`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from components.domain.records import DISLIKED, LIKED, NEUTRAL, Dish, Past

HEADER = "Meals of one person (+ good, ~ fair, - bad):"
MARKS = {LIKED: "+", NEUTRAL: "~", DISLIKED: "-"}
PAST_LINE = "\n{mark} {dish}"
OFFER_LINE = "\n{dish}?"
DISH_LINE = "A dish: {dish}."
ANSWERS = (" yes", " no")
MAX_DISH_CHARACTERS = 240
MAX_LINES = 1_000_000  # of a history


@dataclass(frozen=True)
class Reading:
    """How a language model reads a dish alone.

    Attributes:
        template: The line; `{dish}` stands for the dish's text.
        layer: Number of layers that read the line; 0 for all layers and the model's last normalisation.
    """

    template: str = DISH_LINE
    layer: int = 0


def readings_of(layers: int) -> list[Reading]:
    """Lists the readings that text factors choose from on a base of so many layers, the default first."""
    late = round(0.9 * layers)  # the last layers turn to the next word
    return [Reading("Dish: {dish}. Its main ingredient is", late), Reading()]


Encode = Callable[[str], Sequence[int]]


# Where Unicode has its control and format characters; to look through all planes would take a second.
_SPECIAL = (*range(0x20000), *range(0xE0000, 0xE1000))
_HIDDEN = [char for char in map(chr, _SPECIAL) if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}]
# A pattern, since a stranger's megabyte is cleaned before it is refused.
_INVISIBLE = re.compile(f"[{''.join(map(re.escape, _HIDDEN))}]")


def clean(text: str) -> str:
    """Reduces text to one line of visible characters with single spaces; control characters become spaces."""
    return " ".join((text if text.isprintable() else _INVISIBLE.sub(" ", text)).split())


def dish_text(dish: Dish, fields: Iterable[str]) -> str:
    """Writes a dish as the model reads it: the values of `fields` in one line, without empty ones."""
    values = (getattr(dish, name) for name in fields)
    texts = (clean(", ".join(value) if isinstance(value, tuple) else value) for value in values)
    return ", ".join(text for text in texts if text)[:MAX_DISH_CHARACTERS]


def prompt_hash(fields: Iterable[str]) -> str:
    """Hashes the prompt contract to sixteen hex digits, which change whenever a served prompt would.

    A head's own template is left out, since it is shipped with the adapter.
    """
    parts = [
        HEADER,
        PAST_LINE,
        OFFER_LINE,
        DISH_LINE,
        *ANSWERS,
        *MARKS.values(),
        *fields,
        str(MAX_DISH_CHARACTERS),
    ]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class DishTokens:
    """Token ids of the prompt's lines; each line is encoded alone, so a dish always reads the same.

    Attributes:
        encode: Converts text to token ids; it neither adds special tokens nor recognises them in the text.
        prefix: Ids that the tokenizer puts before every text (for example BOS); often empty.
        max_history: Largest number of history lines in a prompt; the latest stay.
    """

    dishes: dict[str, Dish]
    fields: tuple[str, ...]
    encode: Encode
    prefix: tuple[int, ...] = ()
    max_history: int = MAX_LINES
    _lines: dict[tuple[str, str], tuple[int, ...]] = field(default_factory=dict, repr=False)

    def header(self) -> tuple[int, ...]:
        """Encodes the header, with which every person's prompt begins."""
        return self.prefix + self._line(HEADER, "")

    def past(self, past: Past) -> tuple[int, ...]:
        """Encodes one line of history."""
        mark = MARKS[past.verdict] if past.rating is None else f"{past.rating:g}"
        return self._line(PAST_LINE.replace("{mark}", mark), past.dish_id)

    def offer(self, dish_id: str) -> tuple[int, ...]:
        """Encodes one dish on offer; the answer is read at the line's last token."""
        return self._line(OFFER_LINE, dish_id)

    def alone(self, dish_id: str, template: str = DISH_LINE) -> tuple[int, ...]:
        """Encodes a dish without a person, in the template of a `Reading`."""
        return self.prefix + self._line(template, dish_id)

    def first_line(self, length: int) -> int:
        """Computes the number of the first history line that a prompt holds.

        The window moves by half its size, so that most of a person's questions share a prefix.

        Args:
            length: Number of lines of the history.
        """
        step = max(1, self.max_history // 2)
        return 0 if length <= self.max_history else -(-(length - self.max_history) // step) * step

    def _line(self, template: str, dish_id: str) -> tuple[int, ...]:
        key = (template, dish_id)
        if key not in self._lines:
            before, _, after = template.partition("{dish}")
            text = dish_text(self.dishes[dish_id], self.fields) if dish_id else ""
            self._lines[key] = tuple(self.encode(before + text + after))
        return self._lines[key]
