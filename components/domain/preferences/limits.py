"""What a night's rows may say at most."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from components.domain.params import Params


@dataclass(frozen=True)
class Limits:
    """What a night's rows may say at most.

    Attributes:
        latest: An event may not lie after it.
        value_range: Lowest and highest rating that can be meant.
        forgotten: People whose rows are dropped without a trace.
        source_ranges: By source its own lowest and highest rating, where these are others.
    """

    latest: datetime
    value_range: tuple[float, float]
    forgotten: Container[str] = ()
    source_ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def limits_of(params: Params, now: datetime, forgotten: Container[str] = ()) -> Limits:
    """The limits of a night's settings at a moment."""
    latest = now + timedelta(hours=params.collect.clock_skew_h)
    ranges = {name: scale.value_range for name, scale in params.collect.scales.items()}
    return Limits(latest, params.check.value_range, forgotten, ranges)
