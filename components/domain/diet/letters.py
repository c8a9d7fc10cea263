"""Written text as plain letters: `a` to `z`, digits, spaces, commas and full stops, and a mark for the rest.

Case, accents, full width, invisible characters and letters of mathematics are undone. Letters of other
scripts are not guessed at: each becomes UNREADABLE, and a word with one in it proves nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

UNREADABLE = "\ufffd"
_LETTERS = {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "\u0131": "i", "þ": "th", "ħ": "h"}
_FIRST_PICTURE, _FLAG_A, _FLAG_Z = 0x2600, 0x1F1E6, 0x1F1FF
_SPACES = "'’‘`´ʼ_⁄\"“”„«»*#~^°"  # noqa: RUF001
_TURNED = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"  # text after them is not shown as it is written
_LONGEST = 60  # letters of a word; no food has more, and a search in longer ones would take for ever
# Says where a label prints its allergens, and names none of them.
_WHERE = re.compile(
    r"for allergens?,?(?: including cereals containing gluten,?)? see (?:the )?ingredients "
    r"(?:(?:highlighted|listed|printed|marked) )?in (?:bold|capitals|capital letters)"
)
# Turkish flour, meat and water. Articles and `and` of other languages never end a phrase.
MEAT_OR_AND = "kirmizi et"
_LAST = {"un": "bugday unu", "et": MEAT_OR_AND, "su": "icme suyu"}
_STOPS = ".!?\n\r"
AND_MORE = re.compile(r"\.{2,}|…|&\s*c\b|[&+]\s*$")  # a list that goes on


def _picture(character: str) -> str:
    # The Unicode name of a picture says what it shows: "GLASS OF MILK".
    code = ord(character)
    if _FLAG_A <= code <= _FLAG_Z:
        return chr(code - _FLAG_A + ord("a"))
    name = unicodedata.name(character, "")
    if code < _FIRST_PICTURE:
        return " "
    if not name or {"LATIN", "LETTER", "BRAILLE", "CHARACTER", "RADICAL"} & set(name.split()):
        return UNREADABLE
    return f" {name.lower()} "


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if character in _STOPS:
        return "."
    if "a" <= character <= "z" or "0" <= character <= "9" or character in "-,":
        return character
    if character in _LETTERS:
        return _LETTERS[character]
    if character in _SPACES or category == "Zs" or character == "\t":
        return " "
    if character in _TURNED:
        return UNREADABLE
    if category in ("Mn", "Me", "Cf", "Cc"):
        return ""
    if (
        character == UNREADABLE
        or category[0] == "L"
        or category in ("Co", "Cn", "Cs", "Mc", "No", "Nl", "Nd")
    ):
        return UNREADABLE
    return _picture(character) if category == "So" else ","


def fold_term(text: str) -> str:
    """The text as described above; words are parted by one space, parts of a list by a comma.

    Args:
        text: Anything that somebody typed.
    """
    folded = AND_MORE.sub(" and more ", unicodedata.normalize("NFKC", text).casefold())
    folded = re.sub(r"(?<=[a-z])['’ʼ]s\b", "", unicodedata.normalize("NFKD", folded))  # noqa: RUF001
    folded = folded.replace("?", " maybe.").replace(
        "%", " percent "
    )  # `vegan?` claims nothing, nor `50% vegan`
    folded = _WHERE.sub(" ", folded)
    folded = re.sub(r"(?<=\d)[.,](?=\d)", "", folded)
    folded = re.sub(r"\s[-–—]+\s|[–—]", ",", folded)  # noqa: RUF001
    folded = re.sub(r"\s[/|]\s", " or ", folded)  # one or the other: `beef / vegan`
    folded = re.sub(r"\s[&+]\s", " and ", folded)
    folded = re.sub(r"\b((?:[a-z]\.){2,})", lambda match: match[1].replace(".", "") + " ", folded)
    folded = "".join(map(_plain, folded))
    folded = re.sub(r"\be[ -]?(\d{3,4}[a-z]?)\b", r"e\1", folded).replace("-", " ")
    folded = re.sub(
        r"(?<![^ ,.])(?:[a-z] ){2,}[a-z](?![^ ,.])", lambda match: match[0].replace(" ", ""), folded
    )
    folded = re.sub(r"\b(?!e\d+[a-z]?\b)[a-z]+\d+[a-z]\w*", UNREADABLE, folded)
    folded = re.sub(rf"[a-z0-9]{{{_LONGEST + 1},}}", UNREADABLE, folded)
    folded = re.sub(r" *[,.][ ,.]*", lambda match: "." if "." in match[0] else ",", folded)
    return re.sub(r" +", " ", folded).strip(" ,.")


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """The text as `fold_term` gives it, where the last word of a phrase is read as such.

    Args:
        text: Anything that somebody typed.
    """
    return re.sub(r"\b(?:un|et|su)(?=[,.]|$)", lambda match: _LAST[match[0]], fold_term(text))
