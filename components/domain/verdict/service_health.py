"""Whether the service of a released version is well, or must give way to the version before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_MORE_ERRORS = 0.05  # share of requests that the model may fail on above the version before's
LEAST_REQUESTS = 20  # that reached the model, before its share of errors counts


@dataclass(frozen=True)
class Served:
    """What one machine of a running service reports about itself.

    Attributes:
        version: Version number in the registry.
        canary: Why its canary failed; None where it passed.
        answers: Number of requests that the model scored or failed on since the service started. Broken
            requests, refusals and requests that ran out of time are left out.
        errors: Number of those requests on which the model failed.
        address: Address of the machine; empty where it does not matter.
        is_slow: Whether the report on the canary came too late. This says nothing about the model.
    """

    version: str
    canary: str | None
    answers: int
    errors: int
    address: str = ""
    is_slow: bool = False

    @property
    def error_rate(self) -> float:
        """Share of the answers on which the model failed; 0 without answers."""
        return self.errors / self.answers if self.answers else 0.0


def canary_of(served: Sequence[Served]) -> str:
    """Describes how a service's canary went: it failed, it did not answer in time, or it passed.

    Args:
        served: Reports of the service's machines, at least one.
    """
    failed = [each.canary for each in served if each.canary]
    if failed:
        return f"its canary FAILED: {failed[0]}"
    if any(each.is_slow for each in served):
        return "its canary did not answer in time"
    return "its canary passed"


def why_step_back(served: Sequence[Served], rate_before: float) -> str | None:
    """Explains why a newly released version must give way to the version before; None if it may stay.

    A failed canary on any machine is a reason. So is a raised error rate, on one machine or on all together.

    Args:
        served: Reports of the new version's service, one for each machine.
        rate_before: Error rate of the version before, from 0 to 1.
    """
    failed = [each.canary for each in served if each.canary]
    if failed:
        return f"its canary failed: {failed[0]}"
    answers, errors = (sum(getattr(each, name) for each in served) for name in ("answers", "errors"))
    for part in (Served("", None, answers, errors), *served):
        if part.answers >= LEAST_REQUESTS and part.error_rate - rate_before > MOST_MORE_ERRORS:
            where = f" at {part.address}" if part.address and len(served) > 1 else ""
            return (
                f"its model failed on {part.errors} of {part.answers} requests{where} "
                f"({part.error_rate:.1%}; the version before on {rate_before:.1%}, allowed are "
                f"{MOST_MORE_ERRORS:.1%} more)"
            )
    return None
