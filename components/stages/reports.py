"""Reading and writing the evaluation report's file."""

from __future__ import annotations

from pathlib import Path

from components.domain.errors import StageFailed
from components.domain.verdict.evaluation import EvaluationReport
from components.files import read_json, write_json


def write_report(path: Path, report: EvaluationReport) -> None:
    """Writes the report as JSON, whole or not at all."""
    write_json(path, report.to_json())


def read_report(path: Path) -> EvaluationReport:
    """Reads what `write_report` wrote.

    Raises:
        StageFailed: The file is torn, or was written by a Palate whose report has other fields.
    """
    try:
        return EvaluationReport.from_json(read_json(path))
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise StageFailed(
            f"{path} is no evaluation report ({words}): delete it and run the night again."
        ) from error
