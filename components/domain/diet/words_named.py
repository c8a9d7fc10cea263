"""Whether a text names an avoided ingredient, by its tokens: the first of the two ways."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from components.domain.diet.dictionary import LINKS, PART, dictionary
from components.domain.diet.forms import forms

LONG = 5  # letters from which a word is looked for at either end of a compound


@dataclass(frozen=True)
class _Sought:
    """Spellings of words: those of one word, those of several, and parts of a compound, long and short."""

    single: frozenset[str]
    several: tuple[str, ...]
    long: tuple[str, ...]
    short: tuple[str, ...]


def spellings(word: str) -> frozenset[str]:
    """A folded word or several in each form that it is written in."""
    return frozenset(forms(word, "en") | forms(word, "de") | forms(word, "es") | forms(word, "it") | {word})


@lru_cache(maxsize=1024)
def _sought(words: tuple[str, ...]) -> _Sought:
    written = frozenset[str]().union(*map(spellings, words))
    single = frozenset(spelling for spelling in written if " " not in spelling)
    parts = [spelling for spelling in single if len(spelling) >= PART]
    long = tuple(spelling for spelling in parts if len(spelling) >= LONG)
    short = tuple(spelling for spelling in parts if len(spelling) < LONG)
    return _Sought(single, tuple(f" {spelling} " for spelling in written - single), long, short)


@lru_cache(maxsize=65_536)
def _is_compound(token: str, words: tuple[str, ...]) -> bool:
    if token in dictionary().whole:
        return False
    sought = _sought(words)
    if token.startswith(sought.long) or token.endswith(sought.long):
        return True
    joints = [(part, link) for part in sought.short for link in LINKS]
    rests = [token.removeprefix(part + link) for part, link in joints if token.startswith(part + link)]
    rests += [token.removesuffix(link + part) for part, link in joints if token.endswith(link + part)]
    return any(rest in dictionary().terms for rest in rests)


@lru_cache(maxsize=65_536)
def names_any(text: str, words: tuple[str, ...]) -> bool:
    """Whether a folded text names one of the words, in a plural or a compound of it, too.

    Args:
        text: As `fold` gives it.
        words: Folded.
    """
    padded = f" {text.replace(',', ' , ').replace('.', ' . ')} "
    tokens, sought = padded.split(), _sought(words)
    if not sought.single.isdisjoint(tokens) or any(spelling in padded for spelling in sought.several):
        return True
    return any(_is_compound(token, words) for token in tokens)
