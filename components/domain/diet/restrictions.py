"""What a person wrote of their diet, allergies and avoided ingredients, as what dishes are checked for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from components.domain.diet.declared import spelled_out
from components.domain.diet.dictionary import (
    ALLERGENS,
    FOOD,
    FREE_BEFORE,
    MEMBERS,
    MIXTURES,
    NONE,
    UNKNOWN_WORD,
    UNMARKED,
    UNREAD,
    Mention,
    dictionary,
)
from components.domain.diet.diets import DIETS, NO_DIET, OTHER_NAMES
from components.domain.diet.facts import Avoided, Restrictions
from components.domain.diet.kinds import words_of
from components.domain.diet.letters import UNREADABLE, fold
from components.domain.diet.trie import find
from components.domain.errors import PalateError

_BETWEEN = re.compile(r"[,;/&+()\r\n]|\b(?:and|und|et|e|ed|y|or|oder|ou|o)\b", re.IGNORECASE)
# Words around a food that somebody does without, none in the dictionary: `I don't like onions`.
_TALK = frozenset({
    "i", "we", "he", "she", "m", "s", "t", "don", "dont", "doesn", "cant", "like", "likes", "love", "hate",
    "hates", "dislike", "dislikes", "detest", "want", "stand", "eat", "eats", "avoid", "avoiding", "please",
    "thanks", "thank", "you", "my", "ich", "wir", "er", "sie", "mag", "mogen", "hasse", "esse", "isst",
    "bitte", "danke", "lieber", "je", "j", "n", "aime", "deteste", "mange", "ca", "il", "vous", "te", "plait",
    "merci", "non", "mi", "piace", "piacciono", "mangio", "odio", "per", "favore", "grazie", "me", "gusta",
    "gustan", "como", "por", "favor", "gracias",
})  # fmt: skip
EMPTY = " \t\r\n"  # what an empty cell may hold; a no-break space is something that somebody wrote


class UnknownDiet(PalateError):
    """A diet that Palate has no rule for, so it could check nothing."""


def _diet(text: str) -> str | None:
    # The name of a diet, empty where the text says that there is none; None where nobody knows it.
    words = " ".join(fold(text).replace(",", " ").split())
    if words in NO_DIET or not text.strip():
        return ""
    return {fold(name): name for name in DIETS}.get(words) or OTHER_NAMES.get(words)


def _diets(text: str) -> Iterator[str]:
    # All diets of a text: `vegetarian; gluten-free`.
    for part in text.split(";"):
        for name in [part] if _diet(part) is not None else part.split(","):
            diet = _diet(name)
            if diet is None:
                names = ", ".join(DIETS)
                raise UnknownDiet(
                    f"The diet {part.strip()!r} is not known: write one of {names}, several with ; between "
                    "them, or nothing."
                )
            if diet:
                yield diet


def _groups(mention: Mention) -> frozenset[str]:
    # Also of a claim: who writes `glutenfrei` under allergies means gluten; by `seafood`, all that it may be.
    named = mention.contains | mention.rules_out
    allergens = (named | ({"milk"} if "lactose" in named else frozenset())) & frozenset(ALLERGENS)
    return allergens or mention.may & frozenset(ALLERGENS)


def _avoided(text: str, *, is_allergy: bool) -> Avoided:
    folded = " ".join(re.sub("[,.]", " ", fold(text)).split())
    if UNREADABLE in folded or not re.search(r"[a-z][a-z]|e\d{3}", folded):
        return Avoided(text.strip(), is_allergy=is_allergy, is_known=False)
    mention = dictionary().terms.get(folded, Mention(UNKNOWN_WORD, folded))
    substances = (mention.contains if is_allergy else mention.rules_out) - UNMARKED
    words = dictionary().same.get(folded, frozenset[str]()) | {folded}
    if is_allergy:
        # Who knows all that is a fruit?
        is_mixed = not (mention.contains | mention.may).isdisjoint(MIXTURES)
        of_table = words_of(folded, is_mixed=is_mixed)
        words = of_table or (words if substances and not is_mixed else frozenset())
    elif not (of_table := words_of(folded, is_mixed=True)) and folded not in dictionary().same:
        substances |= _collected(mention)
    else:
        words |= of_table
    is_known = _is_entry(folded) or any(each.role == FOOD for each in find(folded))
    return Avoided(
        text.strip(), tuple(sorted(words)), tuple(sorted(substances)), is_allergy, is_known=is_known
    )


def _collected(mention: Mention) -> frozenset[str]:
    # What a word for many foods stands for: `seafood`, `offal`. Nobody knows all of their names.
    if mention.contains:
        return mention.contains & {"pork", "poultry"} or mention.contains & {"meat"}
    return mention.may if mention.may <= MEMBERS else frozenset()


def _word(mention: Mention) -> Avoided:
    # A food of the groups: a dish that bears its name has it, whatever a kitchen declares or a claim says.
    words = dictionary().same.get(mention.text, frozenset[str]()) | {mention.text}
    return Avoided(mention.text, tuple(sorted(words)), is_allergy=True, has_groups=True)


def _is_more_than_groups(mention: Mention) -> bool:
    # Whether the groups that a food names are not all that it is: chocolate is cocoa, too.
    is_sure = not mention.contains.isdisjoint(ALLERGENS)
    is_mixture = "mixed" in mention.may and not is_sure
    is_named = bool(words_of(mention.text, is_mixed=is_sure))
    return not _groups(mention) or "varies" in mention.may or is_mixture or is_named


def _allergy(written: str) -> tuple[frozenset[str], tuple[Avoided, ...]]:
    # The groups that a text names, and what of it is none of them, or one food of them.
    text = spelled_out(written)
    groups: frozenset[str] = frozenset()
    is_name = bool(words_of(fold(text), is_mixed=True))  # also one of several words
    others = [_avoided(text, is_allergy=True)] if is_name else []
    mentions = find(fold(text))
    for mention in mentions:
        groups |= _groups(mention)
        if mention.role in (UNKNOWN_WORD, UNREAD):
            # Nobody knows what a dish calls it, so no dish is safe.
            is_unread = mention.role == UNREAD
            others.append(Avoided(written.strip() if is_unread else mention.text, is_allergy=True))
        elif mention.role == FOOD and _is_more_than_groups(mention):
            others.append(_avoided(mention.text, is_allergy=True))
    says_none = bool(mentions) and all(mention.role in (NONE, FREE_BEFORE) for mention in mentions)
    if not groups and not others and not says_none:
        others.append(_avoided(written.strip() or "a blank", is_allergy=True))
    foods = [mention for mention in find(fold(written)) if mention.role == FOOD and not mention.rules_out]
    words = [_word(food) for food in foods if _groups(food)]
    # Of one text that is there twice the first counts, which looks for more.
    return groups, tuple({fold(avoided.text): avoided for avoided in reversed(others + words)}.values())


def _is_entry(folded: str) -> bool:
    tables = dictionary().terms, dictionary().same
    return any(folded in table for table in tables) or bool(words_of(folded, is_mixed=True))


def _parts(avoided: str) -> Iterator[str]:
    # What several avoided ingredients in one text are: `garlic, onion`, `no pork`, `coriander please`.
    for part in [avoided] if _is_entry(fold(avoided)) else _BETWEEN.split(avoided):
        mentions = [] if _is_entry(fold(part)) else find(fold(part))
        unknown = [each for each in mentions if each.role == UNKNOWN_WORD and each.text not in _TALK]
        # Of `sauce gribiche` nobody means all sauces.
        foods = [each for each in mentions if each.role == FOOD and not (unknown and "varies" in each.may)]
        yield from [mention.text for mention in foods + unknown] or [part]


def is_blank(text: str) -> bool:
    """Says whether a text names nothing, as `-`, `[]` or a no-break space does."""
    return not any(letter.isalnum() or unicodedata.category(letter) == "So" for letter in text)


def has_letter(text: str) -> bool:
    """Says whether an allergy has a letter alone, such as `G`: gluten to a person, milk to a menu."""
    return UNREADABLE in spelled_out(text)


def one_by_one(restrictions: Restrictions) -> Iterator[Restrictions]:
    """Yields each of the restrictions alone."""
    yield from (Restrictions(diets=(diet,)) for diet in restrictions.diets)
    yield from (Restrictions(allergies=(group,)) for group in restrictions.allergies)
    yield from (Restrictions(avoids=(avoided,)) for avoided in restrictions.avoids)


def read_restrictions(diet: str, allergies: Collection[str], avoids: Iterable[str]) -> Restrictions:
    """Reads what a person wrote. An allergy that is not understood keeps every dish out.

    Args:
        diet: As the person wrote it, in one of several languages; several diets have `;` between them.
        allergies: Groups or members, such as `milk` or `walnut`.
        avoids: Ingredients in any words.

    Raises:
        UnknownDiet: There is no rule for the diet.
    """
    read = [_allergy(text) for text in allergies if text.strip(EMPTY)]
    groups = frozenset[str]().union(*(named for named, _ in read))
    others = [*chain.from_iterable(avoided for _, avoided in read)]
    diets = [*_diets(diet), *(name for name in map(_diet, allergies) if name)]
    if "animal-rennet-free" in diets:  # few lists name the rennet of a cheese
        cheese = tuple(sorted(words_of("cheese", is_mixed=True)))
        others.append(Avoided("cheese", cheese, is_allergy=True))
    parts = chain.from_iterable(map(_parts, avoids))
    disliked = [_avoided(text, is_allergy=False) for text in parts if text.strip(" -")]
    ordered = dict.fromkeys(sorted(others + disliked, key=lambda avoided: (avoided.text, avoided.is_allergy)))
    return Restrictions(tuple(sorted({*diets})), tuple(sorted(groups)), tuple(ordered))
