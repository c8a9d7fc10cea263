"""jinja2: the two pages that a person reads, each one file that works offline."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.domain.records import CheckReport, NightFacts
from components.domain.verdict.evaluation import EvaluationReport

_TEMPLATES = Path(__file__).parent / "templates"


def checks_page(report: CheckReport, night: NightFacts) -> str:
    """The data checks as HTML."""
    return _render("checks.html", report=report, night=night)


def night_page(report: EvaluationReport, facts: Sequence[tuple[str, str]], picture: Path) -> str:
    """The night's report as HTML, the picture inside it.

    Args:
        report: The night's evaluation.
        facts: (name, value) lines of its first table.
        picture: A PNG.
    """
    encoded = base64.b64encode(picture.read_bytes()).decode()
    return _render("night.html", report=report, facts=facts, picture=encoded)


def _render(template: str, **values: Any) -> str:
    # Autoescape everywhere: dish names, ids and reasons are text that people typed.
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(**values)
