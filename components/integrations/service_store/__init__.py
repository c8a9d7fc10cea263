"""SQLAlchemy: the service's own store in SQLite or PostgreSQL: its answers, and what a night publishes."""

from components.integrations.service_store.answer_log import (
    answers_since,
    begin_reading,
    dishes_shown,
    read_feedback,
    shown_by,
)
from components.integrations.service_store.answers import ServiceStore
from components.integrations.service_store.catalogue import Catalogue
from components.integrations.service_store.engine import NAME
from components.integrations.service_store.people import People
from components.integrations.service_store.pruning import prune, refuse_unmoved, size_of
from components.integrations.service_store.quotas import full_days
from components.integrations.service_store.shown_dishes import picks, showings, texts_shown

__all__ = [
    "NAME",
    "Catalogue",
    "People",
    "ServiceStore",
    "answers_since",
    "begin_reading",
    "dishes_shown",
    "full_days",
    "picks",
    "prune",
    "read_feedback",
    "refuse_unmoved",
    "showings",
    "shown_by",
    "size_of",
    "texts_shown",
]
