"""What feedback may be: the one place that says it, for the service's door and for the night.

Feedback is refused where it contradicts its answer. Feedback on a dish that neither its answer nor the
catalogue knows is kept aside, up to a bound, and read anew each night: docs/decisions/0053.
"""

from __future__ import annotations

import hashlib

from components.domain.exposures import Feedback
from components.domain.preferences.contract import SERVICE_IDS

MOST_ASIDE = 10_000  # rows that are kept aside; new ones beyond it are refused until a night takes some in
ASIDE_WAIT_S = 3_600  # after which refused feedback may come again; a night may have run
MOST_DISH_BYTES = 4_000  # UTF-8 of all texts of a caller's dish
NEW_DISHES = 2_000  # that a night takes in from answers alone; feedback on others waits for the next night
NEW_MENU_ROWS = 200_000  # dishes on the menus that a night takes in from answers; choices beyond wait, too


def stored_id(event_id: str, person_id: str) -> str:
    """Returns the event id under which feedback is stored and taken in.

    Neither a row of the inbox nor another person's feedback can have it.

    Args:
        event_id: The caller's, or the one that the service gave.
        person_id: Who.
    """
    return SERVICE_IDS + _digest((event_id, person_id))[:32]


def id_of(content: tuple[str, ...]) -> str:
    """Returns the id of feedback that came without one: the same content is the same feedback.

    Args:
        content: All that was sent, as texts.
    """
    return _digest(content)[:16]


def why_not_of(feedback: Feedback, person_id: str, *, was_shown: bool) -> str:
    """Says why feedback cannot be about its answer, as a sentence; empty where it can.

    Args:
        feedback: With the `answer_id` of a stored answer.
        person_id: Whom the answer was for.
        was_shown: Whether it showed the dish.
    """
    if person_id != feedback.person_id:
        return f"answer_id '{feedback.answer_id}' was another person's: send the person it was for."
    if not was_shown:
        return f"dish_id '{feedback.dish_id}' was not shown in that answer: send one that was."
    return ""


def _digest(parts: tuple[str, ...]) -> str:
    return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()
