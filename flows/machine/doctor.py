"""`make doctor DATA=…`: reads a user's tables as a night would, and says what it would make of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from components.domain.errors import BadParams
from components.domain.preferences.contract import TABLES, Stored
from components.domain.preferences.limits import limits_of
from components.files import replace_text
from components.integrations import event_sources
from components.integrations.sources import is_url, source_of
from components.integrations.sources.folder import SETTINGS, Folder
from components.integrations.sources.guesses import guess
from components.integrations.sources.intake import take_in
from components.integrations.sources.user_values import unsplit
from components.stages.doctor import SUGGESTED, examine
from flows.environment import REPO
from flows.night.settings import settings_for

ROUNDS = 4  # in which suggestions are followed; each may let rows in of which the next can tell more


def text(inbox: str) -> str:
    """Reads the tables of an inbox as a night would, and writes the page about them; changes no file.

    Args:
        inbox: Folder or address of the tables, as a night takes it.

    Raises:
        PalateError: A setting is wrong, or the inbox cannot be read.
    """
    params = settings_for(inbox)
    reading = source_of(params.collect, REPO).read({})
    nothing: Stored = {table: [] for table in TABLES if table != "events"}
    limits = limits_of(params, datetime.now(UTC))
    intake = take_in(reading.tables, nothing, event_sources.no_events(), limits)
    separator = next((other for rows in reading.tables.values() for _, other, _ in unsplit(rows)), "")
    return examine(params, intake.collected, event_sources.event_columns(intake.events), separator)


def write_settings(inbox: str) -> str:
    """Writes a params.yaml beside the tables as their names and rows suggest; returns the page that results.

    Raises:
        BadParams: The inbox has a params.yaml, or is not a folder of this machine.
        PalateError: The tables cannot be read with the written params.yaml, which stays for a person to mend.
    """
    path = Path(inbox).expanduser() / SETTINGS
    if not inbox or is_url(inbox) or path.exists():
        raise BadParams(
            f"WRITE=1 writes DATA/{SETTINGS} where there is none, and DATA is '{inbox}': leave it out."
        )
    settings: dict[str, Any] = {"collect": guess(Folder(str(path.parent)).headers())}
    reasons = ["collect.tables and collect.columns are guessed from names"]
    for _ in range(ROUNDS):
        head = "".join(f"# {reason}\n" for reason in ["Proposed by make doctor; look through it:", *reasons])
        replace_text(path, head + yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
        page = text(inbox)
        lines = [line.strip() for line in page.partition(SUGGESTED)[2].splitlines() if "  # " in line]
        if set(lines) <= set(reasons):
            break
        reasons += lines
        for section, values in (item for line in lines for item in yaml.safe_load(line).items()):
            settings.setdefault(section, {}).update(values)
    return f"{page}\nwritten: {path}\n"
