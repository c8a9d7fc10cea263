"""The versions that answer: one alone or, in a trial, a new one beside the version before."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

from bentoml.exceptions import InvalidArgument

from serving.refusals import Unavailable
from serving.schemas.rank import CanaryAnswer
from serving.variant import Variant

logger = logging.getLogger("palate")
BEFORE = "before"  # folder in a version's own with the version before, where it still answers some people
CANARY_S = 5  # for which an answer of the canary is given again
Result = TypeVar("Result")


def position(person_id: str, trial: str) -> float:
    """Computes a person's position between 0 and 1: the same in all pods, a different one in each trial."""
    digest = hashlib.sha256(f"{trial}/{person_id}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / 2**48


class Versions:
    """The versions in a folder, and the one thread in which their models work.

    Args:
        folder: Folder of the newest version, as the night staged it.

    Attributes:
        newest: The version that answers all or a share of the people.
        variants: The newest version and, in a trial, the version before.
    """

    def __init__(self, folder: Path) -> None:
        bases: dict[str, Any] = {}  # the variants share what they load
        folders = [folder, *(before for before in [folder / BEFORE] if before.exists())]
        self.variants = [Variant.open(each, bases) for each in folders]
        self.newest = self.variants[0]
        self._thread = ThreadPoolExecutor(1)  # memory that PyTorch keeps grows with each thread
        self._canary_turn, self._canary_until = asyncio.Lock(), 0.0
        self._log_refusal()

    @property
    def refusal(self) -> str | None:
        """Why this service may not answer; None while the canaries of all variants pass."""
        refused = [variant for variant in self.variants if variant.refusal]
        if not refused:
            return None
        version = f"version {refused[0].facts['model_version']}: " if len(self.variants) > 1 else ""
        return f"{version}{refused[0].refusal}"

    def for_person(self, person_id: str) -> Variant:
        """Chooses the version that answers a person: always the same one, whichever pod is asked.

        Raises:
            Unavailable: A canary failed.
        """
        self._refuse_unproven()
        facts = self.newest.facts
        trial = f"{facts['model']}/{facts['model_version']}"
        is_outside = len(self.variants) > 1 and position(person_id, trial) >= facts["share"]
        return self.variants[-1] if is_outside else self.newest

    def named(self, model_version: str) -> Variant:
        """Finds a version by its number.

        Raises:
            InvalidArgument: No version of that number answers.
            Unavailable: A canary failed.
        """
        self._refuse_unproven()
        by_number = {variant.facts["model_version"]: variant for variant in self.variants}
        if model_version not in by_number:
            raise InvalidArgument(
                f"model_version {model_version!r} answers nobody here: send one of {', '.join(by_number)}."
            )
        return by_number[model_version]

    def _refuse_unproven(self) -> None:
        if self.refusal:
            raise Unavailable(f"The canary failed: {self.refusal}.")

    def share(self, variant: Variant) -> float:
        """Returns the share of the people whom a version answers."""
        share = float(self.newest.facts.get("share", 1.0))
        return share if variant is self.newest else 1 - share

    async def in_turn(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Runs model work in the models' thread, one piece at a time, in the order of the calls."""
        run = copy_context().run  # the call's deadline goes along
        return await asyncio.get_running_loop().run_in_executor(self._thread, run, work, *arguments)

    async def canary(self) -> CanaryAnswer:
        """Scores the stored questions of all versions again; gives the same answer again for some seconds."""
        async with self._canary_turn:
            if time.monotonic() > self._canary_until:
                self._canary_answer = await self._examine()
                self._canary_until = time.monotonic() + CANARY_S
            return self._canary_answer

    async def _examine(self) -> CanaryAnswer:
        differences = []
        for variant in self.variants:
            variant.refusal, difference = await self.in_turn(variant.examine)
            differences.append(difference)
        self._log_refusal()
        facts = self.newest.facts
        return CanaryAnswer(
            passed=not self.refusal,
            reason=self.refusal or "",
            worst=None if None in differences else max(filter(None, differences), default=0.0),
            model_version=facts["model_version"],
            bento=facts["bento"],
            adapter_sha256=facts.get("adapter_sha256") or facts["rule_sha256"],
        )

    def _log_refusal(self) -> None:
        if self.refusal:
            logger.error("not ready: %s", self.refusal)
