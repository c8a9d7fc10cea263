"""What the model made of the requests that reached it, as lines of /metrics by which a release is judged.

BentoML's counters count every request, broken ones of anybody included; these count what the model did.
"""

from __future__ import annotations

from dataclasses import dataclass

ANSWERS, ERRORS = "palate_model_answers_total", "palate_model_errors_total"


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

    def lines(self) -> str:
        """The counts in Prometheus' text format."""
        label = f'{{model_version="{self.version}"}}'
        return "".join(
            f"# TYPE {name} counter\n{name}{label} {count}\n"
            for name, count in ((ANSWERS, self.answers), (ERRORS, self.errors))
        )
