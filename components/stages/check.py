"""data/events → reports/checks.json and .html."""

from __future__ import annotations

from dataclasses import asdict

from components.domain.errors import DataRejected
from components.domain.params import Params
from components.domain.records import CheckReport, NightFacts
from components.files import read_json, write_json
from components.integrations import data_checks, event_sources, pages
from components.stages.paths import CHECKS, EVENTS, NIGHT, REPORTS


def check(params: Params) -> None:
    """Checks the accepted tables; writes the report, then fails if an expectation did.

    Raises:
        DataRejected: Each failed expectation with its column, count and first rows.
    """
    night = NightFacts(**read_json(NIGHT))
    report = data_checks.check(
        event_sources.read_tables(EVENTS), night, params.check, params.collect.clock_skew_h
    )
    write_json(
        CHECKS,
        {
            "passed": len(report.results) - len(report.failed),
            "failed": len(report.failed),
            "rows": report.rows,
            "data_md5": night.data_md5,
            "results": [asdict(each) for each in report.results],
        },
    )
    (REPORTS / "checks.html").write_text(pages.checks_page(report, night), encoding="utf-8")
    if report.failed:
        raise DataRejected(_sentence(report))


def _sentence(report: CheckReport) -> str:
    told = []
    for each in report.failed:
        count = f" for {each.unexpected} rows" if each.unexpected else ""
        detail = f" ({each.detail})" if each.detail else ""
        first = f", first: {' and '.join(each.first_rows[:2])}" if each.first_rows else ""
        told.append(f"{each.table}.{each.column or 'rows'} {each.expectation} failed{count}{detail}{first}")
    return (
        f"{len(told)} data checks failed, nothing was trained: {'; '.join(told)}. See reports/checks.html; "
        "to go back: `git restore --source=nights data/events.dvc && dvc checkout data/events.dvc`."
    )
