"""The input contract: what a row of dishes, people, menus or events may say."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

FIRST_YEAR, LAST_YEAR = 2000, 9998  # of an event: 1970 is a clock that was never set
MAX_ID = 200  # letters
INEXACT = 2.0**53  # from here on a float may stand for several whole numbers
EMPTY = " \t\r\n"  # what an empty cell may hold
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # what no id may hold
SERVICE_IDS = "service:"  # begins the ids of events that come from the service's feedback
KINDS = ("like", "dislike", "rating", "choice", "order", "retract")


def _split(value: Any) -> Any:
    return (
        tuple(part.strip() for part in value.split(";") if part.strip()) if isinstance(value, str) else value
    )


def _split_allergies(value: Any) -> Any:
    """Splits text at semicolons, as `_split` does, but keeps a part that somebody typed as a no-break space.

    Such a part becomes `-`, so that it is not taken for an empty cell.
    """
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return value
    return tuple(
        (part.strip() or "-") if isinstance(part, str) else part
        for part in parts
        if not isinstance(part, str) or part.strip(EMPTY)
    )


def _utc(value: datetime) -> datetime:
    if value.year < FIRST_YEAR or value.year > LAST_YEAR:
        raise ValueError(f"the year {value.year} is not from {FIRST_YEAR} to {LAST_YEAR}")
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def _moment(value: Any) -> Any:
    """Converts micro- and nanoseconds since 1970 to seconds; pydantic tells milliseconds from seconds."""
    try:
        number = float(value) if isinstance(value, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return value
    return number / 1e9 if number >= 5e17 else number / 1e6 if number >= 5e14 else value


def _whole(value: Any) -> Any:
    """Converts a whole float to an int: a column of ids comes as floats where one is missing, 17 as 17.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _finite(value: Any) -> Any:
    """Rejects NaN and infinity: they identify nobody."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it is no finite number, and no text")
    return _whole(value)


def _exact(value: Any) -> Any:
    """Rejects an id that became a float too large to be exact: several people's ids may have become one."""
    if isinstance(value, float) and INEXACT <= abs(value) < math.inf:
        raise ValueError("it is a number too large to be told from its neighbours: write ids as text")
    return _finite(value)


def _without_nul(value: str) -> str:
    """Rejects the character NUL: PostgreSQL cannot store it, so the text could never be published."""
    if "\0" in value:
        raise ValueError("it holds the character NUL")
    return value


def _as_id(value: str) -> str:
    """Normalises an id as `as_id` does; rejects control characters, blanks alone, and too many letters."""
    text = as_id(value)
    if CONTROL.search(text):
        raise ValueError("it holds a control character")
    if value and not text:
        raise ValueError("it is empty")
    if len(text) > MAX_ID:  # in the form NFC some letters are two
        raise ValueError(f"it has more than {MAX_ID} letters")
    return text


Text = Annotated[str, AfterValidator(_without_nul)]
Name = Annotated[Text, BeforeValidator(_finite), Field(min_length=1, max_length=200)]
OptionalId = Annotated[str, BeforeValidator(_exact), AfterValidator(_as_id)]
Id = Annotated[str, BeforeValidator(_exact), Field(min_length=1, max_length=MAX_ID), AfterValidator(_as_id)]
Many = Annotated[tuple[Text, ...], BeforeValidator(_split)]
Allergies = Annotated[tuple[Text, ...], BeforeValidator(_split_allergies)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Row(BaseModel):
    # Ids may be numbers in Parquet and JSON; they are names all the same.
    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, coerce_numbers_to_str=True
    )


class DishRow(_Row):
    """A dish, per serving, in the unit that ends a nutrient's name. A hidden one is not recommended."""

    dish_id: Id
    name: Name
    description: Text = ""
    cuisine: Text = ""
    tags: Many = ()
    ingredients: Many = ()
    allergens: Many | None = None
    serving_g: Amount | None = None
    kcal: Amount | None = None
    protein_g: Amount | None = None
    fat_g: Amount | None = None
    saturated_g: Amount | None = None
    carbs_g: Amount | None = None
    sugars_g: Amount | None = None
    fibre_g: Amount | None = None
    sodium_mg: Amount | None = None
    hidden: bool = False
    price: Amount | None = None
    minutes: Amount | None = None


class PersonRow(_Row):
    """What a person told about themselves. The diet reads diet, allergies and avoids, the model nothing."""

    person_id: Id
    diet: Text = ""
    allergies: Allergies = ()
    avoids: Many = ()


class MenuRow(_Row):
    """One dish offered on one menu."""

    menu_id: Id
    served_on: date
    dish_id: Id


class EventRow(_Row):
    """One thing a person did or said; `occurred_at` without an offset is taken as UTC."""

    person_id: Id
    dish_id: Id
    kind: Literal["like", "dislike", "rating", "choice", "order", "retract"]
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    menu_id: OptionalId = ""
    occurred_at: Annotated[datetime, BeforeValidator(_moment), AfterValidator(_utc)]
    event_id: OptionalId = ""
    source: Text = ""


TABLES: dict[str, type[_Row]] = {"dishes": DishRow, "people": PersonRow, "menus": MenuRow, "events": EventRow}
KEYS = {
    "dishes": ("dish_id",),
    "people": ("person_id",),
    "menus": ("menu_id", "dish_id"),
    "events": ("event_id",),
}
Stored = dict[str, list[dict[str, Any]]]


def nfc(value: Any) -> Any:
    """Normalises text to Unicode's form NFC, also inside lists, so that ids that look alike are equal."""
    if isinstance(value, (list, tuple)):
        return [nfc(part) for part in value]
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def as_id(value: object) -> str:
    """Reads a value as the contract does where it expects an id."""
    return str(nfc(str(_whole(value)))).strip()


def columns(table: str) -> tuple[str, ...]:
    """Lists the columns of a table that the contract knows, required ones included."""
    return tuple(TABLES[table].model_fields)


def required_columns(table: str) -> tuple[str, ...]:
    """Lists the columns that each row of the table must have."""
    return tuple(name for name, spec in TABLES[table].model_fields.items() if spec.is_required())
