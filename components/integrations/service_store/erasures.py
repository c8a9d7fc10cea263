"""The queue of people who were erased over HTTP, until a night takes them out of everything else."""

from __future__ import annotations

import sqlalchemy as sa

from components.domain.errors import Erased
from components.integrations.service_store.engine import META

ERASURES = sa.Table(
    "erasures",
    META,
    sa.Column("person_id", sa.String(200), primary_key=True),
    sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
)
QUEUE = sa.text(  # whoever waits already keeps their place
    "INSERT INTO erasures (person_id, queued_at) VALUES (:person_id, :queued_at) ON CONFLICT DO NOTHING"
).bindparams(sa.bindparam("queued_at", type_=ERASURES.c.queued_at.type))


def erased(connection: sa.Connection) -> list[str]:
    """Reads the ids of all who wait, oldest first; nobody else can be added until the transaction ends.

    Args:
        connection: Connection in a transaction that has written already; in SQLite it is the only writer.
    """
    _let_no_other_in(connection)
    return list(connection.execute(sa.select(ERASURES.c.person_id).order_by("queued_at")).scalars())


def refuse_erased(connection: sa.Connection, person_id: str) -> None:
    """Raises Erased if the person was erased while their row was being written, so the caller rolls back.

    Args:
        connection: Connection in the transaction that wrote the row.

    Raises:
        Erased: The person was erased.
    """
    _let_no_other_in(connection)
    if connection.execute(sa.select(ERASURES).where(ERASURES.c.person_id == person_id)).first():
        raise Erased("This person was erased: use another person_id.")


def _let_no_other_in(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE erasures IN SHARE MODE"))
