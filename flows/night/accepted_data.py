"""data/accepted.jsonl: each data version that passed its checks, with numbers to compare later ones with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from components.domain.records import MomentOrNone
from components.files import DamagedFile, in_form, replace_text, with_schema, without_schema
from flows.environment import REPO

FILE = REPO / "data" / "accepted.jsonl"


@dataclass(frozen=True)
class Accepted:
    """A data version that passed its checks.

    Attributes:
        data_md5: DVC's hash of data/events.
        events: Number of its events without those from feedback; lines of an older Palate count these, too.
        newest: Time of the newest event, ISO 8601; empty without events.
        like_share: Share of likes among likes, dislikes and ratings; None without any.
        feedback: Number of its events from feedback.
    """

    data_md5: str
    events: int
    newest: MomentOrNone = ""
    like_share: float | None = None
    feedback: int = 0


def read() -> list[Accepted]:
    """Reads all accepted data versions, in the order in which they passed.

    Raises:
        DamagedFile: A line cannot be read as an accepted data version.
    """
    if not FILE.exists():
        return []
    try:
        lines = FILE.read_text(encoding="utf-8").splitlines()
        return [in_form(Accepted, without_schema(json.loads(line), FILE)) for line in lines]
    except (ValueError, RecursionError) as error:
        raise DamagedFile(
            f"{FILE} is damaged ({error}): remove its broken line; volumes are compared with the rest."
        ) from error


def is_accepted(data_md5: str) -> bool:
    """Tells whether the data with this hash passed their checks."""
    return data_md5 in {entry.data_md5 for entry in read()}


def earlier_than(data_md5: str, pointer_md5: str) -> list[Accepted]:
    """Chooses the accepted data versions that a night's data grew out of.

    Args:
        data_md5: Hash of the night's data, which are left out.
        pointer_md5: Hash that data/events.dvc held when the night began. If somebody went back to older
            data, what was accepted after those is left out.
    """
    entries = read()
    positions = [position for position, entry in enumerate(entries) if entry.data_md5 == pointer_md5]
    grown_from = entries[: positions[-1] + 1] if positions else entries
    return [entry for entry in grown_from if entry.data_md5 != data_md5]


def record(entry: Accepted) -> None:
    """Records data that passed their checks, unless they are the last entry already."""
    entries = read()
    if entry.data_md5 not in [last.data_md5 for last in entries[-1:]]:
        _write([*entries, entry])


def lower_volumes(count: int) -> None:
    """Subtracts forgotten events from the volumes that later nights are compared with."""
    _write([replace(entry, events=max(0, entry.events - count)) for entry in read()])


def rename(before: str, after: str) -> None:
    """Marks data as accepted that are an accepted version without the rows of forgotten people."""
    _write([replace(entry, data_md5=after) if entry.data_md5 == before else entry for entry in read()])


def _write(entries: Sequence[Accepted]) -> None:
    if entries:
        replace_text(FILE, "".join(f"{json.dumps(with_schema(asdict(entry)))}\n" for entry in entries))
