"""Where a user's tables come from: a folder of files, here or in object storage, or a database."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from components.domain.errors import BadParams
from components.domain.params import CollectParams
from components.integrations.sources.database import PASSWORD, Database, is_database
from components.integrations.sources.folder import Folder
from components.integrations.sources.rows import Reading, Watermarks, check_names


class Source(Protocol):
    """Where a user's tables come from."""

    def read(self, since: Watermarks, *, has_earlier: bool = False) -> Reading:
        """Reads all rows, or those that are new since the watermarks where the source can tell.

        Args:
            since: What the reading before left.
            has_earlier: Whether there are events of earlier nights, so that tonight may bring none.

        Raises:
            DataRejected: The source cannot be read, has nothing in which events could be, or holds none
                and never did.
        """
        ...


def is_url(inbox: str) -> bool:
    """Tells whether an inbox is named by a URL and so is no folder of this machine."""
    return "://" in inbox


def source_of(params: CollectParams, root: Path) -> Source:
    """Builds the source that `collect.inbox` names.

    Args:
        root: Folder that a relative path starts from.

    Raises:
        BadParams: A setting names a table or column of no contract, or is of no use for this inbox.
    """
    check_names("columns", params.columns)
    check_names("values", params.values)
    for section, names in (("tables", params.tables), ("watermarks", params.watermarks)):
        check_names(section, {table: {} for table in names})
    _check_no_password(params.inbox)
    if is_url(params.inbox) and is_database(params.inbox):
        forms = params.list_separator, params.values
        return Database(params.inbox, params.tables, params.columns, params.watermarks, *forms)
    if params.watermarks:
        raise BadParams(
            f"collect.watermarks are of a database, and collect.inbox is '{params.inbox}': leave them out, "
            "or name a database such as postgresql://reader@host/meals."
        )
    address = params.inbox if is_url(params.inbox) else str(root / Path(params.inbox).expanduser())
    text = params.list_separator, params.encoding
    return Folder(address, params.columns, params.tables, *text, params.values)


def _check_no_password(inbox: str) -> None:
    password = urlsplit(inbox).password if is_url(inbox) else None
    if password:
        raise BadParams(
            f"collect.inbox '{inbox.replace(f':{password}@', ':***@')}' holds a password, and params.yaml is "
            f"committed every night: take it out and set the environment variable {PASSWORD}, or what the "
            "storage's own tools read."
        )
