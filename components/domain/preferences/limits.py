"""Limits of what a night's rows may say."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from components.domain.params import Params

CLOCK_SKEW = timedelta(hours=14)  # by which a local time without its offset may lie ahead of now


@dataclass(frozen=True)
class Limits:
    """Limits of what a night's rows may say.

    Attributes:
        latest: Latest moment that an event may have.
        value_range: Lowest and highest rating that is accepted.
        forgotten: People whose rows are dropped without a trace.
        source_ranges: By source, its own lowest and highest rating where they differ from `value_range`.
    """

    latest: datetime
    value_range: tuple[float, float]
    forgotten: Container[str] = ()
    source_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def limits_of(params: Params, now: datetime, forgotten: Container[str] = ()) -> Limits:
    """Derives the limits from a night's settings and the present moment."""
    latest = now + CLOCK_SKEW
    ranges = {name: scale.value_range for name, scale in params.collect.scales.items()}
    return Limits(latest, params.check.value_range, forgotten, ranges)
