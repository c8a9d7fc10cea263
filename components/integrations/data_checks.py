"""Great Expectations: whether the accepted tables, as a whole, may be trained on.

The context is ephemeral and the suites are code, so a check is a function of the tables, the night's facts
and the params. Ids that must exist elsewhere become derived boolean columns: a value set of every id would
bloat the report.
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
    """Validates every table; a failed expectation is a result, not an exception."""
    frames = {name: pd.DataFrame(rows, columns=list(columns(name))) for name, rows in tables.items()}
    _derive(frames)
    # This one sets itself to INFO, to tell of a temporary folder that nobody here uses.
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
        validated = batch.validate(
            gx.ExpectationSuite(name=name, expectations=expectations),
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": key},
        )
        results += [_result(name, each) for each in validated.results]
    ordered = sorted(results, key=lambda each: (each.table, each.expectation, each.column))
    return CheckReport(tuple(ordered), {name: len(rows) for name, rows in tables.items()})


def _derive(frames: Mapping[str, pd.DataFrame]) -> None:
    """Adds the boolean columns that say whether an id exists where it points."""
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
        *_true("dish_exists", "was_offered", "rating_has_value", *(["person_exists"] if has_people else [])),
    ]
    return {
        "dishes": [*_schema("dishes"), gxe.ExpectTableRowCountToBeBetween(min_value=2)],
        "people": _schema("people"),
        "menus": [*_schema("menus"), *_true("dish_exists")],
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


def _true(*names: str) -> list[Expectation]:
    return [gxe.ExpectColumnValuesToBeInSet(column=name, value_set=[True]) for name in names]


def _result(table: str, validated: Any) -> CheckResult:
    config, outcome = validated.expectation_config, validated.result
    column = config.kwargs.get("column") or "/".join(config.kwargs.get("column_list", ()))
    rows = outcome.get("unexpected_index_list") or []
    first = tuple(", ".join(f"{key}={value}" for key, value in row.items()) for row in rows[:_FIRST_ROWS])
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
        bool(validated.success),
        int(outcome.get("unexpected_count") or 0),
        first,
        detail or ("" if validated.success else _why(validated)),
    )


def _why(validated: Any) -> str:
    """The message of an expectation that could not even be computed (a missing column, a wrong type)."""
    info = validated.exception_info or {}
    flat = info if "exception_message" in info else next(iter(info.values()), {})
    return str(flat.get("exception_message") or "")
