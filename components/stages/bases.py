"""Where base models lie: the base of `base.model`, and bases that single candidates name for themselves."""

from __future__ import annotations

from pathlib import Path

from components.domain.training_params import CandidateParams
from components.files import read_json
from components.stages.paths import BASE, BASES

MARKER = "palate.json"  # id, checksum and licence of a base, written last by integrations/base_models


def base_of(candidate: CandidateParams) -> Path:
    """Chooses the folder of a candidate's base: its own where it names one, else models/base."""
    return BASES / candidate.base if candidate.base else BASE


def base_facts(folder: Path) -> dict[str, str]:
    """Reads `id`, `sha256` and `licence` of the base in a folder."""
    return dict(read_json(folder / MARKER))


def base_with(sha256: str, root: Path = Path()) -> Path | None:
    """Finds the folder of the base with this checksum below a root; None where no base there has it.

    Args:
        sha256: Checksum of the base's weights.
    """
    markers = (root / BASE / MARKER, *sorted((root / BASES).glob(f"*/{MARKER}")))
    there = (marker.parent for marker in markers if marker.exists())
    return next((folder for folder in there if base_facts(folder)["sha256"] == sha256), None)
