"""Where the stages read and write their files, from the root, and how a stage says that it failed."""

from __future__ import annotations

from pathlib import Path

EVENTS, QUARANTINE, NIGHT = Path("data/events"), Path("data/quarantine"), Path("data/night.json")
SPLITS, JUDGED = Path("data/splits"), Path("data/judged")
BASE, ADAPTERS, CHAMPION = Path("models/base"), Path("models/adapters"), Path("models/champion")
BASE_MARKER = BASE / "palate.json"  # written last: its id and checksum; see integrations/base_models
START = Path("models/start")  # the adapter from which tonight's trainings go on, or only why there is none
REPORTS = Path("reports")
CHECKS, EVALUATION, CANARY = REPORTS / "checks.json", REPORTS / "evaluation.json", REPORTS / "canary.json"

ENDS_WITH_STDIN = "PALATE_ENDS_WITH_STDIN"  # set by the night: a stage whose stdin closes ends
ERROR_PREFIX = "palate: "  # a line that begins so is the sentence for the user; the flow repeats it
