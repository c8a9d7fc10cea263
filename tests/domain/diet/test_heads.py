"""No entry of the dictionary says less than the word at its head, but for listed exceptions.

The head of `milk chocolate` and `Milchschokolade` stands last, that of `jambon fumé` first. In heads.tsv an
exception speaks of one entry (`entry`), all entries of a head (`all`), or those with a food before their
head (`of food`: almond milk), which keep what that food itself holds.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from components.domain.diet import DishFacts, permitted, read_restrictions
from components.domain.diet.dictionary import MIXTURES, SUBSTANCES, UNMARKED, lines
from components.domain.diet.forms import forms
from components.domain.diet.letters import fold_term
from tests.domain.diet.test_tables import FOODS

EXCEPTIONS = Path(__file__).parents[2] / "data" / "allergens" / "heads.tsv"
HEAD_FIRST = ("fr", "it", "es")
BEHIND = re.compile(r" (?:of|in|with|on|mit|aus|auf|nach|von|zum) .*")
LINK = re.compile(r"(?<=...)(?:en|es|er|n|s|e)$")
SHORT = 3  # letters of the first half of a German compound; its head has one more
IGNORED = {*MIXTURES, *UNMARKED, "lactose"}  # they follow from the others
Held = dict[str, frozenset[str]]


def listed(cell: str) -> frozenset[str]:
    meat = {"meat"} if {"pork", "poultry", "rabbit", "blood"}.intersection(cell.split(",")) else set()
    return frozenset(cell.split(",")).union(meat) - {""}


def entries() -> tuple[list[tuple[str, str]], dict[str, Held]]:
    """All entries that have a language, and by language what each form holds."""
    rows: list[tuple[str, str]] = []
    held: dict[str, Held] = defaultdict(dict)
    for table in (*FOODS, "names"):
        for term, language, contains, may, _ in lines(table):
            substances = listed(contains) | (listed(may) if table != "names" else set())
            for form in forms(term, language):
                held[language][form] = held[language].get(form, frozenset()) | substances
            if table != "names" and language != "any":
                rows.append((fold_term(term.replace(",", " ")), language))
    return rows, held


def heads(term: str, language: str) -> Iterator[str]:
    """What may be the head of a term, the longest first."""
    front = BEHIND.sub("", term) if language in ("en", "de") else term
    words = front.split()
    if front != term:
        yield front
    for count in range(len(words) - 1, 0, -1):
        yield " ".join(words[:count] if language in HEAD_FIRST else words[-count:])
    if language == "de":
        yield from (words[-1][start:] for start in range(SHORT, len(words[-1]) - SHORT))


def exceptions() -> dict[tuple[str, str, str], frozenset[str]]:
    result = {}
    with EXCEPTIONS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            lets_go = listed(row["lets_go"]) or frozenset(SUBSTANCES)
            for term in row["words"].split(";"):
                keys = [(row["which"], row["languages"], form) for form in forms(term, row["languages"])]
                result |= dict.fromkeys(keys, lets_go)
    return result


def foods_before(term: str, head: str, held: Held) -> list[frozenset[str]]:
    rest = term.removesuffix(head) if term.endswith(head) else term.removeprefix(head)
    words = [rest.strip()] if rest.strip() in held else rest.split()
    return [held[word] for word in (*words, LINK.sub("", rest), f"{rest}e") if word in held]


def let_go(
    term: str, head: str, language: str, held: Held, listed_: Mapping[tuple[str, str, str], frozenset[str]]
) -> Iterator[tuple[tuple[str, str, str], frozenset[str]]]:
    """The exceptions that speak of a term, each with what it lets go."""
    foods = foods_before(term, head, held)
    for which, word in (("entry", term), ("all", head), ("of food", head)):
        key = (which, language, word)
        if key in listed_ and (which != "of food" or foods):
            yield key, listed_[key].difference(*(foods if which == "of food" else ()))


def test_no_entry_says_less_than_its_head_but_by_a_listed_exception() -> None:
    rows, held = entries()
    listed_ = exceptions()
    missing, used = {}, set()
    for term, language in dict.fromkeys(rows):
        head = next((head for head in heads(term, language) if head in held[language]), "")
        lost = held[language].get(head, frozenset()) - held[language][term] - IGNORED
        for key, substances in let_go(term, head, language, held[language], listed_):
            used |= {key} if lost & substances else set()
            lost -= substances
        if lost:
            missing[language, term] = (head, sorted(lost))
    assert len(rows) > 5_000
    assert not missing
    with EXCEPTIONS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            for term in row["words"].split(";"):
                written = forms(term, row["languages"])
                assert any((row["which"], row["languages"], form) in used for form in written), term


def test_a_specific_food_may_hold_what_the_general_one_may() -> None:
    held = {
        "milk chocolate": "soy tree_nuts",
        "Milchschokolade": "soy tree_nuts",
        "chocolat au lait": "soy tree_nuts",
        "sliced ham": "celery milk mustard soy",
        "celery soup": "milk gluten fish",
        "oat biscuits": "milk eggs",
    }
    for food, groups in held.items():
        for group in groups.split():
            dish = DishFacts(food, "Dish of the day", ingredients=(food,))
            assert permitted([dish], read_restrictions("", [group], []))[0] == (), (food, group)
