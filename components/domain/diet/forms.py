"""The forms in which a term is written: plurals, umlauts as two letters, one word or two."""

from __future__ import annotations

import re
from functools import cache
from itertools import product

from components.domain.diet.letters import fold_term

LANGUAGES = ("en", "de", "fr", "it", "es", "nl", "pt", "pl", "tr", "any")
_SMALL = 3  # letters; shorter words are articles and prepositions inside of a term
_GERMAN = ("", "n", "en", "e", "s", "es", "er", "em", "ern")
_ITALIAN = {
    "ato": ("ati", "ata", "ate"), "ito": ("iti", "ita", "ite"), "uto": ("uti", "uta", "ute"),
    "co": ("chi", "ci"), "go": ("ghi", "gi"), "ca": ("che",), "ga": ("ghe",), "io": ("i",), "cia": ("ce",),
    "gia": ("ge",), "o": ("i",), "a": ("e",), "e": ("i",),
}  # fmt: skip
_INFLECTED = {  # of a folded word: its end, and what may stand there instead
    "nl": (
        (r"([aeou])\1([bdfgklmnprst])", r"\1\2en"), (r"([aeiou])([bdfgklmnprst])", r"\1\2\2en \1\2\2e"),
        ("f", "ven"), ("s", "zen"), ("", "en s n e je jes"),
    ),
    "pt": (
        ("ao", "oes aes aos"), (r"([aeou])l", r"\1is"), ("m", "ns"), ("([ai])do", r"\1da \1dos \1das"),
        ("o", "a os as"), ("", "s es"),
    ),
    "pl": (
        ("y", "a e ego ej ych"), ("i", "a ie iego iej ich"), ("ek", "ka ki kow ku"), ("iec", "ca ce cow"),
        ("k?a", "ek"), ("a", "y i e"), ("o", "a em"), ("e", "a y"), ("(?<=[^aeiouy])", "a u y i ow"),
    ),
    "tr": (("k", "gi gu"), ("p", "bi bu"), ("(?<=[aeiou])", "si su"), ("", "i u lar ler lari leri")),
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


def _inflected(word: str, language: str) -> tuple[str, ...]:
    ends = [(re.search(f"(?:{end})$", word), instead) for end, instead in _INFLECTED[language]]
    endings = [(match, end) for match, instead in ends if match for end in instead.split()]
    return (word, *(word[: match.start()] + match.expand(end) for match, end in endings))


@cache
def _of_word(word: str, language: str) -> tuple[str, ...]:
    small = {"fr": _SMALL, "it": _SMALL, "es": _SMALL, "pt": 2, "pl": 2}.get(language, 0)
    if language == "any" or len(word) <= small or word[-1].isdigit():
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
        case "es":
            return _spanish(word)
        case _:
            return _inflected(word, language)


def forms(term: str, language: str) -> set[str]:
    """All folded texts that mean the term.

    Args:
        term: In the singular, as the dictionary writes it.
        language: One of LANGUAGES; terms of `any` have no plural.
    """
    written = {fold_term(term)}
    if language == "de":
        umlauts = {"ä": "ae", "ö": "oe", "ü": "ue"}
        written.add(fold_term("".join(umlauts.get(letter, letter) for letter in term.casefold())))
    result: set[str] = set()
    for text in written:
        words = text.replace(",", " ").split()
        ends = (
            words if language in ("fr", "it", "es", "pt", "pl") else words[-1:] if len(words) > 1 else words
        )
        firsts = words[: len(words) - len(ends)]
        heads: list[tuple[str, ...]] = [(word,) for word in firsts]
        if firsts and language in ("en", "de"):
            heads[0] = _of_word(firsts[0], language)
        for combination in product(*heads, *(_of_word(word, language) for word in ends)):
            result.add(" ".join(combination))
            if language in ("en", "de") and len(combination) == 2:
                result.add("".join(combination))
    return result
