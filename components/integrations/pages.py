"""jinja2: the pages of the data checks and of the night, each an HTML file that works offline."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.domain.answer_rates import AnswerRates
from components.domain.records import CheckReport, NightFacts
from components.domain.verdict.evaluation import EvaluationReport

_TEMPLATES = Path(__file__).parent / "templates"


def checks_page(report: CheckReport, night: NightFacts) -> str:
    """Renders the page of the data checks."""
    return _render("checks.html", report=report, night=night)


def night_page(
    report: EvaluationReport,
    facts: Sequence[tuple[str, str]],
    pictures: Sequence[tuple[str, Path]],
    rates: Sequence[AnswerRates],
) -> str:
    """Renders the page of the night, with its pictures embedded.

    Args:
        facts: (name, value) rows of the first table.
        rates: How the service's answers fared, by day and version; if empty, the page has no such table.
    """
    encoded = [(title, base64.b64encode(path.read_bytes()).decode()) for title, path in pictures]
    return _render("night.html", report=report, facts=facts, pictures=encoded, rates=rates)


def _render(template: str, **values: Any) -> str:
    # Dish names, ids and reasons are text that people typed, so every template escapes it.
    environment = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(template).render(**values)
