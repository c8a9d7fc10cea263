"""Whether a text names an avoided ingredient, by its tokens: the first of the two ways."""

from __future__ import annotations

from functools import lru_cache

from components.domain.diet.dictionary import LINKS, PART, dictionary
from components.domain.diet.forms import forms

LONG = 5  # letters from which a word is looked for at either end of a compound


@lru_cache(maxsize=4096)
def spellings(word: str) -> frozenset[str]:
    """A folded word or several in each form that it is written in."""
    return frozenset(forms(word, "en") | forms(word, "de") | forms(word, "es") | forms(word, "it") | {word})


def _is_compound_of(token: str, spelling: str) -> bool:
    if " " in spelling or len(spelling) < PART or token in dictionary().whole:
        return False
    if len(spelling) >= LONG:
        return token.startswith(spelling) or token.endswith(spelling)
    starts = [token.removeprefix(spelling + link) for link in LINKS if token.startswith(spelling + link)]
    ends = [token.removesuffix(link + spelling) for link in LINKS if token.endswith(link + spelling)]
    return any(rest in dictionary().terms for rest in starts + ends)


@lru_cache(maxsize=65_536)
def names_word(text: str, word: str) -> bool:
    """Whether a folded text names the word, in a plural or a compound of it, too.

    Args:
        text: As `fold` gives it.
        word: Folded.
    """
    padded = f" {text.replace(',', ' , ').replace('.', ' . ')} "
    if any(f" {spelling} " in padded for spelling in spellings(word)):
        return True
    return any(_is_compound_of(token, spelling) for token in padded.split() for spelling in spellings(word))
