"""Runs the suites as checkpoints of Great Expectations and translates their results into a CheckReport."""

from __future__ import annotations

import html
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import great_expectations as gx
import pyarrow as pa
import pyarrow.parquet as pq
from great_expectations.checkpoint import UpdateDataDocsAction
from great_expectations.expectations.expectation import Expectation
from great_expectations.expectations.metadata_types import FailureSeverity

from components.domain.params import CheckParams
from components.domain.preferences.contract import KEYS, TABLES, Stored
from components.domain.records import CheckReport, CheckResult, NightFacts
from components.integrations.data_checks import data_docs
from components.integrations.data_checks.frames import NEWS, frames_of
from components.integrations.data_checks.suites import Suites, suites

_FIRST_ROWS = 5
_SEVERITIES = {
    FailureSeverity.CRITICAL: "critical",
    FailureSeverity.INFO: "quarantine",
    FailureSeverity.WARNING: "warning",
}
_SITE = "palate"
_KEYS = {**KEYS, "night": ("night",), "shares": ("person_id",), NEWS: ("event_id",)}
_Identity = tuple[str, str, str]  # suite, kind of expectation and its column


def check(
    tables: Stored,
    events: pa.Table,
    night: NightFacts,
    params: CheckParams,
    docs: Path | None = None,
) -> CheckReport:
    """Validates every table; a failed expectation is a result, not an exception.

    A first run only decides every expectation. A second run looks for the offending rows of those that
    failed.

    Args:
        docs: Folder for Great Expectations' Data Docs, which is replaced; None to write no pages.
    """
    frames = frames_of(tables, events, night)
    expected = suites(frames, night, params, has_people=bool(tables["people"]))
    with tempfile.TemporaryDirectory() as name:
        for suite, frame in frames.items():
            pq.write_table(frame, Path(name) / f"{suite}.parquet")
        run = _Run(Path(name), docs)
        decided = run.checkpoint("all", expected, {"result_format": "BOOLEAN_ONLY"})
        details = dict(decided)
        for suite, some in _to_detail(expected, decided).items():
            keys = {"unexpected_index_column_names": [*_KEYS[suite]]}
            details |= run.checkpoint("in detail", {suite: some}, {"result_format": "COMPLETE", **keys})
    if docs:
        data_docs.make_offline(docs)
    results = [_result(suite, validation) for (suite, *_), validation in details.items()]
    ordered = sorted(results, key=lambda result: (result.table, result.expectation, result.column))
    rows = {name: len(frame) for name, frame in frames.items() if name in TABLES}
    return CheckReport(tuple(ordered), rows)


def _to_detail(expected: Suites, decided: Mapping[_Identity, Any]) -> Suites:
    """Chooses the expectations whose details are shown: those that failed, and all figures of the night."""
    chosen: dict[str, list[Expectation]] = {}
    for suite, expectations in expected.items():
        for expectation in expectations:
            if suite == "night" or not decided[_identity(suite, expectation.configuration)].success:
                chosen.setdefault(suite, []).append(expectation)
    return chosen


def _identity(suite: str, configuration: Any) -> _Identity:
    return suite, configuration.type, _column(configuration)


def _column(configuration: Any) -> str:
    return configuration.kwargs.get("column") or "/".join(configuration.kwargs.get("column_list", ()))


class _Run:
    """A context of Great Expectations over a temporary folder of frames; only the Data Docs remain of it."""

    def __init__(self, folder: Path, docs: Path | None) -> None:
        # This logger sets its own level to INFO and reports a temporary folder that is not used here.
        logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
        self.context: Any = gx.get_context(mode="ephemeral")
        self.context.variables.progress_bars = {"globally": False, "metric_calculations": False}
        for site in list(self.context.get_site_names()):
            self.context.delete_data_docs_site(site)
        self.actions = []
        if docs:
            self.context.add_data_docs_site(_SITE, data_docs.site(docs))
            self.actions = [UpdateDataDocsAction(name="pages", site_names=[_SITE])]
        self.source = self.context.data_sources.add_pandas_filesystem("accepted", base_directory=folder)

    def checkpoint(
        self, name: str, expected: Suites, result_format: Mapping[str, Any]
    ) -> dict[_Identity, Any]:
        """Runs a checkpoint and returns the validation of each expectation."""
        definitions = []
        for suite, expectations in expected.items():
            asset = self.source.add_parquet_asset(f"{suite}, {name}")
            batch = asset.add_batch_definition_path("data", f"{suite}.parquet")
            copies = [expectation.copy(update={"id": None}) for expectation in expectations]
            stored = self.context.suites.add(gx.ExpectationSuite(name=asset.name, expectations=copies))
            definition = gx.ValidationDefinition(name=asset.name, data=batch, suite=stored)
            definitions.append(self.context.validation_definitions.add(definition))
        names = ", ".join([name, *expected])
        checkpoint = gx.Checkpoint(
            name=names, validation_definitions=definitions, actions=self.actions, result_format=result_format
        )
        outcome = self.context.checkpoints.add(checkpoint).run()
        return {
            _identity(result.suite_name.partition(", ")[0], validation.expectation_config): validation
            for result in outcome.run_results.values()
            for validation in result.results
        }


def _result(table: str, validation: Any) -> CheckResult:
    config, outcome = validation.expectation_config, validation.result
    rows = outcome.get("unexpected_index_list") or []
    first_rows = tuple(
        html.unescape(", ".join(f"{key}={value}" for key, value in row.items())) for row in rows[:_FIRST_ROWS]
    )
    limits = [
        f"{name} {_figure(value)}"
        for name, value in config.kwargs.items()
        if name in {"min_value", "max_value", "threshold"} and value is not None
    ]
    observed = outcome.get("observed_value")
    if observed is not None and not isinstance(observed, list):
        limits.insert(0, f"observed {_figure(observed)}")
    return CheckResult(
        table,
        config.type.removeprefix("expect_"),
        _column(config),
        bool(validation.success),
        int(outcome.get("unexpected_count") or 0),
        first_rows,
        ", ".join(limits) or ("" if validation.success else _exception_message(validation)),
        _SEVERITIES[config.severity],
    )


def _figure(value: Any) -> Any:
    """Converts a whole number that Great Expectations gives as a float back to an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _exception_message(validation: Any) -> str:
    """Explains why an expectation could not be computed, such as a missing column.

    The text is empty where the expectation was computed. Great Expectations nests the exceptions of metrics
    one level deeper than the others.
    """
    exceptions = validation.exception_info or {}
    exception = exceptions if "exception_message" in exceptions else next(iter(exceptions.values()), {})
    return str(exception.get("exception_message") or "")
