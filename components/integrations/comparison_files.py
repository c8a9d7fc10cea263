"""pyarrow: comparisons and dishes as Parquet files; equal values give equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.domain.records import Comparison, Dish, Past

_COMPARISONS = pa.schema(
    [
        ("key", pa.string()),
        ("person_id", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("history_dishes", pa.list_(pa.string())),
        ("history_verdicts", pa.list_(pa.int8())),
        ("history_ratings", pa.list_(pa.float64())),
        ("dishes", pa.list_(pa.string())),
        ("chosen", pa.string()),
        ("verdicts", pa.list_(pa.int8())),
    ]
)
_DISHES = pa.schema(
    [
        *((name, pa.string()) for name in ("dish_id", "name", "description", "cuisine")),
        *((name, pa.list_(pa.string())) for name in ("tags", "ingredients")),
    ]
)


def write_comparisons(path: Path, comparisons: Sequence[Comparison]) -> None:
    """One row a comparison, in the order given."""
    rows = [
        {
            **vars(each),
            "history_dishes": [past.dish_id for past in each.history],
            "history_verdicts": [past.verdict for past in each.history],
            "history_ratings": [past.rating for past in each.history],
        }
        for each in comparisons
    ]
    pq.write_table(pa.Table.from_pylist(rows, _COMPARISONS), path)


def read_comparisons(path: Path) -> list[Comparison]:
    """The comparisons of a file that `write_comparisons` wrote."""
    return [
        Comparison(
            row["key"],
            row["person_id"],
            row["at"],
            tuple(map(Past, row["history_dishes"], row["history_verdicts"], row["history_ratings"])),
            tuple(row["dishes"]),
            row["chosen"],
            tuple(row["verdicts"]),
        )
        for row in pq.read_table(path).to_pylist()
    ]


def newest(path: Path) -> datetime:
    """Moment of the newest comparison in a file that holds any."""
    at: datetime = pc.max(pq.read_table(path, columns=["at"])["at"]).as_py()
    return at


def write_dishes(path: Path, dishes: dict[str, Dish]) -> None:
    """One row a dish, ordered by id."""
    rows = [vars(dishes[key]) for key in sorted(dishes)]
    pq.write_table(pa.Table.from_pylist(rows, _DISHES), path)


def read_dishes(path: Path) -> dict[str, Dish]:
    """The dishes of a file that `write_dishes` wrote, by id."""
    rows = pq.read_table(path).to_pylist()
    return {
        row["dish_id"]: Dish(**{**row, "tags": tuple(row["tags"]), "ingredients": tuple(row["ingredients"])})
        for row in rows
    }
