"""The forms in which a term is written: plurals, umlauts as two letters, one word or two."""

from __future__ import annotations

from itertools import product

from components.domain.diet.letters import fold

LANGUAGES = ("en", "de", "fr", "it", "es", "any")
_SMALL = 3  # letters; shorter words are articles and prepositions inside of a term
_GERMAN = ("", "n", "en", "e", "s", "es", "er", "em", "ern")
_ITALIAN = {
    "ato": ("ati", "ata", "ate"), "ito": ("iti", "ita", "ite"), "uto": ("uti", "uta", "ute"),
    "co": ("chi", "ci"), "go": ("ghi", "gi"), "ca": ("che",), "ga": ("ghe",), "io": ("i",), "cia": ("ce",),
    "gia": ("ge",), "o": ("i",), "a": ("e",), "e": ("i",),
}  # fmt: skip


def _english(word: str) -> tuple[str, ...]:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return (word, word[:-1] + "ies", word + "s")
    if word.endswith(("f", "fe")):
        return (word, word.removesuffix("e")[:-1] + "ves", word + "s")
    if word.endswith("s"):
        return (word, word + "es")
    return (word, word + "s", word + "es")


def _italian(word: str) -> tuple[str, ...]:
    for end, plurals in _ITALIAN.items():
        if word.endswith(end):
            return (word, *(word[: -len(end)] + plural for plural in plurals))
    return (word,)


def _spanish(word: str) -> tuple[str, ...]:
    if word.endswith(("ado", "ido")):
        return (word, word + "s", word[:-1] + "a", word[:-1] + "as")
    return (word, word[:-1] + "ces") if word.endswith("z") else (word, word + "s", word + "es")


def _of_word(word: str, language: str) -> tuple[str, ...]:
    if language == "any" or (len(word) <= _SMALL and language in ("fr", "it", "es")) or word[-1].isdigit():
        return (word,)
    match language:
        case "en":
            return _english(word)
        case "de":
            return tuple(word + ending for ending in _GERMAN)
        case "fr":
            return (word, word + "s", word + "x", word + "e", word + "es")
        case "it":
            return _italian(word)
        case _:
            return _spanish(word)


def forms(term: str, language: str) -> set[str]:
    """All folded texts that mean the term.

    Args:
        term: In the singular, as the dictionary writes it.
        language: One of LANGUAGES; terms of `any` have no plural.
    """
    written = {fold(term)}
    if language == "de":
        umlauts = {"ä": "ae", "ö": "oe", "ü": "ue"}
        written.add(fold("".join(umlauts.get(letter, letter) for letter in term.casefold())))
    result: set[str] = set()
    for text in written:
        words = text.replace(",", " ").split()
        ends = words if language in ("fr", "it", "es") else words[-1:] if len(words) > 1 else words
        firsts = words[: len(words) - len(ends)]
        heads = [_of_word(firsts[0], language)] + [(word,) for word in firsts[1:]] if firsts else []
        for combination in product(*heads, *(_of_word(word, language) for word in ends)):
            result.add(" ".join(combination))
            if language in ("en", "de") and len(combination) == 2:
                result.add("".join(combination))
    return result
