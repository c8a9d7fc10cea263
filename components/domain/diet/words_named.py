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


@lru_cache(maxsize=4096)
def _parts(word: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spellings that may be a part of a compound: those to look for at its ends, and the short ones."""
    single = [spelling for spelling in spellings(word) if " " not in spelling and len(spelling) >= PART]
    long = tuple(spelling for spelling in single if len(spelling) >= LONG)
    return long, tuple(spelling for spelling in single if len(spelling) < LONG)


@lru_cache(maxsize=65_536)
def _is_compound_of(token: str, word: str) -> bool:
    if token in dictionary().whole:
        return False
    long, short = _parts(word)
    if token.startswith(long) or token.endswith(long):
        return True
    rests = [
        token.removeprefix(part + link) for part in short for link in LINKS if token.startswith(part + link)
    ]
    rests += [
        token.removesuffix(link + part) for part in short for link in LINKS if token.endswith(link + part)
    ]
    return any(rest in dictionary().terms for rest in rests)


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
    return any(_is_compound_of(token, word) for token in padded.split())
