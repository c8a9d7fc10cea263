"""pyarrow: the split's tables as Parquet files; equal values give equal bytes.

`dishes.parquet` and `people.parquet` number dishes and people by their order; `log.parquet` holds the
opinions of histories; `train.parquet` and `test.parquet` hold comparisons, whose histories are ranges of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.domain.preferences.splits import Split
from components.domain.preferences.tables import Comparisons, Ints, Moments, OpinionLog
from components.domain.records import Dish

_MOMENT = pa.timestamp("us", tz="UTC")
_DISHES = pa.schema(
    [
        *((name, pa.string()) for name in ("dish_id", "name", "description", "cuisine")),
        *((name, pa.list_(pa.string())) for name in ("tags", "ingredients")),
    ]
)


@dataclass(frozen=True)
class SplitFiles:
    """What the split stage leaves: the dishes by id, and comparisons to train and to test on."""

    dishes: dict[str, Dish]
    train: Comparisons
    test: Comparisons


def write_split(folder: Path, dishes: Mapping[str, Dish], split: Split) -> None:
    """Writes all five files."""
    folder.mkdir(parents=True, exist_ok=True)
    log = split.train.log
    rows = [vars(dishes[dish]) for dish in log.dishes]
    pq.write_table(pa.Table.from_pylist(rows, _DISHES), folder / "dishes.parquet")
    pq.write_table(pa.table({"person_id": pa.array(log.people, pa.string())}), folder / "people.parquet")
    pq.write_table(_log_table(log), folder / "log.parquet")
    pq.write_table(_comparison_table(split.train), folder / "train.parquet")
    pq.write_table(_comparison_table(split.test), folder / "test.parquet")


def read_split(folder: Path) -> SplitFiles:
    """Reads what `write_split` wrote; both halves share one log."""
    log = _read_log(folder)
    train, test = (_read_comparisons(folder / f"{half}.parquet", log) for half in ("train", "test"))
    return SplitFiles(read_dishes(folder), train, test)


def read_dishes(folder: Path) -> dict[str, Dish]:
    """The dishes by id."""
    rows = pq.read_table(folder / "dishes.parquet").to_pylist()
    return {
        row["dish_id"]: Dish(**{**row, "tags": tuple(row["tags"]), "ingredients": tuple(row["ingredients"])})
        for row in rows
    }


def newest(folder: Path) -> datetime:
    """Moment of the newest training comparison."""
    at: datetime = pc.max(pq.read_table(folder / "train.parquet", columns=["at"])["at"]).as_py()
    return at


def _log_table(log: OpinionLog) -> pa.Table:
    return pa.table(
        {
            "person": log.person,
            "dish": log.dish,
            "at": _moments(log.at),
            "verdict": pa.array(log.verdict, pa.int8()),
            "rating": pa.array(log.rating, from_pandas=True),
            "menu_id": pa.array([log.menus[menu] if menu >= 0 else "" for menu in log.menu], pa.string()),
            "source": pa.array([log.sources[source] for source in log.source], pa.string()),
        }
    )


def _read_log(folder: Path) -> OpinionLog:
    table = pq.read_table(folder / "log.parquet")
    menus, menu = _numbered(table["menu_id"].to_pylist())
    sources, source = _numbered(table["source"].to_pylist())
    no_menu = menus[:1] == ("",)
    return OpinionLog(
        people=tuple(pq.read_table(folder / "people.parquet")["person_id"].to_pylist()),
        dishes=tuple(pq.read_table(folder / "dishes.parquet", columns=["dish_id"])["dish_id"].to_pylist()),
        menus=menus[1:] if no_menu else menus,
        sources=sources,
        person=_ints(table["person"]),
        dish=_ints(table["dish"]),
        at=_read_moments(table["at"]),
        verdict=_ints(table["verdict"]),
        rating=table["rating"].to_numpy().astype(np.float64),
        menu=menu - 1 if no_menu else menu,
        source=source,
    )


def _numbered(values: list[str]) -> tuple[tuple[str, ...], Ints]:
    names, numbers = np.unique(np.array(values, object), return_inverse=True)
    return tuple(names.tolist()), numbers.astype(np.int64)


def _comparison_table(comparisons: Comparisons) -> pa.Table:
    return pa.table(
        {
            "key": pa.array(comparisons.key, pa.string()),
            "person": comparisons.person,
            "at": _moments(comparisons.at),
            "start": comparisons.start,
            "stop": comparisons.stop,
            "hidden": _lists(comparisons.hidden, comparisons.hidden_sizes, pa.int64()),
            "dishes": _lists(comparisons.offered, comparisons.sizes, pa.int64()),
            "chosen": comparisons.chosen,
            "verdicts": _lists(comparisons.verdict, comparisons.sizes, pa.int8()),
        }
    )


def _read_comparisons(path: Path, log: OpinionLog) -> Comparisons:
    table = pq.read_table(path)
    sizes = {name: pc.list_value_length(table[name]) for name in ("hidden", "dishes")}
    return Comparisons(
        log=log,
        person=_ints(table["person"]),
        start=_ints(table["start"]),
        stop=_ints(table["stop"]),
        hidden=_ints(pc.list_flatten(table["hidden"])),
        hidden_sizes=_ints(sizes["hidden"]),
        offered=_ints(pc.list_flatten(table["dishes"])),
        sizes=_ints(sizes["dishes"]),
        key=np.array(table["key"].to_pylist(), object),
        at=_read_moments(table["at"]),
        chosen=_ints(table["chosen"]),
        verdict=_ints(pc.list_flatten(table["verdicts"])),
    )


def _lists(values: Ints, sizes: Ints, kind: pa.DataType) -> pa.Array:
    ends = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
    return pa.ListArray.from_arrays(ends, pa.array(values, kind))


def _ints(column: Any) -> Ints:
    return np.asarray(column.to_numpy(), np.int64)


def _moments(at: Moments) -> pa.Array:
    return pa.array(at.astype("datetime64[us]").astype(np.int64), pa.int64()).cast(_MOMENT)


def _read_moments(column: Any) -> Moments:
    return column.cast(pa.int64()).to_numpy().astype("datetime64[us]")  # type: ignore[no-any-return]
