"""Words pieces by a trie of tokens, the longest first: the first of the two ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache

from components.domain.diet.dictionary import (
    COMMA,
    CUTS,
    FILLER,
    FOOD,
    LINKS,
    PART,
    STOP,
    UNKNOWN_WORD,
    UNREAD,
    Mention,
    dictionary,
)
from components.domain.diet.letters import UNREADABLE

_AMOUNT = re.compile(r"\d+(?:g|gr|kg|mg|ml|cl|dl|l|oz|lb|lbs|x|cm|mm|pc|pcs|st|el|tl|er)?")


@dataclass
class Node:
    """A token in the trie; `mention` where a term ends."""

    children: dict[str, Node] = field(default_factory=dict)
    mention: Mention | None = None


@cache
def _root() -> Node:
    root = Node()
    for form, mention in dictionary().terms.items():
        node = root
        for token in form.split(" "):
            node = node.children.setdefault(token, Node())
        node.mention = mention
    return root


@cache
def _parts() -> dict[str, Mention]:
    return {part: dictionary().terms[part] for part in dictionary().parts}


def _prefixes(token: str) -> Iterator[str]:
    yield from (token[:end] for end in range(len(token), PART - 1, -1) if token[:end] in _parts())


def _splits(token: str) -> Iterator[tuple[str, str]]:
    # A first part, and what follows it without the letters that link the two.
    for part in _prefixes(token):
        for link in LINKS:
            if token.startswith(link, len(part)):
                yield part, token[len(part) + len(link) :]


def split_compound(token: str) -> tuple[str, ...]:
    """Two or three known words that make up the token, the longest first; empty where there are none."""
    for first, rest in _splits(token):
        for middle, last in _splits(rest):
            if last in _parts():
                return first, middle, last
        if rest in _parts():
            return first, rest
    return ()


@lru_cache(maxsize=16_384)
def read_token(token: str) -> Mention:
    """What a token says that is no term: an amount, a compound of known words, or nothing."""
    if UNREADABLE in token:
        return Mention(UNREAD, token)
    if _AMOUNT.fullmatch(token):
        return Mention(FILLER, token)
    if token in dictionary().whole:
        return Mention(UNKNOWN_WORD, token)
    parts, role = split_compound(token), FOOD
    if not parts:
        suffixes = (token[start:] for start in range(len(token) - PART + 1) if token[start:] in _parts())
        parts, role = (*list(_prefixes(token))[:1], *list(suffixes)[:1]), UNKNOWN_WORD
    pieces = [_parts()[part] for part in parts]
    is_cut = not parts or pieces[-1].role == FOOD or parts[-1] in CUTS
    if not (is_cut and any(piece.role == FOOD for piece in pieces)):
        role = UNKNOWN_WORD  # smoked and roasted, say, but nobody knows what
    contains = frozenset[str]().union(*(mention.contains for mention in pieces))
    may = frozenset[str]().union(*(mention.may for mention in pieces)) - contains
    inherent = frozenset[str]().union(*(mention.inherent for mention in pieces))
    return Mention(role, token, contains, may, inherent=inherent)


def find(text: str) -> list[Mention]:
    """All words of a folded text, with what they say, in order.

    Args:
        text: As `fold` gives it.
    """
    mentions: list[Mention] = []
    tokens = re.sub(r"[,.]", r" \g<0> ", text).split()
    start = 0
    while start < len(tokens):
        if tokens[start] in (COMMA, STOP):
            mentions.append(Mention(tokens[start], tokens[start]))
            start += 1
            continue
        node, longest, end = _root(), None, start
        for index in range(start, len(tokens)):
            if tokens[index] not in node.children:
                break
            node = node.children[tokens[index]]
            if node.mention is not None:
                longest, end = node.mention, index
        mentions.append(longest or read_token(tokens[start]))
        start = end + 1
    return mentions
