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

from pydantic import TypeAdapter, ValidationError

from components.domain.preferences.contract import as_id
from components.domain.preferences.events import RawRow
from components.integrations.sources.batches import Rows

logger = logging.getLogger(__name__)
SHOWN = "shown"
_MOMENT = TypeAdapter(datetime)


def menus_and_choices(source: str, rows: Rows) -> tuple[Rows, Rows]:
    """Turns events of one file that have `shown` into rows of menus and choices; others stay as they are."""
    menus, events, without = list[RawRow](), list[RawRow](), 0
    for row in rows:
        values = dict(row.values)
        offered, chosen = _ids(values.pop(SHOWN, None)), values.pop("chosen", None)
        if row.problem or not offered:
            events.append(row)
            continue
        dishes = _ids(values.get("dish_id") or chosen)
        without += not dishes
        day = _day(values.get("occurred_at"))  # empty where the event is refused for want of a moment
        content = "\x1f".join([day, *sorted(offered)]).encode()
        menu = {"menu_id": values.get("menu_id") or f"shown-{hashlib.sha256(content).hexdigest()[:16]}"}
        values |= {"kind": values.get("kind") or "choice", **menu}
        menus += (replace(row, values={**menu, "served_on": day, "dish_id": each}) for each in offered if day)
        events += (replace(row, values={**values, "dish_id": dish}) for dish in dishes)
    if without:
        logger.warning(f"{source}: {without:,} rows show dishes of which none was chosen: they are no events")
    return Rows.of(rows.files[0], menus), Rows.of(rows.files[0], events)


def _ids(value: Any) -> list[str]:
    """The ids in a cell, which is a list, a text with `;`, or one id."""
    parts = value.split(";") if isinstance(value, str) else value
    many = parts if isinstance(parts, list | tuple) else [parts]
    return list(dict.fromkeys(as_id(part) for part in many if part is not None and as_id(part)))


def _day(moment: Any) -> str:
    try:
        return _MOMENT.validate_python(moment).date().isoformat()
    except ValidationError:
        return ""
