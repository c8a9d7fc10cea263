"""MLflow's registry and runs as the settings of this process name them, and what a night registers there."""

from __future__ import annotations

import os
from dataclasses import dataclass

from components.integrations.model_registry.registry import Registry
from components.integrations.model_registry.runs import Runs
from flows.environment import ARTIFACTS


@dataclass(frozen=True)
class Registered:
    """Tonight's best candidate in the registry.

    Attributes:
        version: Version number in the registry.
        new: Whether it was registered tonight.
        passed: Whether its gate passed.
        champion: Version with the alias champion; None where no version has it.
        rule: Version of the rule; None where it neither serves nor passed its gate.
        rule_new: Whether the rule's version was registered tonight.
        unpromoted: Version that serves while there is no champion; None for none.
    """

    version: str
    new: bool
    passed: bool
    champion: str | None
    rule: str | None = None
    rule_new: bool = False
    unpromoted: str | None = None


def registry() -> Registry:
    """Opens the registry of the tracking server that MLFLOW_TRACKING_URI names."""
    return Registry(os.environ["MLFLOW_TRACKING_URI"])


def runs() -> Runs:
    """Opens the runs of the tracking server that MLFLOW_TRACKING_URI names."""
    return Runs(os.environ["MLFLOW_TRACKING_URI"], ARTIFACTS)
