"""What the model made of the requests that reached it, by which a release is judged.

Requests are counted elsewhere, broken ones of anybody included; these counts are of what the model did.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Outcomes:
    """Counts since the service started.

    Attributes:
        version: Version number in the registry.
        answers: Number of requests that the model scored or failed on.
        errors: Number of these on which it failed: an exception in scoring, or a score that is no number.
    """

    version: str
    answers: int = 0
    errors: int = 0

    def count(self, *, error: bool) -> None:
        """Counts one request that reached the model."""
        self.answers += 1
        self.errors += error
