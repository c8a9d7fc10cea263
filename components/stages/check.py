"""The stage `check`: data/events → reports/checks.json, checks.html and Great Expectations' data_docs."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict, replace

from components.domain.errors import DataRejected
from components.domain.params import Params
from components.domain.records import CheckReport, CheckResult, NightFacts
from components.files import read_as, write_json
from components.integrations import data_checks, event_sources, pages
from components.stages.paths import CHECKS, DATA_DOCS, EVENTS, NIGHT, REPORTS

logger = logging.getLogger(__name__)


def check(params: Params) -> None:
    """Checks the accepted tables and writes the report.

    Args:
        params: Settings; the limits are those of the section `check`.

    Raises:
        DataRejected: An expectation failed; the message lists each with its column, count and first rows.
    """
    night = read_as(NightFacts, NIGHT)
    shutil.rmtree(DATA_DOCS, ignore_errors=True)
    ranges = [params.check.value_range, *(scale.value_range for scale in params.collect.scales.values())]
    widest = min(low for low, _ in ranges), max(high for _, high in ranges)
    limits = params.check.model_copy(update={"value_range": widest})
    report = data_checks.check(
        event_sources.read_tables(EVENTS),
        event_sources.read_events(EVENTS),
        night,
        limits,
        DATA_DOCS,
    )
    write_json(
        CHECKS,
        {
            "passed": report.passed,
            "failed": len(report.failed),
            "warned": len(report.warnings),
            "rows": report.rows,
            "data_md5": night.data_md5,
            "results": [asdict(result) for result in report.results],
        },
    )
    (REPORTS / "checks.html").write_text(pages.checks_page(report, night), encoding="utf-8")
    for warning in report.warnings:  # without its rows, which may name people: logs are kept by other tools
        logger.warning("data check: %s", _failure(replace(warning, first_rows=())))
    if report.failed:
        raise DataRejected(_sentence(report, night))


def _sentence(report: CheckReport, night: NightFacts) -> str:
    failures = "; ".join(_failure(result) for result in report.failed)
    back = "git restore --source=nights data/events.dvc && .venv/bin/dvc checkout data/events.dvc"
    if night.previous_events is None:  # no night has passed yet
        back = "rm -r data/events data/quarantine"
    return (
        f"{len(report.failed)} data checks failed, nothing was trained: {failures}. See reports/checks.html. "
        "If the data are right, widen the limit in the section check of params.yaml; else mend the inbox "
        f"and, where bad rows were accepted, go back: `{back}`."
    )


def _failure(result: CheckResult) -> str:
    count = f" for {result.unexpected} rows" if result.unexpected else ""
    detail = f" ({result.detail})" if result.detail else ""
    first = f", first: {' and '.join(result.first_rows[:2])}" if result.first_rows else ""
    return f"{result.table}.{result.column or 'rows'} {result.expectation} failed{count}{detail}{first}"
