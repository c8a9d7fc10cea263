"""Events that list what was shown beside what was chosen, as logs of other services do: menus and choices.

`{"person_id": "ada", "shown": ["d1", "d2"], "chosen": "d2", "occurred_at": …}` is a menu of two dishes and
the choice of one. Whoever was shown the same dishes on the same day chose from one menu.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from components.domain.preferences.contract import as_id
from components.integrations.sources.batches import Batch, Rows
from components.integrations.sources.columns import column_of, values_of

logger = logging.getLogger(__name__)
SHOWN, CHOSEN = "shown", "chosen"
_MOMENT = TypeAdapter(datetime)


def menus_and_choices(source: str, rows: Rows) -> tuple[Rows, Rows]:
    """Turns events of one file that have `shown` into rows of menus and choices; others stay as they are."""
    menus, events, without = Rows(files=rows.files), Rows([], rows.broken, rows.files), 0
    for batch in rows.batches:
        offers = [_ids(cell) for cell in _cells(batch, SHOWN)]
        has_offer = np.array([bool(offer) for offer in offers], bool)
        if not has_offer.all():
            events.batches.append(batch.take(np.flatnonzero(~has_offer)))
        if has_offer.any():
            offered = batch.take(np.flatnonzero(has_offer))
            shown, chosen, nothing = _split(offered, [offer for offer in offers if offer])
            menus.batches.append(shown)
            events.batches.append(chosen)
            without += nothing
    if without:
        logger.warning(f"{source}: {without:,} rows show dishes of which none was chosen: they are no events")
    return menus, events


def _split(batch: Batch, offers: list[list[str]]) -> tuple[Batch, Batch, int]:
    """Splits rows into the menus that they show and what was chosen; counts those that choose nothing."""
    days = [_day(cell) for cell in _cells(batch, "occurred_at")]  # empty: the contract refuses the moment
    menus = [
        menu or _menu_id(day, offer)
        for menu, day, offer in zip(_cells(batch, "menu_id"), days, offers, strict=True)
    ]
    kinds = [kind or "choice" for kind in _cells(batch, "kind")]
    picks = [
        _ids(dish or chosen)
        for dish, chosen in zip(_cells(batch, "dish_id"), _cells(batch, CHOSEN), strict=True)
    ]
    rest = {name: column for name, column in batch.columns.items() if name not in {SHOWN, CHOSEN}}
    rest |= {"kind": column_of(kinds), "menu_id": column_of(menus)}
    shown = _for_each(
        replace(batch, columns={"menu_id": rest["menu_id"], "served_on": column_of(days)}),
        [offer if day else [] for offer, day in zip(offers, days, strict=True)],
    )
    chosen = _for_each(replace(batch, columns=rest), picks)
    if not {"dish_id", CHOSEN} & batch.columns.keys():  # so that a file without either is told of it
        chosen = replace(chosen, columns={name: chosen.columns[name] for name in rest})
    return shown, chosen, sum(not pick for pick in picks)


def _for_each(batch: Batch, dishes: list[list[str]]) -> Batch:
    """Repeats each row for each of its dishes."""
    repeated = batch.take(np.repeat(np.arange(len(dishes)), [len(some) for some in dishes]))
    names = column_of([dish for some in dishes for dish in some])
    return replace(repeated, columns={**repeated.columns, "dish_id": names})


def _cells(batch: Batch, name: str) -> list[Any]:
    return values_of(batch.columns[name]) if name in batch.columns else [None] * len(batch.lines)


def _menu_id(day: str, offer: list[str]) -> str:
    content = "\x1f".join([day, *sorted(offer)]).encode()
    return f"shown-{hashlib.sha256(content).hexdigest()[:16]}"


def _ids(value: Any) -> list[str]:
    """Lists the ids in a cell, which is a list, a text with `;`, or one id."""
    parts = value.split(";") if isinstance(value, str) else value
    many = parts if isinstance(parts, list | tuple) else [parts]
    return list(dict.fromkeys(as_id(part) for part in many if part is not None and as_id(part)))


def _day(moment: Any) -> str:
    try:
        return _MOMENT.validate_python(moment).date().isoformat()
    except ValidationError:
        return ""
