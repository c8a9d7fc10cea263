"""The registered model as `mlflow.pyfunc.load_model` loads it: ranks dishes from a DataFrame, in any process.

MLflow runs this file ("models from code"). A rule needs no more. An adapter's base model is taken from
`models/base` where the process runs, or made from the recorded base id into the user's cache. Its checksum
must be the recorded one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import mlflow
import pandas as pd

from components.domain.errors import ReleaseRefused
from components.domain.preferences.from_records import question_table
from components.domain.records import RULE, Dish, Past, Question
from components.integrations import rule_files

Scorer: TypeAlias = Callable[[Question, dict[str, Dish]], list[float]]


class Ranker(mlflow.pyfunc.PythonModel):
    """Scores the offered dishes of each question, given its past dishes."""

    def load_context(self, context: Any) -> None:
        """Loads the rule, or base and adapter in float32, the precision of the canary's scores."""
        facts = json.loads(Path(context.artifacts["lineage"]).read_text(encoding="utf-8"))
        if facts.get("kind") == RULE:
            self.scores = _rule_scorer(Path(context.artifacts[RULE]))
        else:
            self.scores = _adapter_scorer(facts, Path(context.artifacts["adapter"]))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Ranks the offered dishes of each question and writes one row for each, best first.

        Args:
            model_input: Columns question_id, role (`past` or `offer`), dish_id, name, description, cuisine,
                tags and ingredients (both `;`-separated), verdict (1, 0 or -1; of `past` rows) and, where one
                was stated, rating. Past rows come oldest first.
        """
        answers = []
        for question_id, rows in model_input.groupby("question_id", sort=False):
            dishes = {f"{row.role}/{row.dish_id}": _dish(row) for row in rows.itertuples()}
            past = tuple(
                Past(f"past/{row.dish_id}", int(str(row.verdict)), _rating(row))
                for row in rows.itertuples()
                if row.role == "past"
            )
            offers = [str(row.dish_id) for row in rows.itertuples() if row.role == "offer"]
            question = Question(str(question_id), past, tuple(f"offer/{dish}" for dish in offers))
            scores = self.scores(question, dishes)
            ranked = sorted(zip(offers, scores, strict=True), key=lambda pair: -pair[1])
            answers += [(question_id, dish, score, rank) for rank, (dish, score) in enumerate(ranked, 1)]
        return pd.DataFrame(answers, columns=["question_id", "dish_id", "score", "rank"])


def _rule_scorer(folder: Path) -> Scorer:
    rule = rule_files.load(folder)

    def scores(question: Question, dishes: dict[str, Dish]) -> list[float]:
        by_rule: list[float] = rule.scores(question_table([question]), dishes).tolist()
        return by_rule

    return scores


def _adapter_scorer(facts: Mapping[str, Any], adapter: Path) -> Scorer:
    import torch  # not at the top: MLflow also runs this file where a version is only registered

    from components.integrations import adapters, base_models, scoring

    model = base_models.load(
        _base(facts["base_id"], facts["base_sha256"]), torch.float32, torch.device("cpu")
    )
    adapters.load(model, adapter)
    fields = tuple(facts["dish_fields"])

    def scores(question: Question, dishes: dict[str, Dish]) -> list[float]:
        return scoring.score_question(model, model.dish_tokens(dishes, fields), question)

    return scores


def _rating(row: Any) -> float | None:
    rating = getattr(row, "rating", None)
    return None if pd.isna(rating) else float(rating)


def _dish(row: Any) -> Dish:
    many = (
        tuple(part.strip() for part in text.split(";") if part.strip())
        for text in (row.tags, row.ingredients)
    )
    return Dish(row.dish_id, row.name, row.description, row.cuisine, *many)


def _base(spec: str, sha256: str) -> Path:
    from components.integrations import base_models

    local = Path("models/base")
    marker = local / base_models.MARKER
    if marker.exists() and json.loads(marker.read_text(encoding="utf-8"))["sha256"] == sha256:
        return local
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "palate" / f"base-{sha256[:16]}"
    cache.parent.mkdir(
        mode=0o700, parents=True, exist_ok=True
    )  # what lies there is loaded: nobody else may write
    cache.mkdir(mode=0o700, exist_ok=True)
    here = base_models.materialise(spec, cache)["sha256"]
    if here != sha256:
        raise ReleaseRefused(f"base '{spec}' has checksum {here} here, the adapter was tuned on {sha256}.")
    return cache


mlflow.models.set_model(Ranker())
