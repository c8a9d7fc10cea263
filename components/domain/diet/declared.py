"""What a kitchen declares: its codes, and names in any script, as names that can be read.

Codes are the letters of Austrian and German menus. A letter counts wherever it stands alone: `A, C und G`,
and only where the site names that scheme; else it cannot be read, since an English key means dairy by `D`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from components.domain.diet.dictionary import dictionary, fold_name
from components.domain.diet.letters import AND_MORE, UNREADABLE, fold

_TAGGED = re.compile(r"(?:^|(?<=[,;\s]))[a-z]{2}:(?=[a-z])")  # `en:celery`, as Open Food Facts writes it
_LISTED = re.compile(r"[,;\r\n]")
_PARTED = re.compile(r"[/|&+()\[\]{}:·•]")
_CODE = re.compile(r"[a-z]\d?")
_RANGE = re.compile(r"\b[a-z]\d?(?:\s*[-–—]\s*|\s+(?:to|bis|à|al?|hasta)\s+)[a-z]\d?\b", re.IGNORECASE)  # noqa: RUF001
_UNSAID = re.compile(r"\b[nk](?:\s*[/.]\s*|\s+)a\b", re.IGNORECASE)  # `n/a`, and `k. A.`: keine Angabe
AUSTRIA = "austria"  # the scheme; without a scheme letters cannot be read
# In a menu's text: letters as all of a tag, in brackets, behind a heading, or several with commas.
_ITEM, _AND_ITEM = r"(?:\d{1,2}\s*,\s*)*[a-z]\d?", r"\s*[,;/|&+·•.-]\s*|\s+(?:(?:und|and|et|e|y)\s+)?"
_ITEMS = rf"{_ITEM}(?:(?:{_AND_ITEM}){_ITEM})*"
_MARKED = re.compile(
    rf"^\s*{_ITEMS}\W*$|[(\[{{]\s*{_ITEMS}\s*[)\]}}]"
    rf"|\b(?:enth(?:[aä]|ae)lt|contains|contient|contiene|all?erg[eèé]n\w*)(?:\s*:\s*|\s+){_ITEMS}(?![\w'’])"  # noqa: RUF001
    r"(?!\s+(?!(?:und|and|et|e|y)\b)\w)"
    r"|(?<![\w'’])[a-z]\d?(?:\s*,\s*[a-z]\d?)+(?!\w)",  # noqa: RUF001
    re.IGNORECASE,
)
_LETTER = re.compile(r"(?<![^\W_])[a-z]\d?(?![^\W_])", re.IGNORECASE)
_LONE = re.compile(r"(?<![\w'’])(?<![^\W\d]{2}-)(?<!itamin )[A-Z]\d?(?![\w'’]|[- ]?\d{3}|-[^\W\d]{2})")  # noqa: RUF001
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


@lru_cache(maxsize=16_384)
def spelled_out(entry: str, scheme: str = "") -> str:
    """An entry of declared allergens, or of a person's allergies, in words that can be read.

    Args:
        entry: As somebody typed it: `G`, `A, C und G`, `milk` or a name in one of 50 languages.
        scheme: `austria`, or empty where letters cannot be read.
    """
    entry = AND_MORE.sub(" and more ", _TAGGED.sub("", entry))
    parts = [entry] if _is_name(entry) else [part for each in _LISTED.split(entry) for part in _parts(each)]
    return ", ".join(_spelled(part, scheme) for part in parts if part.strip())


@lru_cache(maxsize=16_384)
def letters_in(text: str, scheme: str) -> str:
    """What the letters in a text of the menu stand for, which speaks against a dish; empty where it has none.

    Args:
        text: A name, a description, an ingredient or a tag.
        scheme: `austria`, or empty where letters cannot be read; then a lone letter between words is none.
    """
    marked = [letter for match in _MARKED.finditer(text) for letter in _LETTER.findall(match[0])]
    lone = (match for match in _LONE.finditer(text) if scheme)
    marked += [match[0] for match in lone if not _is_small([match[0], *_next(text[match.end() :])], 0)]
    letters = sorted({letter.casefold() for letter in marked} & dictionary().names.keys())
    is_read = scheme == AUSTRIA and not _RANGE.search(text)
    return (", ".join(map(_named, letters)) if is_read else UNREADABLE) if letters else ""


def _next(text: str) -> list[str]:
    return text.split()[:1] if text.startswith(" ") else []


def _is_name(text: str) -> bool:
    return fold_name(text) in dictionary().names and not _CODE.fullmatch(fold_name(text))


def _parts(listed: str) -> Sequence[str]:
    is_whole = _is_name(listed) or _UNSAID.search(listed)
    return [listed] if is_whole else _PARTED.split(listed)


def _named(name: str) -> str:
    return " and ".join(sorted(dictionary().names[fold_name(name)])).replace("_", " ")


def _spelled(part: str, scheme: str) -> str:
    if _is_name(part):
        return _named(part)
    words = part.split()
    is_one_word = len(words) >= _SPACED and fold(part) in dictionary().terms
    if (
        is_one_word or _RANGE.search(part) or _UNSAID.search(part)
    ):  # nobody knows which letters are between `A` and `G`
        return part
    return " ".join(_word(words, index, scheme) for index in range(len(words)))


def _word(words: Sequence[str], index: int, scheme: str) -> str:
    is_last = index + 1 == len(words)  # before others, a letter with a full stop is an abbreviation
    word = words[index].strip("*'’\"").rstrip("." if is_last else "")  # noqa: RUF001
    if not _CODE.fullmatch(word.casefold()) or _is_small(words, index):
        return words[index]
    if scheme != AUSTRIA or word.casefold() not in dictionary().names:
        return UNREADABLE
    return f"and {_named(word)}" + (" and" if index + 1 < len(words) else "")


def _is_small(words: Sequence[str], index: int) -> bool:
    # Whether a letter is a small word between others, and no code.
    before, after = (words[index - 1] if index else ""), "".join(words[index + 1 : index + 2])
    if words[index] in "eE" and after[:3].isdigit():  # `E 220`
        return True
    if words[index] in _BETWEEN_WORDS:
        return len(before) > 1 and before[:2].isalpha() and len(after) > 1 and after[:2].isalpha()
    is_article = words[index].casefold() in _BEFORE_A_WORD
    return is_article and len(after) > 1 and after[0].islower() and after not in _AND
