"""Counts of what the model did with the requests that reached it, by which a release is judged.

All requests, also broken ones, are counted elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Outcomes:
    """Counts since the service started.

    Attributes:
        version: Version number in the registry.
        answers: Number of requests that the model scored or failed on.
        errors: Number of these on which it failed: an exception in scoring, or a NaN or infinite score.
    """

    version: str
    answers: int = 0
    errors: int = 0

    def count(self, *, error: bool) -> None:
        """Adds one request that reached the model."""
        self.answers += 1
        self.errors += error
