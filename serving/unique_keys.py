"""Refuses JSON in which an object has a key twice: of two lists of allergies only one would count."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Any

import pydantic_core


class _Repeated(Exception):
    """An object has a key twice."""


def why_ambiguous(body: bytes) -> str:
    """Explains why a body could be read in two ways; empty if it has one meaning or is not JSON at all."""
    try:  # with options that take all that pydantic's parser takes
        json.loads(body, object_pairs_hook=_check, parse_int=str, strict=False)
    except _Repeated as error:
        return f"The body has the key {str(error)[:100]!r} twice in one object: send it once."
    except (ValueError, RecursionError):
        with suppress(ValueError):
            pydantic_core.from_json(body)
            return "The body can be read in two ways: send plain JSON in UTF-8."
    return ""


def _check(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _Repeated(Counter(key for key, _ in pairs).most_common(1)[0][0])
