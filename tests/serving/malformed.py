"""Malformed requests of every operation, as rows: name, method, path, body, headers, statuses that fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

JSON = {"Content-Type": "application/json"}
RANK: dict[str, Any] = {"person_id": "ada", "dishes": [{"dish_id": "1", "name": "Pea stew"}]}
RECOMMEND: dict[str, Any] = {"person_id": "ada", "k": 2}
FEEDBACK: dict[str, Any] = {"person_id": "ada", "dish_id": "peas", "kind": "like"}
INSIDE = (
    "Traceback",
    "should be a valid",
    "should have at",
    'File "',
    "pydantic",
    "site-packages",
    "sqlalchemy",
    "psycopg",
    "0x",
    "self.",
    "\n",
)
PLAN: dict[str, Any] = {"people": [{"person_id": "ada"}], "days": 2, "slots": [{"name": "dinner"}]}
QUESTIONS: dict[str, Any] = {"person_id": "ada", "k": 2}
VALID = {
    "/rank": RANK,
    "/recommend": RECOMMEND,
    "/feedback": FEEDBACK,
    "/plan": PLAN,
    "/questions": QUESTIONS,
}


class Malformed(NamedTuple):
    """One request that cannot be answered, and words of the sentence that refuses it."""

    name: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str] = JSON
    status: int = 400
    words: str = ""


def _each(field: str, *values: Any) -> list[dict[str, Any]]:
    """Changes of a body, in which a field has each of these values."""
    return [{field: value} for value in values]


def _menus(field: str, *values: Any) -> list[dict[str, Any]]:
    """Changes of a body to menus of one dish, of which a field has each of these values."""
    return [{"dishes": [{"dish_id": "1", "name": "Pea stew", field: value}]} for value in values]


def _past(field: str, *values: Any) -> list[dict[str, Any]]:
    return [{"history": [{"dish": RANK["dishes"][0], field: value}]} for value in values]


def _eater(field: str, *values: Any) -> list[dict[str, Any]]:
    """Changes of a body to a household of one, of whom a field has each of these values."""
    return [{"people": [{"person_id": "ada", field: value}]} for value in values]


def _slot(field: str, *values: Any) -> list[dict[str, Any]]:
    """Changes of a body to one slot, of which a field has each of these values."""
    return [{"slots": [{"name": "dinner", field: value}]} for value in values]


def _lock(**place: Any) -> dict[str, Any]:
    return {"locks": [{"day": 1, "slot": "dinner", "dish_id": "peas", **place}]}


def _twice(one: str, other: str) -> dict[str, Any]:
    return {"dishes": [{"dish_id": one, "name": "x"}, {"dish_id": other, "name": "y"}]}


_MANY = {"dishes": [{"dish_id": str(number), "name": "x"} for number in range(10_000)]}
_SIX = {"history": [{"dish": RANK["dishes"][0]}] * 6}
_KEYS = {f"key{number}": number for number in range(1000)}
_HOUSEHOLD = {"people": [{"person_id": str(number)} for number in range(1000)]}
_SKIP = {"day": 1, "slot": "dinner"}
_HALF = "The body has half a character at line 1 column "
_CONTROL = "it has a line break or another control character"
_BLANK = "it is blank, and needs at least 1 letter"
_UNKNOWN = "it is no field here: leave it out"
# By operation: what is changed in its valid body, and words of the sentence that refuses each change.
WRONG: list[tuple[str, list[dict[str, Any]], str]] = [
    ("/rank", _each("person_id", None, 7, ["ada"], {"id": "ada"}), "is no text: send one in quotes"),
    ("/rank", _each("person_id", "", " \u3000"), f"person_id: {_BLANK}"),
    ("/rank", _each("person_id", " \t\n ", "a\nb"), f"person_id: {_CONTROL}"),
    ("/rank", _each("person_id", "a\0b"), "person_id: it holds a character that cannot be stored"),
    ("/rank", _each("person_id", "\ud800"), _HALF),
    ("/rank", _each("person_id", "x" * 5000), "person_id: it has 5000 letters: send at most 200"),
    ("/rank", _each("person_id", "\u0958" * 200), "it has 400 letters in Unicode's form NFC: send at most"),
    ("/rank", _each("dishes", None, {"1": "x"}, "1"), "is no list: send one in brackets"),
    ("/rank", _each("dishes", []), "dishes: it has 0 entries: send at least 1"),
    ("/rank", _each("dishes", ["1"], [None]), "is no object: send one in braces"),
    ("/rank", _each("dishes", [{"dish_id": "1"}], [{"dish_id": "x"}] * 10_000), "dishes.0.name: it is"),
    ("/rank", [_MANY], "dishes has 10000 entries: send at most 3"),
    ("/rank", _menus("dish_id", "", " "), f"dishes.0.dish_id: {_BLANK}"),
    ("/rank", _menus("dish_id", 1), "dishes.0.dish_id: 1 is no text: send one"),
    ("/rank", [_twice("1", "1"), _twice("1", "1 ")], "dish_id '1' is offered twice: send each dish once"),
    ("/rank", [_twice("Zo\u00eb", "Zoe\u0308")], "is offered twice: send each dish once"),
    ("/rank", [_twice("\udc00", "\udc00")], _HALF),
    ("/rank", [_twice("a\nb", "a\nb")], f"dishes.0.dish_id: {_CONTROL}"),
    ("/rank", _menus("name", ""), "dishes.0.name: it has 0 letters: send at least 1"),
    ("/rank", _menus("name", "x" * 201), "dishes.0.name: it has 201 letters: send at most 200"),
    ("/rank", _menus("description", "x" * 501), "dishes.0.description: it has 501 letters: send"),
    ("/rank", _menus("tags", "vegan", [None], ["x"] * 51), "dishes.0.tags"),
    ("/rank", _menus("allergens", "milk"), "dishes.0.allergens: 'milk' is no list"),
    ("/rank", _menus("price", 7), f"dishes.0.price: {_UNKNOWN}"),
    ("/rank", _each("allergy", ["milk"]), f"allergy: {_UNKNOWN}"),
    ("/rank", _each("\ud800", 1), _HALF),
    ("/rank", [{"a\n\n\x1b[31mb": 1}, {"k" * 5000: 1}, _KEYS], _UNKNOWN),
    ("/rank", _past("verdict", "loved"), "history.0.verdict: 'loved' is not known here: send 'liked', "),
    ("/rank", _past("rating", False, "4"), "is no number: send one such as 2.5"),
    ("/rank", _past("rating", -1e278), "history.0.rating: -1e+278 is too small: send at least"),
    ("/rank", _each("history", None, ["Pea stew"], [{"verdict": "liked"}]), "history"),
    ("/rank", [_SIX], "history has 6 entries: send at most 5"),
    ("/rank", _each("diet", "breatharian", ["vegan", "breatharian"]), "The diet 'breatharian' is not known"),
    ("/rank", _each("diet", 7, ["vegan", 1]), "is no text: send one in quotes"),
    ("/rank", _each("diet", "v" * 201), "diet: it has 201 letters: send at most 200"),
    ("/rank", _each("diet", "\udc00"), _HALF),
    ("/rank", _each("allergies", "milk", None), "is no list: send one in brackets"),
    ("/rank", _each("allergies", [1]), "allergies.0: 1 is no text: send one in quotes"),
    ("/rank", _each("allergies", ["x"] * 21), "allergies: it has 21 entries: send at most 20"),
    ("/rank", _each("allergies", ["x" * 41]), "allergies.0: it has 41 letters: send at most 40"),
    ("/rank", _each("allergies", ["milk", "G"]), "allergies.1: 'G' has a single letter"),
    ("/rank", _each("allergies", ["nuts", " "]), "allergies.1: ' ' is blank: name the allergy, or"),
    ("/rank", _each("allergies", ["none", "[]"]), "allergies.1: '[]' is blank: "),
    ("/rank", _each("allergies", ["-"]), "allergies.0: '-' is blank: "),
    ("/rank", _each("avoids", {}), "avoids: an object is no list: send one in brackets"),
    ("/recommend", _each("k", 0, -1), "is too small: send at least 1"),
    ("/recommend", _each("k", 101), "k: 101 is too large: send at most 100"),
    ("/recommend", _each("k", 10**30, 1.5, "5", True, None), "k: "),
    ("/recommend", _each("person_id", None, "a\0b"), "person_id: "),
    ("/recommend", _each("person_id", "stranger"), "send allergies, an empty list where there are none"),
    ("/recommend", _each("dishes", ["none"]), "dish_id 'none' is not in the catalogue"),
    ("/recommend", _each("dishes", ["peas"] * 1001), "dishes: it has 1001 entries: send at most 1000"),
    ("/recommend", _menus("name", "x"), "dishes.0: an object is no text: send one in quotes"),
    ("/recommend", _each("dishes", [""], [" "]), f"dishes.0: {_BLANK}"),
    ("/recommend", _each("dishes", ["a\x1b"]), f"dishes.0: {_CONTROL}"),
    ("/recommend", _each("dishes", ["\ud800"]), _HALF),
    ("/recommend", _each("tags", ["x"] * 21), "tags: it has 21 entries: send at most 20"),
    ("/recommend", _each("diet", "breatharian"), "The diet 'breatharian' is not known"),
    ("/recommend", _each("allergies", [","]), "allergies.0: ',' is blank: "),
    ("/recommend", _each("allergies", ["\u00a0"]), "allergies.0: '\\xa0' is blank: "),
    ("/recommend", _each("allergies", ["/"]), "allergies.0: '/' is blank: "),
    ("/recommend", _each("allergies", ["{}"]), "allergies.0: '{}' is blank: "),
    ("/recommend", _each("limit", 3), f"limit: {_UNKNOWN}"),
    ("/recommend", _each("[key]", 1), f"[key]: {_UNKNOWN}"),
    ("/recommend", _each("history", "peas"), "history: 'peas' is no list: send one in brackets"),
    ("/recommend", _past("rating", 1e39), "history.0.rating: "),
    ("/recommend", _each("at_most", {"vitamin": 1}), "at_most: 'vitamin' cannot be bounded: send one of "),
    ("/recommend", _each("at_least", {"[key]": 1}), "at_least: '[key]' cannot be bounded: send one of "),
    ("/recommend", _each("at_least", {"kcal": False}, {"kcal": "600"}, {"kcal": None}), "is no number"),
    ("/recommend", _each("at_most", {"kcal": -1}), "-1 is too small: send at least 0"),
    ("/recommend", _each("at_most", [1]), "at_most: "),
    ("/recommend", [{"at_most": {"kcal": 1}, "at_least": {"kcal": 2}}], "at least 2 and at most 1 of kcal"),
    ("/recommend", _each("model_version", "7"), "a model_version is only shown: send it with keep false"),
    ("/recommend", [{"model_version": "5", "keep": False}], "model_version '5' answers nobody here: "),
    ("/questions", _each("history", [{"dish": {"dish_id": "gone"}}]), "has no name, and the catalogue lacks"),
    ("/rank", _each("history", [{"dish": {"dish_id": "peas"}}]), "has no name, and the catalogue lacks it"),
    ("/questions", _each("k", 0, 21, 1.5, "5", None), "k: "),
    ("/questions", _each("without", "peas", [""], [7]), "without"),
    ("/questions", _each("person_id", "stranger"), "send allergies, an empty list where there are none"),
    ("/questions", _each("keep", "no", None, 0), "is neither true nor false: send one of these"),
    ("/questions", _each("dishes", []), f"dishes: {_UNKNOWN}"),
    ("/plan", _each("days", 0, -7), "is too small: send at least 1"),
    ("/plan", _each("days", 15, 400), "is too large: send at most 14"),
    ("/plan", _each("days", 1.5, "7", True, None, 10**30), "days: "),
    ("/plan", _each("people", []), "people: it has 0 entries: send at least 1"),
    ("/plan", [_HOUSEHOLD], "people: it has 1000 entries: send at most 8"),
    ("/plan", _each("people", ["ada"], [None], {"person_id": "ada"}), "people"),
    ("/plan", _each("people", [{"person_id": "ada"}] * 2), "person_id 'ada' comes twice: send each once"),
    ("/plan", _each("people", [{}], [{"person_id": " "}], [{"person_id": "a\nb"}]), "people.0.person_id: "),
    ("/plan", _each("people", [{"person_id": "stranger"}]), "send allergies, an empty list where there are"),
    ("/plan", _eater("diet", "breatharian"), "The diet 'breatharian' is not known"),
    ("/plan", _eater("allergies", ["G"], [" "], "milk"), "people.0.allergies"),
    ("/plan", _eater("at_most", {"kcal": -1}), "-1 is too small: send at least 0"),
    ("/plan", _eater("at_most", {"vitamin": 1}), "'vitamin' cannot be bounded: send one of "),
    ("/plan", _eater("at_least", {"kcal": "600"}, {"kcal": None}, [1]), "people.0.at_least"),
    ("/plan", _eater("at_most_in_all", {"kcal": -0.5}), "people.0.at_most_in_all"),
    ("/plan", _eater("bounds", "adult", 1, ["reference"]), "is not known here: send 'reference'"),
    ("/plan", _eater("k", 3), f"people.0.k: {_UNKNOWN}"),
    ("/plan", _each("slots", []), "slots: it has 0 entries: send at least 1"),
    ("/plan", _each("slots", [{"name": str(number)} for number in range(7)]), "slots: it has 7 entries: "),
    ("/plan", _each("slots", [{"name": "dinner"}] * 2), "slot 'dinner' comes twice: send each once"),
    ("/plan", _slot("name", "", None, "x" * 41), "slots.0.name: "),
    ("/plan", _slot("days", [0], [15], ["monday"]), "slots.0.days.0: "),
    ("/plan", _slot("days", [3]), "day 3 comes after the last, 2"),
    ("/plan", _slot("count", 0, 5, 1.5, True), "slots.0.count: "),
    ("/plan", _slot("on_menu", "yes", 1, None), "is neither true nor false: send one of these"),
    ("/plan", _slot("minutes", -1, "20", True), "slots.0.minutes: "),
    ("/plan", _slot("portions", [], [2], [0], ["1"], [-1], [True]), "slots.0.portions"),
    ("/plan", _slot("one_each", "yes", 1, None), "is neither true nor false: send one of these"),
    ("/plan", _slot("people", ["bob"]), "slot 'dinner' is for 'bob': send that person"),
    ("/plan", _slot("dishes", ["none"]), "dish_id 'none' is not in the catalogue"),
    ("/plan", _slot("dishes", ["peas"] * 1001), "slots.0.dishes: it has 1001 entries: send"),
    ("/plan", _each("rules", [{"tag": "fish"}]), "the rule for 'fish' has no number: send at_least or at_mo"),
    ("/plan", _each("rules", [{"tag": "fish", "at_most": -1}]), "rules.0.at_most: "),
    ("/plan", _each("rules", [{"tag": "", "at_most": 1}], [{"at_most": 1}]), "rules.0.tag: "),
    ("/plan", _each("rules", [{"tag": "fish", "at_most": 1.5}], [{"tag": 1, "at_least": 1}]), "rules.0."),
    ("/plan", [_lock(dish_id="none")], "dish_id 'none' is not in the catalogue"),
    ("/plan", [_lock(slot="tea")], "slot 'tea' is not planned: send one of dinner"),
    ("/plan", [_lock(day=3)], "day 3 comes after the last, 2"),
    ("/plan", [_lock(day=0), _lock(day=15), _lock(day="1")], "locks.0.day: "),
    ("/plan", [_lock() | {"skips": [_SKIP]}], "'dinner' of day 1 has a lock and is not planned"),
    ("/plan", [{"days": 1, "skips": [_SKIP]}], "no meal is left to plan: skip fewer"),
    ("/plan", [_lock() | {"exclusions": _lock()["locks"]}], "is locked and excluded at 'dinner' of day 1"),
    ("/plan", _each("exclusions", [{**_SKIP, "dish_id": "none"}]), "dish_id 'none' is not in the catalogue"),
    ("/plan", _each("exclusions", [{**_SKIP, "slot": "tea", "dish_id": "peas"}]), "slot 'tea' is not plan"),
    ("/plan", _each("kept", [{**_SKIP, "dish_id": "none"}]), "dish_id 'none' is not in the catalogue"),
    ("/plan", _each("kept", [{**_SKIP, "dish_id": "peas", "people": ["bob"]}]), "kept names 'bob': send"),
    ("/plan", _each("kept", [_SKIP], "all", [{**_SKIP, "dish_id": "peas", "portion": 2}]), "kept"),
    ("/plan", _each("first_day", "monday", "2026-13-01", "9999-12-31", ""), "is no date of a first day"),
    ("/plan", _each("first_day", 20261207, ["2026-12-07"]), "is no text: send one in quotes"),
    ("/plan", _slot("time", "6pm", "24:00", "", "18:3"), "is no time of day: write it as 18:30"),
    ("/plan", _each("skips", [{"day": 1}], [_SKIP] * 101, "dinner"), "skips"),
    ("/plan", _each("repeat_after_days", -1, 31, None), "repeat_after_days: "),
    ("/plan", _each("satisfy", "everybody", None), "is not known here: send 'mean' or 'least_first'"),
    ("/plan", _each("weeks", 2), f"weeks: {_UNKNOWN}"),
    ("/feedback", _each("kind", "loves", None), "is not known here: send 'like', 'dislike', 'rating'"),
    ("/feedback", [{"value": 3}, {"kind": "rating"}], "a rating has a value, and nothing else has one"),
    ("/feedback", [{"kind": "rating", "value": value} for value in ("4", "NaN", True, [5])], "is no number"),
    ("/feedback", [{"kind": "rating", "value": 1e300}], "value: 1e+300 is too large: send at most 1e+09"),
    ("/feedback", [{"kind": "rating", "value": -1e9}], "value -1000000000.0 is not from 1 to 5: send"),
    ("/feedback", [{"kind": "rating", "value": 5.0000001}], "value 5.0000001 is not from 1 to 5"),
    ("/feedback", _each("kind", "choice"), "send its answer_id, or an order"),
    ("/feedback", _each("occurred_at", "2999-01-01T00:00:00Z"), "lies in the future: send when it happened"),
    ("/feedback", _each("occurred_at", "0001-01-01T00:00:00Z"), "is of the year 1: send when it happened"),
    ("/feedback", _each("occurred_at", "1969-12-31T23:00:00+14:00"), "is of the year 1969"),
    ("/feedback", _each("occurred_at", "2000-01-01T00:30:00+01:00"), "is of the year 1999"),
    ("/feedback", _each("occurred_at", "yesterday", [], 10**300, 1e300), "is no moment: write it as"),
    ("/feedback", _each("person_id", "", "\t", "x" * 201), "person_id: "),
    ("/feedback", _each("event_id", "a\0b"), "event_id: it holds a character that cannot be stored"),
    ("/feedback", _each("event_id", "a\tb"), f"event_id: {_CONTROL}"),
    ("/feedback", _each("event_id", "\u0958" * 101), "event_id: it has 202 letters"),
    ("/feedback", [{"event_id": "\ud800"}, {"\ud800": 1}], _HALF),
    ("/feedback", _each("answer_id", "x" * 201), "answer_id: it has 201 letters: send at most 200"),
    ("/feedback", _each("dish_id", ""), f"dish_id: {_BLANK}"),
    ("/feedback", _each("dish_id", "a\u0085"), f"dish_id: {_CONTROL}"),
    ("/feedback", _each("dish_id", 7, {}), "is no text: send one in quotes"),
    ("/feedback", _each("likes", True), f"likes: {_UNKNOWN}"),
]  # fmt: skip


def _bodies() -> Iterator[tuple[str, bytes, dict[str, str], int]]:
    """Bodies that no operation can read, as name, body, headers and status."""
    yield "an empty body", b"", JSON, 400
    yield "half an object", b'{"person_id": "ada", "k"', JSON, 400
    yield "half a text", b'{"person_id": "ad', JSON, 400
    yield "null", b"null", JSON, 400
    yield "true", b"true", JSON, 400
    yield "a number", b"7", JSON, 400
    yield "a text", b'"ada"', JSON, 400
    yield "a list", b"[]", JSON, 400
    yield "an empty object", b"{}", JSON, 400
    yield "NaN", b"NaN", JSON, 400
    yield "no UTF-8", b'{"person_id": "\xff\xfe"}', JSON, 400
    yield "UTF-16", '{"person_id": "ada"}'.encode("utf-16"), JSON, 400
    yield "single quotes", b"{'person_id': 'ada'}", JSON, 400
    yield "a trailing comma", b'{"person_id": "ada",}', JSON, 400
    yield "two objects", b'{"person_id": "ada"}{"person_id": "ada"}', JSON, 400
    yield "100,000 open lists", b"[" * 100_000, JSON, 400
    yield "100,000 open objects", b'{"a":' * 100_000, JSON, 400
    yield "deep and closed", b"[" * 5_000 + b"]" * 5_000, JSON, 400
    yield "a number of 10,000 digits", b'{"person_id": ' + b"9" * 10_000 + b"}", JSON, 400
    yield "a null character", b"\0", JSON, 400
    yield "1 MB too much", b" " * 1_000_001, JSON, 413
    yield "a form", b"person_id=ada", {"Content-Type": "application/x-www-form-urlencoded"}, 415
    yield "a form in parts", b"--x\r\n", {"Content-Type": "multipart/form-data"}, 415
    yield "a pickle", b"\x80\x04.", {"Content-Type": "application/vnd.bentoml+pickle"}, 415
    yield "an image", b"\x89PNG", {"Content-Type": "image/png"}, 415
    yield "gzip that is none", b"{", {**JSON, "Content-Encoding": "gzip"}, 400


def _with_raw_values() -> Iterator[Malformed]:
    past = {"dish": {"dish_id": "1", "name": "x"}, "rating": "R"}
    for value in ("NaN", "Infinity", "-Infinity", "1e999"):
        rank = json.dumps(RANK | {"history": [past]}).replace('"R"', value).encode()
        yield Malformed(f"a rating of {value}", "POST", "/rank", rank)
        rating = json.dumps(FEEDBACK | {"kind": "rating", "value": "R"}).replace('"R"', value).encode()
        yield Malformed(f"a value of {value}", "POST", "/feedback", rating)
        k = json.dumps(RECOMMEND | {"k": "R"}).replace('"R"', value).encode()
        yield Malformed(f"k of {value}", "POST", "/recommend", k)
        bound = json.dumps(RECOMMEND | {"at_least": {"kcal": "R"}}).replace('"R"', value).encode()
        yield Malformed(f"a bound of {value}", "POST", "/recommend", bound)
        eater = {"person_id": "ada", "at_most": {"kcal": "R"}}
        plan = json.dumps(PLAN | {"people": [eater]}).replace('"R"', value).encode()
        yield Malformed(f"a bound of {value}", "POST", "/plan", plan)
    twice = b'{"person_id": "ada", "dishes": [{"dish_id": "1", "name": "x"}], "dishes": []}'
    yield Malformed("a key twice, the last one empty", "POST", "/rank", twice)


def _elsewhere() -> Iterator[Malformed]:
    for path in (*VALID, "/canary"):
        for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"):
            yield Malformed("a wrong method", method, path, b"", {}, 405)
    for method in ("POST", "PUT", "PATCH", "OPTIONS"):
        yield Malformed("a wrong method", method, "/people/ada", b"", {}, 405)
    for path in ("/nothing", "/rank/x", "/rank%00", "/%ff", "/%zz", "/../../etc/passwd"):
        yield Malformed("no such path", "POST", path, b"{}", JSON, 404)
    for method in ("GET", "DELETE"):
        for path in ("", "%20", "a%00b", "%ff", "%zz", "a%2", "%ed%a0%80", "x" * 5000):
            yield Malformed("no id", method, f"/people/{path}", b"", {}, 400)
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        yield Malformed("a form", method, "/people/ada", b"--x", form, 415)
        yield Malformed("a large body", method, "/people/ada", b" " * 1_000_001, JSON, 413)
    yield Malformed("a stranger", "GET", "/people/stranger", b"", {}, 404)
    for name, body in {"a list": b"[1]", "half an object": b"{"}.items():
        yield Malformed(name, "POST", "/canary", body)


def requests() -> list[Malformed]:
    """All of them."""
    changed = [
        Malformed(str(change), "POST", path, json.dumps(VALID[path] | change).encode(), words=words)
        for path, changes, words in WRONG
        for change in changes
    ]
    # What a browser sends to any address without asking whether it may.
    without_asking = [
        Malformed(f"JSON as {kind or 'nothing'}", "POST", path, json.dumps(body).encode(), headers, 415)
        for path, body in (*VALID.items(), ("/canary", {}))
        for kind in ("", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded")
        for headers in [{"Content-Type": kind} if kind else {}]
    ]
    unreadable = [
        Malformed(name, "POST", path, body, headers, status)
        for path in VALID
        for name, body, headers, status in _bodies()
    ]
    return [*changed, *without_asking, *unreadable, *_with_raw_values(), *_elsewhere()]


def why_not_a_sentence(body: bytes) -> str:
    """Why a refusal's body is not one sentence for its caller; empty where it is."""
    try:
        content = json.loads(body)
    except ValueError:
        return "no JSON"
    if not isinstance(content, dict) or list(content) != ["error"] or not isinstance(content["error"], str):
        return "not {error: SENTENCE} alone"
    sentence = content["error"]
    shown = [part for part in INSIDE if part in sentence]
    if shown:
        return f"shows {shown[0]!r}"
    return "" if 5 < len(sentence) < 1000 else f"{len(sentence)} letters"
