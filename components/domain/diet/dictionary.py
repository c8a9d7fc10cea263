"""The dictionary: what each word says of a dish. Data alone; both ways of finding words rest on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from components.domain.diet.forms import forms
from components.domain.diet.letters import UNREADABLE, fold

ALLERGENS = (
    "gluten", "crustaceans", "eggs", "fish", "peanuts", "soy", "milk", "tree_nuts", "celery", "mustard",
    "sesame", "sulphites", "lupin", "molluscs",
)  # fmt: skip
CATEGORIES = (
    "meat", "pork", "poultry", "meat_not_halal", "meat_not_kosher", "rabbit", "unscaled", "gelatine",
    "alcohol", "honey", "insects", "blood", "rennet", "animal", "lactose", "varies", "mixed",
)  # fmt: skip
SUBSTANCES = ALLERGENS + CATEGORIES
MIXTURES = ("varies", "mixed")  # collective words and sauces; dishes, of which each kitchen makes its own
UNMARKED = frozenset({"meat_not_halal", "meat_not_kosher"})  # all meat, unless a text says otherwise
# What a food holds by being it: a claim behind it, or one that denies the group itself, contradicts the food.
MEMBERS = frozenset({
    "fish", "crustaceans", "molluscs", "peanuts", "tree_nuts", "sesame", "soy", "meat", "pork", "poultry",
    "rabbit", "blood", "gelatine", "insects", "unscaled", "honey",
})  # fmt: skip
_IMPLIED = {
    "milk": ("lactose",),
    "pork": ("meat", *UNMARKED),
    "poultry": ("meat", *UNMARKED),
    "rabbit": ("meat", *UNMARKED),
    "meat": tuple(UNMARKED),
    "blood": ("meat", *UNMARKED),
}
# What a word does in a text, one letter each, so that a text of words is a short text of roles.
FOOD, FILLER, BREAK, OR, FREE_AFTER, FREE_BEFORE = "F", "p", "x", "o", "a", "b"
CLAIM, ADJECTIVE, TRACES, DOUBT, NONE, UNKNOWN_WORD, UNREAD = "c", "j", "m", "d", "n", "u", "?"
COMMA, STOP, NOT = ",", ".", "k"
_ROLES = {
    "filler": FILLER, "break": BREAK, "or": OR, "free_after": FREE_AFTER, "free_before": FREE_BEFORE,
    "claim": CLAIM, "adjective": ADJECTIVE, "traces": TRACES, "doubt": DOUBT, "not": NOT, "none": NONE,
    "unlisted": UNKNOWN_WORD,
}  # fmt: skip
# Words that join another food: a text that ends with one goes on. `In bold` and `100 percent` join none.
JOINED_BY = frozenset(
    {"and", "und", "et", "e", "ed", "y", "plus", "sowie", "with", "mit", "avec", "con", "en", "ve"}
)
MANY = 4  # groups that a word may hold, from which on it is a mixture
PART = 4  # letters that a part of a compound has at least
# What a food is cut into or dried to, so that a compound ends with it and stays that food: `Selleriewürfel`.
# With another word at its end (`Bananenbecher`) it is a dish, and nobody knows of what.
_CUTS = (
    "Würfel", "Stück", "Scheibe", "Streifen", "Filet", "Blatt", "Blätter", "Stängel", "Zehe", "Knolle",
    "Zweig", "Schale", "Kern", "Samen", "Korn", "Körner", "Flocke", "Pulver", "Extrakt", "Paste", "powder",
    "flake", "piece", "slice", "fillet", "leaves", "pulp", "meal",
)  # fmt: skip
CUTS = frozenset[str]().union(*(forms(word, "de") for word in _CUTS))
LINKS = ("", "s", "n", "en", "es", "e", "er")
TRANSLATED = ("nl", "pt", "pl", "tr")
_FOODS = ("cereals", "milk_eggs", "sea", "meat", "nuts_seeds", "plants", "composed", "treated", "additives")


@dataclass(frozen=True)
class Mention:
    """A word or several of a text, with what the dictionary says of them.

    Attributes:
        role: One of the letters above.
        text: The words, folded.
        contains: Substances that it contains.
        may: Substances that it may contain.
        rules_out: Substances that a claim with this word rules out for the food that it speaks of.
        settles: What it rules out besides as a tag of a dish: `halal` rules out pork, and makes none halal.
        inherent: What it is made of, so that no claim takes it back: the gluten of seitan.
        is_open: Whether it may bring anything where no food follows: `may contain traces`.
    """

    role: str
    text: str
    contains: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    rules_out: frozenset[str] = frozenset()
    settles: frozenset[str] = frozenset()
    inherent: frozenset[str] = frozenset()
    is_open: bool = False


@dataclass(frozen=True)
class Dictionary:
    """All terms in all of their forms.

    Attributes:
        terms: What each form says.
        parts: The forms that may be parts of a compound.
        whole: Words in which no other word is looked for.
        names: Groups by their codes, and by their names in 50 languages.
        stands_in: What may stand in for what a claim rules out, as soy for milk.
        same: Words that mean the same ingredient, in each of their forms.
    """

    terms: dict[str, Mention]
    parts: frozenset[str]
    whole: frozenset[str]
    names: dict[str, frozenset[str]]
    stands_in: dict[str, frozenset[str]]
    same: dict[str, frozenset[str]]


def lines(name: str) -> Iterator[list[str]]:
    """The lines of a table of the package, without its heading.

    Args:
        name: Of the file, without `.tsv`.
    """
    text = resources.files("components.domain.diet").joinpath("words", f"{name}.tsv").read_text("utf-8")
    for line in text.splitlines()[1:]:
        yield line.split("\t")


def _listed(cell: str) -> frozenset[str]:
    return frozenset(part for part in cell.split(",") if part)


def _substances(cell: str) -> frozenset[str]:
    listed = _listed(cell)
    return listed.union(*(_IMPLIED.get(part, ()) for part in listed))


def _claim(role: str, cell: str) -> Mention:
    # No pork does not mean no meat, so nothing is implied; what only a tag settles stands in brackets.
    if cell == "*":
        return Mention(role, "", is_open=True)
    listed = _listed(cell)
    settles = {part for part in listed if part.startswith("(")}
    return Mention(role, "", rules_out=listed - settles, settles=frozenset(part[1:-1] for part in settles))


def _mentions() -> Iterator[tuple[str, str, Mention]]:
    for name in _FOODS:
        for term, language, contains, may, _ in lines(name):
            # What may hold many groups has a recipe, of which each kitchen has its own.
            is_mixed = name == "composed" or len(_listed(may) & {*ALLERGENS}) >= MANY
            mixed = {"mixed"} if is_mixed else frozenset[str]()
            yield term, language, Mention(FOOD, "", _substances(contains), _substances(may) | mixed)
    for term, language, groups, rules_out, _ in lines("names"):
        yield term, language, Mention(FOOD, "", _substances(groups), frozenset(), _listed(rules_out))
    for term, language, role, rules_out, _ in lines("grammar"):
        yield term, language, _claim(_ROLES[role], rules_out)


def _joined(one: Mention | None, other: Mention, form: str) -> Mention:
    if one is None:
        return replace(other, text=form, may=other.may - other.contains)
    plain = next((mention for mention in (one, other) if mention.role in (FILLER, BREAK, OR)), None)
    if plain is not None and {one.role, other.role} & {CLAIM, ADJECTIVE}:
        return replace(plain, text=form)  # one language claims what another does not: `vegetal`
    contains = one.contains | other.contains
    return Mention(
        FOOD if FOOD in (one.role, other.role) else one.role,
        form,
        contains,
        (one.may | other.may) - contains,
        one.rules_out | other.rules_out,
        one.settles | other.settles,
        one.inherent | other.inherent,
    )


def _translate(terms: dict[str, Mention]) -> Iterator[str]:
    # Adds the words that mean what an English term means, and yields those that may be parts of a compound.
    meanings = {english: terms[fold(english)] for english, *_ in lines("translated")}
    for english, *cells, _ in lines("translated"):
        written = zip(TRANSLATED, cells, strict=True)
        for word, language in ((word, language) for language, cell in written for word in cell.split(";")):
            for form in forms(word, language) if word else ():
                terms[form] = _joined(terms.get(form), meanings[english], form)
                if language == "nl" and meanings[english].role in (FOOD, FILLER):
                    yield form


def _same() -> dict[str, frozenset[str]]:
    result: dict[str, frozenset[str]] = {}
    for line in lines("same"):
        written = [
            forms(word, language)
            for language, word in zip(("en", "de", "fr", "it", "es"), line[:5], strict=True)
            if word
        ]
        together = frozenset().union(*written)
        for form in together:
            result[form] = result.get(form, frozenset()) | together
    return result


def _names(terms: dict[str, Mention]) -> dict[str, frozenset[str]]:
    result: dict[str, frozenset[str]] = {}
    for group, _, label, _ in lines("labels"):  # a word may name one group in one language, two in another
        name = fold_name(label)
        of_term = terms[name].contains & frozenset(ALLERGENS) if name in terms else frozenset()
        result[name] = result.get(name, frozenset()) | {group} | of_term
    for code, groups, _ in lines("codes"):
        name = fold_name(code)
        result[name] = result.get(name, frozenset()) | _listed(groups)
    return result


@cache
def dictionary() -> Dictionary:
    """Everything, read once from the tables of the package."""
    terms: dict[str, Mention] = {}
    compounding: set[str] = set()
    for term, language, mention in _mentions():
        for form in forms(term, language):
            terms[form] = _joined(terms.get(form), mention, form)
            if language in ("en", "de") and mention.role in (FOOD, FILLER):
                compounding.add(form)
    for term, language, substances, _ in lines("inherent"):
        for form in forms(term, language):
            terms[form] = replace(terms[form], inherent=_listed(substances))
    compounding.update(_translate(terms))
    whole = frozenset().union(*(forms(word, language) for word, language, _ in lines("whole_words")))
    parts = {form for form in compounding if " " not in form and len(form) >= PART} - whole
    names = _names(terms)
    stands_in = {substance: _substances(may) for substance, may, _ in lines("stands_in")}
    return Dictionary(terms, frozenset(parts), whole, names, stands_in, _same())


def fold_name(text: str) -> str:
    """A name in any script, for comparing whole names alone."""
    folded = fold(text)
    return " ".join(text.casefold().split()) if UNREADABLE in folded else folded
