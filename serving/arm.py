"""An arm: one version that the service answers with, with its facts, its canary and its model's outcomes."""

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
    """Where a person stands between 0 and 1: the same in all pods, another one in each trial.

    Args:
        person_id: Id of the person.
        trial: What the people are divided for.
    """
    digest = hashlib.sha256(f"{trial}/{person_id}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:6]) / 2**48


class Arm:
    """A version and all that it needs to answer.

    Args:
        folder: Its adapter, canary.json and served.json, as the night staged them.
        bases: By tag the base models that other arms have loaded; it gets this one's. Arms share its tensors.

    Attributes:
        facts: Content of served.json.
        model: The base with the adapter's changes added to its weights.
        table: The catalogue's dishes as the model reads them; None where it reads a dish after a history.
        outcomes: What the model made of the requests that reached it.
        refusal: Why it may not serve; None while its canary passes.

    Raises:
        StageFailed: Its base or its adapter is not that of its version.
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
        """The model of this version, once its base and its adapter were found to be the registered ones."""
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
        """The dishes as this version's model reads them."""
        return self.model.dish_tokens(dishes, self.fields, self.facts["max_history"])

    def scores(self, question: Question, tokens: DishTokens) -> list[float]:
        """The question's scores; see `counted`.

        Args:
            question: What is ranked, for whom.
            tokens: Of all its dishes.
        """
        from components.integrations import scoring

        return self.counted(lambda: scoring.score_question(self.model, tokens, question, must_go_on))

    def counted(self, work: Callable[[], Scores]) -> Scores:
        """What the work gives, which are scores; what the model fails on is counted as its error.

        Raises:
            NobodyWaits: The client went away or the time is over, which is no error of the model.
            InternalServerError: A score is no number.
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
        """The table, which then has this catalogue; for one thread at a time.

        Args:
            catalogue: Another object only where something was published since.
        """
        if self.table and catalogue is not self._catalogue:
            self.table.show([listed.dish for listed in catalogue.dishes])
            self._catalogue = catalogue
        return self.table

    def unknown(self, dishes: Iterable[Dish]) -> int:
        """Number of dishes with a text that was not read at release; 0 where no dish is read beforehand."""
        from components.domain.ranker.dish_table import name_of_text

        if self.table is None:
            return 0
        texts = (dish_text(dish, self.fields) for dish in dishes)
        return sum(name_of_text(text) not in self._packed for text in texts)

    def examine(self) -> tuple[str | None, float | None]:
        """Why this may not serve, and the largest difference of a stored score in logits."""
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
        """The vectors that came with this version, and why they are not those that it was released with."""
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
        """Headers that name what answered, so that a proxy's log leads to the rows."""
        keys = {"version": "model_version", "data": "data_md5", "gate": "gate_sha256", "git": "git_sha"}
        headers = {f"X-Palate-{name.title()}": str(self.facts[key]) for name, key in keys.items()}
        return {"X-Palate-Answer": answer_id, **headers}


def facts_in(folder: Path) -> dict[str, Any]:
    """Content of a version's served.json.

    Raises:
        StageFailed: There is none, as in a Bento that was built by hand.
    """
    path = folder / "served.json"
    if not path.exists():
        raise StageFailed(
            "this Bento holds code and no model, as `bentoml build` makes it by hand: `make nightly` or "
            "`make release` builds that of a version, and `make serve` starts it"
        )
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _load_base(tag: str, sha256: str) -> LanguageModel:
    """The base model with this tag in BentoML's store, in float32, if it has this checksum."""
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
