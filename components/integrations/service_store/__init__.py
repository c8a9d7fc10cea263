"""SQLAlchemy: the service's own store, in SQLite or PostgreSQL: its answers, and what a night gives it."""

from components.integrations.service_store.answer_log import answers_since
from components.integrations.service_store.answers import SHOWN, ServiceStore
from components.integrations.service_store.catalogue import Catalogue
from components.integrations.service_store.engine import NAME
from components.integrations.service_store.people import People
from components.integrations.service_store.quotas import full_days
from components.integrations.service_store.served_scores import served_scores

__all__ = [
    "NAME",
    "SHOWN",
    "Catalogue",
    "People",
    "ServiceStore",
    "answers_since",
    "full_days",
    "served_scores",
]
