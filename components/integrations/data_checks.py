"""Great Expectations: whether the accepted tables, as a whole, may be trained on.

The expectations are code and nothing is stored, so the result depends only on the tables, the night's facts
and the params. Whether an id exists in another table is a derived boolean column: a value set with every id
would be repeated in the report.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.expectation import Expectation

from components.domain.params import CheckParams
from components.domain.preferences.contract import KEYS, KINDS, Stored, columns, required_columns
from components.domain.records import CheckReport, CheckResult, NightFacts

_FIRST_ROWS = 5
_EARLIEST = pd.Timestamp("2000-01-01", tz="UTC")


def check(tables: Stored, night: NightFacts, params: CheckParams, clock_skew_h: float) -> CheckReport:
    """Validates every table; a failed expectation is a result, not an exception.

    Args:
        tables: All accepted rows by table.
        night: Facts of the night that collected them.
        params: Limits of the expectations.
        clock_skew_h: Hours that an event's time may lie after the collection.
    """
    frames = {name: pd.DataFrame(rows, columns=list(columns(name))) for name, rows in tables.items()}
    _derive(frames)
    # This logger sets its own level to INFO and reports a temporary folder that is not used here.
    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    source = context.data_sources.add_pandas("accepted")
    share = night.rows_quarantined / max(1, night.rows_seen)
    frames["night"] = pd.DataFrame([{"night": night.collected_at, "quarantined_share": share}])
    results: list[CheckResult] = []
    for name, expectations in _suites(night, params, clock_skew_h, bool(tables["people"])).items():
        asset = source.add_dataframe_asset(name)
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frames[name]})
        key = list(KEYS.get(name, ("night",)))
        outcome = batch.validate(
            gx.ExpectationSuite(name=name, expectations=expectations),
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": key},
        )
        results += [_result(name, validation) for validation in outcome.results]
    ordered = sorted(results, key=lambda result: (result.table, result.expectation, result.column))
    return CheckReport(tuple(ordered), {name: len(rows) for name, rows in tables.items()})


def _derive(frames: Mapping[str, pd.DataFrame]) -> None:
    """Adds boolean columns: an id exists in its table, a choice was on its menu, a rating has a value."""
    events, menus = frames["events"], frames["menus"]
    dishes = set(frames["dishes"]["dish_id"])
    offered = set(zip(menus["menu_id"], menus["dish_id"], strict=True))
    events["dish_exists"] = events["dish_id"].isin(dishes)
    events["person_exists"] = events["person_id"].isin(set(frames["people"]["person_id"]))
    chosen = zip(events["kind"], events["menu_id"], events["dish_id"], strict=True)
    events["was_offered"] = [kind != "choice" or (menu, dish) in offered for kind, menu, dish in chosen]
    events["rating_has_value"] = (events["kind"] != "rating") | events["value"].notna()
    menus["dish_exists"] = menus["dish_id"].isin(dishes)


def _suites(
    night: NightFacts, params: CheckParams, clock_skew_h: float, has_people: bool
) -> dict[str, Sequence[Expectation]]:
    latest = pd.Timestamp(datetime.fromisoformat(night.collected_at) + timedelta(hours=clock_skew_h))
    previous = night.previous_events
    low, high = params.value_range
    events = [
        *_schema("events"),
        gxe.ExpectColumnValuesToBeInSet(column="kind", value_set=list(KINDS)),
        gxe.ExpectColumnValuesToBeBetween(column="value", min_value=low, max_value=high),
        gxe.ExpectColumnValuesToBeBetween(column="occurred_at", min_value=_EARLIEST, max_value=latest),
        gxe.ExpectTableRowCountToBeBetween(
            min_value=max(params.min_events, previous or 0),
            max_value=None if previous is None else int(previous * params.max_growth),
        ),
        *_all_true(
            "dish_exists", "was_offered", "rating_has_value", *(["person_exists"] if has_people else [])
        ),
    ]
    return {
        "dishes": [*_schema("dishes"), gxe.ExpectTableRowCountToBeBetween(min_value=2)],
        "people": _schema("people"),
        "menus": [*_schema("menus"), *_all_true("dish_exists")],
        "events": events,
        "night": [
            gxe.ExpectColumnMaxToBeBetween(
                column="quarantined_share", max_value=params.max_quarantined_share
            ),
        ],
    }


def _schema(table: str) -> list[Expectation]:
    key = KEYS[table]
    return [
        gxe.ExpectTableColumnsToMatchSet(column_set=list(columns(table)), exact_match=False),
        *(gxe.ExpectColumnValuesToNotBeNull(column=name) for name in required_columns(table)),
        gxe.ExpectColumnValuesToBeUnique(column=key[0])
        if len(key) == 1
        else gxe.ExpectCompoundColumnsToBeUnique(column_list=list(key)),
    ]


def _all_true(*columns: str) -> list[Expectation]:
    return [gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[True]) for column in columns]


def _result(table: str, validation: Any) -> CheckResult:
    config, outcome = validation.expectation_config, validation.result
    column = config.kwargs.get("column") or "/".join(config.kwargs.get("column_list", ()))
    rows = outcome.get("unexpected_index_list") or []
    first_rows = tuple(
        ", ".join(f"{key}={value}" for key, value in row.items()) for row in rows[:_FIRST_ROWS]
    )
    limits = {
        name: str(value)
        for name, value in config.kwargs.items()
        if name.endswith("_value") and value is not None
    }
    detail = ", ".join(f"{name} {value}" for name, value in limits.items())
    if "observed_value" in outcome and not isinstance(outcome["observed_value"], list):
        detail = f"observed {outcome['observed_value']}" + (f"; {detail}" if detail else "")
    return CheckResult(
        table,
        config.type.removeprefix("expect_"),
        column,
        bool(validation.success),
        int(outcome.get("unexpected_count") or 0),
        first_rows,
        detail or ("" if validation.success else _exception_message(validation)),
    )


def _exception_message(validation: Any) -> str:
    """Why an expectation could not be computed, such as a missing column; empty where it was computed.

    Great Expectations nests the exceptions of metrics one level deeper than the others.
    """
    exceptions = validation.exception_info or {}
    exception = exceptions if "exception_message" in exceptions else next(iter(exceptions.values()), {})
    return str(exception.get("exception_message") or "")
