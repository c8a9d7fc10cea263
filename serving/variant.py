"""A variant: a version that the service answers with, its facts, its canary and what its model did."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from bentoml.exceptions import InternalServerError, InvalidArgument

from components.domain.catalogue import Listed
from components.domain.errors import StageFailed
from components.domain.preferences.arrays import Floats
from components.domain.records import RULE, Dish, Question
from components.domain.verdict.canary import CanaryQuestion, from_json
from serving.catalogue import Listing
from serving.refusals import NobodyWaits, must_go_on

if TYPE_CHECKING:
    from components.domain.ranker.language_model import LanguageModel

Scores = TypeVar("Scores", list[float], Floats)


@dataclass(frozen=True)
class Ranked:
    """The dishes of an answer with their scores, best first.

    Attributes:
        dishes: The dishes with scores in logits, or with popularity on a cold start.
        considered: Number of dishes that were ranked; `dishes` may hold only the best of them.
        history: Number of past dishes that were known of the person.
        unknown: Number of ranked dishes whose text the version had not read when it was released.
        cold_start: Whether popularity ranked, since nothing is known of the person.
        because: For each dish, the names of the past dishes that speak for it; empty where nobody asks.
        sure_of_person: See `RecommendAnswer`.
        deviations: For each dish the standard deviation, in logits, of how far it lies from the median dish;
            empty where nobody asks, or the version cannot tell.
    """

    dishes: list[tuple[Listed, float]]
    considered: int
    history: int = 0
    unknown: int = 0
    cold_start: bool = False
    because: list[list[str]] = field(default_factory=list)
    sure_of_person: float | None = None
    deviations: list[float] = field(default_factory=list)


class Variant(ABC):
    """A version and all that it needs to answer.

    Args:
        folder: Folder with the version's model, canary.json and served.json, as the night staged them.

    Attributes:
        facts: Content of served.json.
        table: Dishes of the catalogue as the version reads them.
        outcomes: By which a release is judged, since the service started: `answers`, requests that the model
            scored or failed on, and `errors` among them, an exception or a score that is no finite number.
        refusal: Why the variant may not serve; None while its canary passes.
    """

    table: Any
    refusal: str | None

    def __init__(self, folder: Path) -> None:
        self.folder, self.facts = folder, facts_in(folder)
        self._catalogue: Listing | None = None
        self.outcomes = Counter(answers=0, errors=0)

    @staticmethod
    def open(folder: Path, bases: dict[str, LanguageModel] | None = None) -> Variant:
        """Opens the version in a folder, whatever its kind.

        Args:
            folder: As for `Variant`.
            bases: By tag, the base models that other variants have loaded; this variant's base is added.
                Variants with the same base share its tensors.

        Raises:
            StageFailed: The base or the model differs from what was registered with the version.
        """
        # Imported here: BentoML's parent process imports this file too, and would hold torch for nothing.
        if facts_in(folder).get("kind") == RULE:
            from serving.rule_variant import RuleVariant

            return RuleVariant(folder)
        from serving.language_variant import LanguageVariant

        return LanguageVariant(folder, {} if bases is None else bases)

    @property
    def has_posterior(self) -> bool:
        """Whether a person can be judged: text factors on a base that no person's answers have changed."""
        return False

    @abstractmethod
    def tokens(self, dishes: dict[str, Dish]) -> Any:
        """Reads the dishes as this version's model does, for `scores` and `length`."""

    @abstractmethod
    def scores(self, question: Question, tokens: Any) -> list[float]:
        """Scores the question and counts the outcome as `counted` does.

        Args:
            question: The dishes to rank, and the person.
            tokens: What `tokens` returned for all dishes of the question.
        """

    @abstractmethod
    def length(self, tokens: Any, dish: str) -> int:
        """Counts the tokens of a dish that `tokens` has read; 0 for a rule."""

    @abstractmethod
    def unknown(self, dishes: Iterable[Dish]) -> int:
        """Counts the dishes that the version had not read when it was released."""

    @abstractmethod
    def examine(self) -> tuple[str | None, float | None]:
        """Scores the canary again.

        Returns why the variant may not serve, or None, and the largest difference to a stored score.
        """

    def counted(self, work: Callable[[], Scores]) -> Scores:
        """Runs work that computes scores, and counts whether the model succeeded or failed.

        Raises:
            NobodyWaits: The client went away or the time is over; this does not count as the model's error.
            InternalServerError: A score is NaN or infinite.
        """
        must_go_on()  # it may have waited for its turn
        try:
            scores = work()
            is_finite = bool(np.isfinite(scores).all())
        except NobodyWaits:
            raise
        except Exception:
            self.outcomes.update(answers=1, errors=1)
            raise
        self.outcomes.update(answers=1, errors=int(not is_finite))
        if not is_finite:
            raise InternalServerError("A score is no number: the model is damaged.")
        return scores

    def check_tokens(self, question: Question, tokens: Any) -> None:
        """Checks how many tokens the model would read, and leaves them in `tokens` for its use.

        Raises:
            InvalidArgument: A dish, or all dishes together, have too many tokens.
        """
        limits, total = self.facts["serve"], 0
        dishes = *(past.dish_id for past in question.history), *question.dishes
        for count, dish in enumerate(dishes, 1):
            length = self.length(tokens, dish)
            if length > limits["max_line_tokens"]:
                raise InvalidArgument(
                    f"dish_id {dish.partition('/')[2]!r} is {length} tokens long: send at most "
                    f"{limits['max_line_tokens']}, which are fewer letters where they are rare."
                )
            total += length
            if total > limits["max_tokens"]:
                raise InvalidArgument(
                    f"the first {count} of {len(dishes)} dishes, history included, are {total} tokens long "
                    f"together: send at most {limits['max_tokens']}."
                )

    def is_short(self, tokens: Any, dish: str) -> bool:
        """Tells whether a dish is within the limit of tokens; rare letters cost several tokens each."""
        return self.length(tokens, dish) <= int(self.facts["serve"]["max_line_tokens"])

    def table_of(self, catalogue: Listing) -> Any:
        """Brings the table up to date with this catalogue and returns it.

        Only one thread may call this at a time.

        Args:
            catalogue: The current catalogue; a different object only after something was published.
        """
        if catalogue is not self._catalogue:
            self.table.show([listed.dish for listed in catalogue.dishes])
            self._catalogue = catalogue
        return self.table

    def _canary(self) -> list[CanaryQuestion]:
        return from_json(json.loads((self.folder / "canary.json").read_text(encoding="utf-8")))

    def lineage(self, answer_id: str) -> dict[str, str]:
        """Builds headers that name what answered, so that a proxy's log leads to the rows behind it."""
        keys = {"version": "model_version", "data": "data_md5", "gate": "gate_sha256", "git": "git_sha"}
        headers = {f"X-Palate-{name.title()}": str(self.facts[key]) for name, key in keys.items()}
        return {"X-Palate-Answer": answer_id, **headers}


def facts_in(folder: Path) -> dict[str, Any]:
    """Reads a version's served.json.

    Raises:
        StageFailed: The folder has no served.json, as in a Bento that was built by hand.
    """
    path = folder / "served.json"
    if not path.exists():
        raise StageFailed(
            "this Bento holds code and no model, as `bentoml build` makes it by hand: `make nightly` or "
            "`make release` builds that of a version, and `make serve` starts it"
        )
    return dict(json.loads(path.read_text(encoding="utf-8")))
