"""Types of the values in params.yaml, with their bounds."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Rate = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
# The upper bounds are beyond any need, and still within what datetime, git and numpy can hold.
Number = Annotated[int, Field(ge=0, le=1_000_000_000)]
Count = Annotated[Number, Field(ge=1)]
Times = Annotated[float, Field(gt=0, le=1e9)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Hours = Annotated[float, Field(ge=0, le=87_600)]  # ten years
Seconds = Annotated[float, Field(ge=0, le=1e9)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Rating = Annotated[float, Field(ge=-1e9, le=1e9)]
LEAST_GAP = 1e-6  # between the lowest rating that is a like and the highest that is a dislike
Port = Annotated[int, Field(ge=1, le=65535)]
CandidateName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
DishField = Literal["name", "description", "cuisine", "tags", "ingredients"]


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"timezone {name!r} is none that this machine knows, such as Europe/Berlin")
    return name


Timezone = Annotated[str, AfterValidator(_timezone)]


def _rises(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    if low >= high:
        raise ValueError(f"the lowest rating ({low:g}) must lie below the highest ({high:g})")
    return limits


Range = Annotated[tuple[Rating, Rating], AfterValidator(_rises)]


def check_address(text: str) -> str:
    """Checks that an address can be a folder's path or a URL, and leaves it unchanged.

    Raises:
        ValueError: The address can be neither of them.
    """
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError(f"the address {text!r} holds a control character: take it out")
    try:
        _ = urlsplit(text).port if "://" in text else Path(text).expanduser()
    except ValueError as error:  # its own text may hold a password
        shown = re.sub(r":[^:/@]*@", ":***@", text)
        raise ValueError(f"the host or port of the address '{shown}' cannot be read: mend it") from error
    except RuntimeError as error:
        raise ValueError(f"the address '{text}' names no user of this machine: mend it") from error
    return text


Address = Annotated[str, AfterValidator(check_address)]


def _times_exist(cron: str) -> str:
    try:
        CronSim(cron, datetime.now(UTC))
    except CronSimError as error:
        raise ValueError(f"{cron!r} names no times: {str(error).lower()}") from error
    return cron


Cron = Annotated[str, StringConstraints(pattern=r"^(\S+ ){4}\S+$"), AfterValidator(_times_exist)]


class Section(BaseModel):
    """A section of params.yaml: its values are frozen and finite, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
