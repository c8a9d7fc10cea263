"""What the model made of the requests that reached it, as lines of /metrics by which a release is judged.

BentoML's counters count every request, broken ones of anybody included; these count what the model did.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def lines_of(versions: Sequence[Outcomes]) -> str:
    """The counts of all versions in Prometheus' text format."""
    columns = {
        ANSWERS: {counts.version: counts.answers for counts in versions},
        ERRORS: {counts.version: counts.errors for counts in versions},
    }
    lines = []
    for name, column in columns.items():
        lines.append(f"# TYPE {name} counter\n")
        lines += [f'{name}{{model_version="{version}"}} {count}\n' for version, count in column.items()]
    return "".join(lines)
