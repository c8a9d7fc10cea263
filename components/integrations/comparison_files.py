"""pyarrow: the split's tables as Parquet files; equal values give equal bytes.

`dishes.parquet`, `people.parquet` and `menus.parquet` number their rows by order. `log.parquet` holds the
opinions of histories. `train.parquet` and `test.parquet` hold comparisons, whose histories are ranges of
lines of the log.
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

from components.domain.preferences.arrays import Bools, Ints, Moments
from components.domain.preferences.opinion_log import Menus, OpinionLog
from components.domain.preferences.splits import Split
from components.domain.preferences.strengths import RatingScale, known_opinions, rating_scale
from components.domain.preferences.tables import Comparisons
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
    """The files of the split stage: dishes, and comparisons to train and to test on with the log behind them.

    Attributes:
        dishes: All dishes, by id.
        train: Comparisons to train on.
        test: Comparisons that are held out, on the same log.
        may_know: (L,) True for the lines of the log that training may read.
    """

    dishes: dict[str, Dish]
    train: Comparisons
    test: Comparisons
    may_know: Bools

    @property
    def ratings(self) -> RatingScale:
        """The scale that turns ratings into strengths."""
        return rating_scale(known_opinions(self.train.log, self.may_know))


def write_split(folder: Path, dishes: Mapping[str, Dish], split: Split) -> None:
    """Writes all six files."""
    folder.mkdir(parents=True, exist_ok=True)
    log = split.train.log
    rows = [vars(dishes[dish]) for dish in log.dishes]
    pq.write_table(pa.Table.from_pylist(rows, _DISHES), folder / "dishes.parquet")
    pq.write_table(pa.table({"person_id": pa.array(log.people, pa.string())}), folder / "people.parquet")
    dishes_of_menus = _lists(log.menus.dish, log.menus.sizes, pa.int64())
    menus = {"menu_id": pa.array(log.menus.ids, pa.string()), "dishes": dishes_of_menus}
    pq.write_table(pa.table(menus), folder / "menus.parquet")
    pq.write_table(_log_table(log, split.may_know), folder / "log.parquet")
    pq.write_table(_comparison_table(split.train), folder / "train.parquet")
    pq.write_table(_comparison_table(split.test), folder / "test.parquet")


def read_split(folder: Path) -> SplitFiles:
    """Reads what `write_split` wrote; training and test share one log."""
    log, may_know = _read_log(folder)
    train, test = (_read_comparisons(folder / f"{half}.parquet", log) for half in ("train", "test"))
    return SplitFiles(read_dishes(folder), train, test, may_know)


def read_dishes(folder: Path) -> dict[str, Dish]:
    """Reads all dishes, by id."""
    rows = pq.read_table(folder / "dishes.parquet").to_pylist()
    return {
        row["dish_id"]: Dish(**{**row, "tags": tuple(row["tags"]), "ingredients": tuple(row["ingredients"])})
        for row in rows
    }


def newest(folder: Path) -> datetime:
    """Reads the moment of the newest training comparison."""
    at: datetime = pc.max(pq.read_table(folder / "train.parquet", columns=["at"])["at"]).as_py()
    return at


def _log_table(log: OpinionLog, may_know: Bools) -> pa.Table:
    return pa.table(
        {
            "person": log.person,
            "dish": log.dish,
            "at": _moments(log.at),
            "verdict": pa.array(log.verdict, pa.int8()),
            "rating": pa.array(log.rating, from_pandas=True),
            "menu": log.menu,
            "source": pa.array(log.sources, pa.string()).take(pa.array(log.source)),
            "source_offset": log.offset[log.source],
            "is_order": log.is_order,
            "day": _days(log.day),
            "may_know": may_know,
        }
    )


def _read_log(folder: Path) -> tuple[OpinionLog, Bools]:
    table = pq.read_table(folder / "log.parquet")
    sources, source = _numbered(table["source"].to_pylist())
    offset = np.zeros(len(sources))
    offset[source] = table["source_offset"].to_numpy()
    log = OpinionLog(
        people=_ids(folder / "people.parquet", "person_id"),
        dishes=_ids(folder / "dishes.parquet", "dish_id"),
        menus=_read_menus(folder / "menus.parquet"),
        sources=sources,
        person=_ints(table["person"]),
        dish=_ints(table["dish"]),
        at=_read_moments(table["at"]),
        verdict=_ints(table["verdict"]),
        rating=table["rating"].to_numpy().astype(np.float64),
        menu=_ints(table["menu"]),
        source=source,
        is_order=_bools(table["is_order"]),
        day=_read_days(table["day"]),
        offset=offset,
    )
    return log, _bools(table["may_know"])


def _read_menus(path: Path) -> Menus:
    dishes = pq.read_table(path)["dishes"]
    return Menus(_ids(path, "menu_id"), _ints(pc.list_flatten(dishes)), _ints(pc.list_value_length(dishes)))


def _ids(path: Path, column: str) -> tuple[str, ...]:
    return tuple(pq.read_table(path, columns=[column])[column].to_pylist())


def _numbered(values: list[str]) -> tuple[tuple[str, ...], Ints]:
    names, numbers = np.unique(np.array(values, object), return_inverse=True)
    return tuple(names.tolist()), numbers.astype(np.int64)


def _comparison_table(comparisons: Comparisons) -> pa.Table:
    return pa.table(
        {
            "key": pa.array(comparisons.key, pa.string()),
            "person": comparisons.person,
            "at": _moments(comparisons.at),
            "day": _days(comparisons.day),
            "menu": comparisons.menu,
            "start": comparisons.start,
            "stop": comparisons.stop,
            "hidden": _lists(comparisons.hidden, comparisons.hidden_sizes, pa.int64()),
            "dishes": _lists(comparisons.offered, comparisons.sizes, pa.int64()),
            "chosen": comparisons.chosen,
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
        day=_read_days(table["day"]),
        menu=_ints(table["menu"]),
        chosen=_ints(table["chosen"]),
    )


def _lists(values: Ints, sizes: Ints, kind: pa.DataType) -> pa.Array:
    ends = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
    return pa.ListArray.from_arrays(ends, pa.array(values, kind))


def _ints(column: Any) -> Ints:
    return np.asarray(column.to_numpy(), np.int64)


def _bools(column: Any) -> Bools:
    return np.asarray(column.to_numpy(), bool)


def _days(days: Moments) -> pa.Array:
    return pa.array(days.astype("datetime64[D]").astype(np.int32), pa.int32()).cast(pa.date32())


def _read_days(column: Any) -> Moments:
    return column.cast(pa.int32()).to_numpy().astype("datetime64[D]")  # type: ignore[no-any-return]


def _moments(at: Moments) -> pa.Array:
    return pa.array(at.astype("datetime64[us]").astype(np.int64), pa.int64()).cast(_MOMENT)


def _read_moments(column: Any) -> Moments:
    return column.cast(pa.int64()).to_numpy().astype("datetime64[us]")  # type: ignore[no-any-return]
