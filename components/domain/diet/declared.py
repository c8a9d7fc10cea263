"""What a kitchen declares: its codes, and names in any script, as names that can be read.

Codes are the letters of Austrian and German menus. A letter counts wherever it stands alone: `A, C und G`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from components.domain.diet.dictionary import dictionary, fold_name
from components.domain.diet.letters import AND_MORE, fold

_TAGGED = re.compile(r"(?:^|(?<=[,;\s]))[a-z]{2}:(?=[a-z])")  # `en:celery`, as Open Food Facts writes it
_LISTED = re.compile(r"[,;\r\n]")
_PARTED = re.compile(r"[/|&+()\[\]{}:·•]")
_CODE = re.compile(r"[a-z]\d?")
_RANGE = re.compile(r"\b[a-z]\d?(?:\s*[-–—]\s*|\s+(?:to|bis|à|al?|hasta)\s+)[a-z]\d?\b", re.IGNORECASE)  # noqa: RUF001
_UNSAID = re.compile(r"\b[nk](?:\s*[/.]\s*|\s+)a\b", re.IGNORECASE)  # `n/a`, and `k. A.`: keine Angabe
_SPACED = 3  # letters with a space between them that may be a word, as `m i l k`
_BETWEEN_WORDS = ("e", "o", "y", "u")  # `and` and `or` of Italian and Spanish
_BEFORE_A_WORD = ("a", "i")  # an article, as in `a peanut allergy`
_AND = ("and", "und", "et", "ed", "or", "oder", "ou", "with", "mit", "avec", "con", "sowie", "plus")
# Words that may part what is declared, and those that may stand before all of it.
JOINS = frozenset({
    "and", "und", "et", "e", "ed", "y", "o", "plus", "sowie", "with", "mit", "avec", "con", "of", "von", "de",
    "d", "di", "du", "des", "del", "della", "dello", "the", "der", "die", "das", "l", "la", "le", "les", "il",
    "lo", "gli", "from", "aus", "in",
})  # fmt: skip
HEADINGS = frozenset({
    "contains", "contain", "containing", "enthalt", "contient", "contiene",
    "allergen", "allergens", "allergene", "allergenes", "allergeni", "alergenos",
})  # fmt: skip


def spelled_out(entry: str) -> str:
    """An entry of declared allergens, or of a person's allergies, in words that can be read.

    Args:
        entry: As somebody typed it: `G`, `A, C und G`, `milk` or a name in one of 50 languages.
    """
    entry = AND_MORE.sub(" and more ", _TAGGED.sub("", entry))
    if fold_name(entry) in dictionary().names:
        return _named(entry)
    parts = (part for listed in _LISTED.split(entry) for part in _parts(listed))
    return ", ".join(_spelled(part) for part in parts if part.strip())


def _parts(listed: str) -> Sequence[str]:
    is_whole = fold_name(listed) in dictionary().names or _UNSAID.search(listed)
    return [listed] if is_whole else _PARTED.split(listed)


def _named(name: str) -> str:
    return " and ".join(sorted(dictionary().names[fold_name(name)])).replace("_", " ")


def _spelled(part: str) -> str:
    if fold_name(part) in dictionary().names:
        return _named(part)
    words = part.split()
    is_one_word = len(words) >= _SPACED and fold(part) in dictionary().terms
    if (
        is_one_word or _RANGE.search(part) or _UNSAID.search(part)
    ):  # nobody knows which letters are between `A` and `G`
        return part
    return " ".join(_word(words, index) for index in range(len(words)))


def _word(words: Sequence[str], index: int) -> str:
    is_last = index + 1 == len(words)  # before others, a letter with a full stop is an abbreviation
    word = words[index].strip("*'’\"").rstrip("." if is_last else "")  # noqa: RUF001
    is_code = _CODE.fullmatch(word.casefold()) and word.casefold() in dictionary().names
    if not is_code or _is_small(words, index):
        return words[index]
    return f"and {_named(word)}" + (" and" if index + 1 < len(words) else "")


def _is_small(words: Sequence[str], index: int) -> bool:
    # Whether a letter is a small word between others, and no code.
    before, after = (words[index - 1] if index else ""), "".join(words[index + 1 : index + 2])
    if words[index] in _BETWEEN_WORDS:
        return len(before) > 1 and before[:2].isalpha() and len(after) > 1 and after[:2].isalpha()
    is_article = words[index].casefold() in _BEFORE_A_WORD
    return is_article and len(after) > 1 and after[0].islower() and after not in _AND
