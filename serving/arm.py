"""An arm: a version that the service answers with, its facts, its canary and counts of what its model did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import bentoml
import numpy as np
from bentoml.exceptions import InternalServerError

from components.domain.errors import PalateError, StageFailed
from components.domain.preferences.arrays import Floats
from components.domain.ranker.artifacts import VECTORS_FILE
from components.domain.ranker.prompts import DishTokens, dish_text, prompt_hash
from components.domain.records import Dish, Question
from components.domain.verdict import canary as stored
from components.files import file_sha256, weights_sha256
from serving.calls import NobodyWaits, must_go_on
from serving.listing import Listing
from serving.outcomes import Outcomes

if TYPE_CHECKING:
    from components.domain.ranker.language_model import LanguageModel

Scores = TypeVar("Scores", list[float], Floats)


def position(person_id: str, trial: str) -> float:
    """Computes a person's position between 0 and 1: the same in all pods, a different one in each trial.

    Args:
        person_id: Id of the person.
        trial: Name of the trial for which the people are divided.
    """
    digest = hashlib.sha256(f"{trial}/{person_id}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / 2**48


class Arm:
    """A version and all that it needs to answer.

    Args:
        folder: Folder with the version's adapter, canary.json and served.json, as the night staged them.
        bases: By tag, the base models that other arms have loaded; this arm's base is added. Arms with the
            same base share its tensors.

    Attributes:
        facts: Content of served.json.
        model: The base with the adapter's changes added to its weights.
        table: Vectors of the catalogue's dishes; None where the model reads each dish after a history.
        outcomes: Counts of the requests that the model scored or failed on.
        refusal: Why the arm may not serve; None while its canary passes.

    Raises:
        StageFailed: The base or the adapter differs from the one that was registered with the version.
    """

    def __init__(self, folder: Path, bases: dict[str, LanguageModel] | None = None) -> None:
        # Imported here: BentoML's parent process imports this file too, and would hold torch for nothing.
        from components.domain.ranker.dish_table import DishTable

        self.folder = folder
        self.facts = facts_in(folder)
        self.fields = tuple(self.facts["dish_fields"])
        self.model = self._tuned({} if bases is None else bases)
        longest, head = self.facts["serve"]["max_line_tokens"], self.model.head
        self._packed, self._why_not_packed = self._read_packed()
        self.table = DishTable(self.model, head, self.fields, longest, self._packed) if head else None
        self._catalogue: Listing | None = None
        self.outcomes = Outcomes(self.facts["model_version"])
        self.refusal, _ = self.examine()

    def _tuned(self, bases: dict[str, LanguageModel]) -> LanguageModel:
        """Loads this version's model, after verifying that base and adapter are the registered ones."""
        from components.integrations import tuned_weights

        adapter, expected, tag = self.folder / "adapter", self.facts["adapter_sha256"], self.facts["base"]
        if weights_sha256(adapter) != expected:
            raise StageFailed("the adapter's weights are not those that the night registered")
        if tag not in bases:
            bases[tag] = _load_base(tag, self.facts["base_sha256"])
        model = bases[tag].with_shared_weights()
        tuned_weights.add(model, adapter)
        return model

    def tokens(self, dishes: dict[str, Dish]) -> DishTokens:
        """Reads the dishes into tokens as this version's model does."""
        return self.model.dish_tokens(dishes, self.fields, self.facts["max_history"])

    def scores(self, question: Question, tokens: DishTokens) -> list[float]:
        """Scores the question and counts the outcome as `counted` does.

        Args:
            question: The dishes to rank, and the person.
            tokens: Tokens of all dishes of the question.
        """
        from components.integrations import scoring

        return self.counted(lambda: scoring.score_question(self.model, tokens, question, must_go_on))

    def counted(self, work: Callable[[], Scores]) -> Scores:
        """Runs work that computes scores, and counts whether the model succeeded or failed.

        Raises:
            NobodyWaits: The client went away or the time is over; this does not count as the model's error.
            InternalServerError: A score is NaN or infinite.
        """
        must_go_on()  # it may have waited for its turn
        try:
            scores = work()
            failed = not np.isfinite(scores).all()
        except NobodyWaits:
            raise
        except Exception:
            self.outcomes.count(error=True)
            raise
        self.outcomes.count(error=failed)
        if failed:
            raise InternalServerError("A score is no number: the model is damaged.")
        return scores

    def table_of(self, catalogue: Listing) -> Any:
        """Brings the table up to date with this catalogue and returns it.

        Only one thread may call this at a time.

        Args:
            catalogue: The current catalogue; a different object only after something was published.
        """
        if self.table and catalogue is not self._catalogue:
            self.table.show([listed.dish for listed in catalogue.dishes])
            self._catalogue = catalogue
        return self.table

    def unknown(self, dishes: Iterable[Dish]) -> int:
        """Counts the dishes whose text was not read at release.

        The number is 0 where the model reads no dish beforehand.
        """
        from components.domain.ranker.dish_table import name_of_text

        if self.table is None:
            return 0
        texts = (dish_text(dish, self.fields) for dish in dishes)
        return sum(name_of_text(text) not in self._packed for text in texts)

    def examine(self) -> tuple[str | None, float | None]:
        """Scores the canary again and checks the packed vectors.

        Returns why the arm may not serve (None if it may), and the largest difference to a stored score in
        logits.
        """
        from components.integrations import scoring

        here, learnt = prompt_hash(self.fields), self.facts["prompt_hash"]
        if here != learnt:
            return f"prompts here hash to {here}, the adapter learnt with {learnt}", None
        if self._why_not_packed:
            return self._why_not_packed, None
        fresh = replace(self.model, vectors={})  # a stored vector would prove the model of before
        questions = stored.from_json(json.loads((self.folder / "canary.json").read_text(encoding="utf-8")))
        scores = [
            scoring.score_question(fresh, self.tokens(question.menu()), question.question(), must_go_on)
            for question in questions
        ]
        tolerance = self.facts["serve"]["canary_tolerance"]
        refusal, difference = (
            stored.why_wrong(questions, scores, tolerance),
            stored.largest_difference(questions, scores),
        )
        dishes = {dish.dish_id: dish for question in questions for dish in question.menu().values()}
        error = self.table.largest_error(list(dishes.values())) if self.table else 0.0
        if not refusal and not error <= tolerance:
            refusal = f"a dish vector of the release is {error:.4f} of its length off what the model reads"
        return refusal, difference

    def _read_packed(self) -> tuple[dict[bytes, Any], str | None]:
        """Reads the vectors that came with this version, and explains why they cannot be used.

        The explanation is None if they can be used.
        """
        from components.integrations import packed_vectors

        expected, path = self.facts.get("vectors_sha256"), self.folder / VECTORS_FILE
        if expected is None and not path.exists():  # a release from before there was such a file
            return {}, None
        if not path.exists() or file_sha256(path) != expected:
            return {}, f"{path.name} is not the file of dish vectors that this version was released with"
        try:
            return packed_vectors.load(path, self.facts, self.model.device), None
        except PalateError as error:
            return {}, str(error)

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


def _load_base(tag: str, sha256: str) -> LanguageModel:
    """Loads the base model with this tag from BentoML's store in float32, if it has this checksum."""
    import torch

    from components.integrations import base_models

    try:
        folder = Path(bentoml.models.get(tag).path)
        is_whole = file_sha256(folder / "model.safetensors") == sha256
    except Exception:  # noqa: BLE001  # a damaged model.yaml raises errors of many libraries
        is_whole = False
    if not is_whole:
        raise StageFailed(
            f"BentoML's store has no undamaged base model {tag}: the next release pass brings it back "
            "(`make release`)"
        )
    return base_models.load(folder, torch.float32, base_models.choose_device())
