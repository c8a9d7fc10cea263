"""A request whose mistakes are told in plain sentences, in the place of pydantic's own words."""

from __future__ import annotations

from typing import Any, Self

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from serving.schemas.fields import Body

MOST_SHOWN = 40  # letters of a value
_NUMBER = "{value} is no number: send one such as 2.5"
_WHOLE = "{value} is no whole number: send one such as 2"
_MOMENT = "{value} is no moment: write it as 2026-12-07T18:30:00Z"
_OBJECT = "{value} is no object: send one in braces"
# By pydantic's type of an error. `size` counts the entries or letters of the value; the rest is pydantic's.
_SENTENCES = {
    "missing": "it is missing: send it",
    "extra_forbidden": "it is no field here: leave it out, or look up its name in /docs.json",
    "string_type": "{value} is no text: send one in quotes",
    "string_too_short": "it has {size} letters: send at least {min_length}",
    "string_too_long": "it has {size} letters: send at most {max_length}",
    "list_type": "{value} is no list: send one in brackets",
    "too_short": "it has {size} entries: send at least {min_length}",
    "too_long": "it has {size} entries: send at most {max_length}",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "bool_type": "{value} is neither true nor false: send one of these, without quotes",
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "greater_than_equal": "{value} is too small: send at least {ge:g}",
    "less_than_equal": "{value} is too large: send at most {le:g}",
    "multiple_of": "{value} is no multiple of {multiple_of:g}: send one",
    "literal_error": "{value} is not known here: send {expected}",
}


class Request(Body):
    """A body that a caller sends."""

    @model_validator(mode="wrap")
    @classmethod
    def _tell_mistakes_plainly(cls, sent: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(sent)
        except ValidationError as error:
            raise ValidationError.from_exception_data(
                error.title, [_plain(each) for each in error.errors(include_url=False)]
            ) from None


def sentence_of(error: ErrorDetails) -> str:
    """Says what was wrong with a value, which one, and what to send; else in the words that came with it."""
    value, template = error["input"], _SENTENCES.get(error["type"])
    if template is None:
        return error["msg"].removeprefix("Value error, ")
    size = len(value) if isinstance(value, str | list | dict) else 0
    return template.format(value=_shown(value), size=size, **error.get("ctx", {}))


def _plain(error: ErrorDetails) -> InitErrorDetails:
    words = PydanticCustomError(error["type"], "{sentence}", {"sentence": sentence_of(error)})
    return InitErrorDetails(type=words, loc=error["loc"], input=error["input"])


def _shown(value: Any) -> str:
    """Writes a value as JSON has it, shortened; of a list or an object only what it is."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
