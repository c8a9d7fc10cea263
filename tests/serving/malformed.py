"""Malformed requests of every operation, as rows: name, method, path, body, headers, statuses that fit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

JSON = {"Content-Type": "application/json"}
RANK: dict[str, Any] = {"person_id": "ada", "dishes": [{"dish_id": "1", "name": "Pea stew"}]}
RECOMMEND: dict[str, Any] = {"person_id": "ada", "k": 2}
FEEDBACK: dict[str, Any] = {"person_id": "ada", "dish_id": "peas", "kind": "like"}
INSIDE = ("Traceback", 'File "', "pydantic", "site-packages", "sqlalchemy", "psycopg", "0x", "self.", "\n")
VALID = {"/rank": RANK, "/recommend": RECOMMEND, "/feedback": FEEDBACK}


class Malformed(NamedTuple):
    """One request that cannot be answered."""

    name: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str] = JSON
    status: int = 400


def _dish(**changes: Any) -> dict[str, Any]:
    return {"dishes": [{"dish_id": "1", "name": "Pea stew", **changes}]}


# Keys that are changed in a valid body of each operation.
CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "/rank": {
        "no person": {"person_id": None},
        "a number as person": {"person_id": 7},
        "a list as person": {"person_id": ["ada"]},
        "an object as person": {"person_id": {"id": "ada"}},
        "an empty person": {"person_id": ""},
        "blanks as person": {"person_id": " \t\n "},
        "NUL in the person": {"person_id": "a\0b"},
        "half a character in the person": {"person_id": "\ud800"},
        "a long person": {"person_id": "x" * 5000},
        "no dishes": {"dishes": []},
        "null dishes": {"dishes": None},
        "dishes as object": {"dishes": {"1": "x"}},
        "dishes as text": {"dishes": "1"},
        "a dish as text": {"dishes": ["1"]},
        "a dish as null": {"dishes": [None]},
        "a dish without a name": {"dishes": [{"dish_id": "1"}]},
        "an empty dish id": _dish(dish_id=""),
        "a number as dish id": _dish(dish_id=1),
        "a dish twice": {"dishes": [{"dish_id": "1", "name": "x"}] * 2},
        "half a character as dish twice": {"dishes": [{"dish_id": "\udc00", "name": "x"}] * 2},
        "a line break in a dish twice": {"dishes": [{"dish_id": "a\nb", "name": "x"}] * 2},
        "an empty name": _dish(name=""),
        "a long name": _dish(name="x" * 201),
        "a long description": _dish(description="x" * 501),
        "tags as text": _dish(tags="vegan"),
        "null tags": _dish(tags=[None]),
        "many tags": _dish(tags=["x"] * 51),
        "allergens as text": _dish(allergens="milk"),
        "a price": _dish(price=7),
        "10,000 dishes": {"dishes": [{"dish_id": str(number), "name": "x"} for number in range(10_000)]},
        "10,000 dishes without a name": {"dishes": [{"dish_id": "x"}] * 10_000},
        "an unknown key": {"allergy": ["milk"]},
        "an unknown key with half a character": {"\ud800": 1},
        "an unknown key with line breaks": {"a\n\n\x1b[31mb": 1},
        "an unknown key of 5,000 letters": {"k" * 5000: 1},
        "a thousand unknown keys": {f"key{number}": number for number in range(1000)},
        "a verdict of another kind": {"history": [{**_dish(), "verdict": "loved"}]},
        "a history without dish": {"history": [{"verdict": "liked"}]},
        "a history of text": {"history": ["Pea stew"]},
        "a rating as false": {"history": [{"dish": _dish()["dishes"][0], "rating": False}]},
        "a rating as text": {"history": [{"dish": _dish()["dishes"][0], "rating": "4"}]},
        "a huge rating": {"history": [{"dish": _dish()["dishes"][0], "rating": -1e278}]},
        "a null history": {"history": None},
        "an unknown diet": {"diet": "breatharian"},
        "diets of numbers": {"diet": ["vegan", 1]},
        "one unknown diet of two": {"diet": ["vegan", "breatharian"]},
        "a long diet": {"diet": "v" * 201},
        "allergies as text": {"allergies": "milk"},
        "allergies of numbers": {"allergies": [1]},
        "many allergies": {"allergies": ["x"] * 21},
        "null allergies": {"allergies": None},
        "avoids as object": {"avoids": {}},
    },
    "/recommend": {
        "k of zero": {"k": 0},
        "a negative k": {"k": -1},
        "a large k": {"k": 101},
        "a huge k": {"k": 10**30},
        "a broken k": {"k": 1.5},
        "k as text": {"k": "5"},
        "k as true": {"k": True},
        "null k": {"k": None},
        "no person": {"person_id": None},
        "NUL in the person": {"person_id": "a\0b"},
        "a stranger without allergies": {"person_id": "stranger"},
        "a dish that is not there": {"dishes": ["none"]},
        "1,001 dishes": {"dishes": ["peas"] * 1001},
        "dishes as in rank": _dish(),
        "an empty dish": {"dishes": [""]},
        "half a character as dish": {"dishes": ["\ud800"]},
        "many tags": {"tags": ["x"] * 21},
        "an unknown diet": {"diet": "breatharian"},
        "an unknown key": {"limit": 3},
        "history as text": {"history": "peas"},
        "a huge rating": {"history": [{"dish": _dish()["dishes"][0], "rating": 1e39}]},
        "a bound as false": {"at_least": {"kcal": False}},
        "a bound as text": {"at_most": {"kcal": "600"}},
    },
    "/feedback": {
        "another kind": {"kind": "loves"},
        "null as kind": {"kind": None},
        "a value without rating": {"value": 3},
        "a rating without value": {"kind": "rating"},
        "a value as text": {"kind": "rating", "value": "4"},
        "a value as true": {"kind": "rating", "value": True},
        "a value as list": {"kind": "rating", "value": [5]},
        "a huge value": {"kind": "rating", "value": 1e300},
        "a choice of no answer": {"kind": "choice"},
        "a future moment": {"occurred_at": "2999-01-01T00:00:00Z"},
        "the year 1": {"occurred_at": "0001-01-01T00:00:00Z"},
        "no moment": {"occurred_at": "yesterday"},
        "a moment as list": {"occurred_at": []},
        "a huge moment": {"occurred_at": 10**300},
        "an endless moment": {"occurred_at": 1e300},
        "NUL in the event": {"event_id": "a\0b"},
        "half a character in the event": {"event_id": "\ud800"},
        "a long answer": {"answer_id": "x" * 201},
        "an empty dish": {"dish_id": ""},
        "an object as dish": {"dish_id": {}},
        "an unknown key": {"likes": True},
    },
}


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
        Malformed(name, "POST", path, json.dumps(VALID[path] | change).encode())
        for path, changes in CHANGES.items()
        for name, change in changes.items()
    ]
    # What a browser sends to any address without asking whether it may.
    without_asking = [
        Malformed(f"JSON as {kind or 'nothing'}", "POST", path, json.dumps(body).encode(), headers, 415)
        for path, body in VALID.items()
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
