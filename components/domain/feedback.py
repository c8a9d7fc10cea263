"""The rules of feedback, in one place for the service, which receives it, and for the night.

Feedback that contradicts its answer is refused. Feedback on a dish that neither its answer nor the catalogue
knows is kept aside, up to a bound, and read anew each night: docs/decisions/0053.
"""

from __future__ import annotations

import hashlib

from components.domain.exposures import PLAN, Feedback
from components.domain.preferences.contract import SERVICE_IDS

MOST_ASIDE = 10_000  # rows that are kept aside; further rows are refused until a night takes some in
ASIDE_WAIT_S = 3_600  # seconds after which refused feedback may come again; a night may have run
MOST_DISH_BYTES = 4_000  # bytes in UTF-8 of all texts of a caller's dish together
NEW_DISHES = 2_000  # new dishes that a night takes in from answers; feedback on others waits for the next
NEW_MENU_ROWS = 200_000  # dishes on menus that a night takes in from answers; choices beyond wait as well


def stored_id(event_id: str, person_id: str) -> str:
    """Derives the event id under which feedback is stored and taken in.

    Neither a row of the inbox nor another person's feedback can have the same id.

    Args:
        event_id: Id that the caller or the service gave to the feedback.
    """
    return SERVICE_IDS + _digest((event_id, person_id))[:32]


def id_of(content: tuple[str, ...]) -> str:
    """Derives an id for feedback that came without one; the same content gets the same id.

    Args:
        content: Everything that was sent, as texts.
    """
    return _digest(content)[:16]


def why_not_of(feedback: Feedback, person_id: str, *, was_shown: bool) -> str:
    """Explains in a sentence why feedback cannot be about its answer; empty where it can.

    Args:
        feedback: Feedback with the `answer_id` of a stored answer.
        was_shown: Whether the answer showed the dish.
    """
    if person_id != feedback.person_id:
        return f"answer_id '{feedback.answer_id}' was another person's: send the person it was for."
    if not was_shown:
        return f"dish_id '{feedback.dish_id}' was not shown in that answer: send one that was."
    if feedback.kind == "choice" and feedback.answer_id.rpartition("/")[2].startswith(PLAN):
        return f"answer_id '{feedback.answer_id}' is a plan and no menu: send an order."
    return ""


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()
