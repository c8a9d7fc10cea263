"""Who was erased over HTTP and waits for the night that takes them out of everything else."""

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
    """Ids of all who wait, oldest first; until the end of the transaction no other is added.

    Args:
        connection: In a transaction that has written already, which in SQLite makes it the only writer.
    """
    _let_no_other_in(connection)
    return list(connection.execute(sa.select(ERASURES.c.person_id).order_by("queued_at")).scalars())


def refuse_erased(connection: sa.Connection, person_id: str) -> None:
    """Is called after a row of a person was written, which then never stays beside their erasure.

    Args:
        connection: In the transaction that wrote the row.
        person_id: Whose row it is.

    Raises:
        Erased: They were erased.
    """
    _let_no_other_in(connection)
    if connection.execute(sa.select(ERASURES).where(ERASURES.c.person_id == person_id)).first():
        raise Erased("This person was erased: use another person_id.")


def _let_no_other_in(connection: sa.Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE erasures IN SHARE MODE"))
