"""Columns say what the rows said, in any alphabet, and a part of them is the columns of these rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.domain.preferences.event_columns import Coded, EventColumns
from components.domain.preferences.opinion_log import moment

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(("person_id", "dish_id", "menu_id", "source"), st.text(max_size=3)),
            "kind": st.sampled_from(["rating", "like", "choice"]),
            "value": st.none() | st.floats(-9, 9),
            "occurred_at": st.datetimes(
                datetime(2000, 1, 1),
                datetime(9998, 1, 1),
                timezones=st.sampled_from([UTC, timezone(timedelta(hours=5.75))]),
            ),
        }
    )
)


def _rows(events: EventColumns) -> list[dict[str, Any]]:
    texts = {
        "person_id": events.person, "dish_id": events.dish, "menu_id": events.menu,
        "source": events.source, "kind": events.kind,
    }  # fmt: skip
    return [
        {name: column.names[column.number[row]] for name, column in texts.items()}
        | {"value": None if np.isnan(events.value[row]) else float(events.value[row])}
        | {"occurred_at": moment(events.at[row])}
        for row in range(len(events))
    ]


@given(ROWS, st.data())
def test_rows_come_back_and_every_name_is_used(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    events = EventColumns.of(rows)
    assert _rows(events) == rows
    some = data.draw(st.lists(st.integers(0, len(rows) - 1))) if rows else []
    part = events.take(np.array(some, np.int64))
    assert _rows(part) == [rows[number] for number in some]
    for column in (part.person, part.dish, part.kind, part.menu, part.source):
        assert list(column.names) == sorted({column.names[number] for number in column.number})


@given(st.lists(st.text(max_size=2)), st.lists(st.text(max_size=2), max_size=3))
def test_a_value_is_looked_up_once_a_name(texts: list[str], some: list[str]) -> None:
    column, calls = Coded.of(texts), list[str]()
    lengths = column.map(lambda text: calls.append(text) or len(text))  # type: ignore[func-returns-value]
    assert lengths.tolist() == [len(text) for text in texts]
    assert calls == sorted(set(texts))
    assert column.is_one_of(*some).tolist() == [text in some for text in texts]
