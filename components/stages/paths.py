"""Paths of the stages' files, relative to the repository's root, and how a stage reports its failure."""

from __future__ import annotations

from pathlib import Path

EVENTS, QUARANTINE, NIGHT = Path("data/events"), Path("data/quarantine"), Path("data/night.json")
SPLITS = Path("data/splits")
DIETS = Path("data/diets.json")  # by person what they wrote; beside the splits, on which trainings depend
BASE, ADAPTERS, CHAMPION = Path("models/base"), Path("models/adapters"), Path("models/champion")
BASES = Path("models/bases")  # those that single candidates name for themselves, one folder each
STATES = Path("models/states")  # of dishes that a base has read; see integrations/dish_states
RULE = Path("models/rule")  # the rule that serves while there is no champion
START = Path("models/start")  # the adapter that tonight's trainings start from, or why they start from none
REPORTS = Path("reports")
LEDGER, LEDGER_BEFORE = REPORTS / "ledger.json", Path("data/ledger.json")  # after and before tonight's look
DATA_DOCS = REPORTS / "data_docs"
CHECKS, EVALUATION, CANARY = REPORTS / "checks.json", REPORTS / "evaluation.json", REPORTS / "canary.json"
RULE_CANARY = REPORTS / "rule-canary.json"
METRICS = REPORTS / "metrics.json"  # a few numbers of the evaluation

ENDS_WITH_STDIN = "PALATE_ENDS_WITH_STDIN"  # environment variable: the stage ends when its stdin closes
ERROR_PREFIX = "palate: "  # start of the line in which a failed stage says why; the night repeats it
