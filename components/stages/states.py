"""States of dishes that are kept from night to night."""

from __future__ import annotations

from pathlib import Path

from components.domain.ranker.language_model import LanguageModel
from components.integrations.dish_states import StoredStates
from components.stages.bases import base_facts
from components.stages.paths import STATES


def stored_states(model: LanguageModel, folder: Path) -> StoredStates:
    """Opens the stored states of a base, which reads only dishes that no earlier night has read.

    Args:
        model: The base, untuned, with any head.
    """
    return StoredStates(STATES, model, base_facts(folder)["sha256"])
