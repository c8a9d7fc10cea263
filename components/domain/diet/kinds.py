"""Foods that people are allergic to beside the 14 groups: their names, their kinds and what is made of them.

What is not in this table cannot be looked for in all of its names, so an allergy to it lets no dish through.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from components.domain.diet.dictionary import lines
from components.domain.diet.forms import forms
from components.domain.diet.letters import fold

_LANGUAGES = ("en", "de", "fr", "it", "es")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


@dataclass(frozen=True)
class Food:
    """A row of the table.

    Attributes:
        names: What the food is called, in all forms.
        kinds: Its kinds and what is made of it, in all forms.
        words: All of these as they are written, for looking in a text.
    """

    names: frozenset[str]
    kinds: frozenset[str]
    words: frozenset[str]


def _written(cells: list[str], part: int) -> list[tuple[str, str]]:
    # The words of a row before `|` (0) or behind it (1), with their language.
    listed = [
        (cell.partition("|")[2 * part], language) for cell, language in zip(cells, _LANGUAGES, strict=True)
    ]
    return [(word, language) for words, language in listed for word in words.split(";") if word]


def _forms(written: list[tuple[str, str]]) -> frozenset[str]:
    return frozenset[str]().union(*(forms(word, language) for word, language in written))


@cache
def _foods() -> tuple[Food, ...]:
    result = []
    for *cells, _ in lines("kinds"):
        names, kinds = _written(cells, 0), _written(cells, 1)
        words = [word for word, _ in names + kinds]
        umlauts = [
            word.casefold().translate(_UMLAUTS) for word, language in names + kinds if language == "de"
        ]
        result.append(Food(_forms(names), _forms(kinds), frozenset(map(fold, words + umlauts))))
    return tuple(result)


@cache
def words_of(allergy: str, *, is_mixed: bool) -> frozenset[str]:
    """All words to look for; empty where the table does not have the food.

    Args:
        allergy: Folded; a kind stands for its food, and a food whose kinds have a row for these, too.
        is_mixed: Whether it is a mixture, of which the table knows but a part.
    """
    foods = [food for food in _foods() if allergy in food.names]
    if not foods and not is_mixed:
        foods = [food for food in _foods() if allergy in food.kinds]
    within = [other for food in foods for other in _foods() if other.names & food.kinds]
    return frozenset[str]().union(*(food.words for food in foods + within))
