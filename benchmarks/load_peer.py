"""The peer of `make benchmark NAME=load`: what is written in an afternoon with FastAPI and transformers.

The same weights and the same head; one padded batch of a request's dishes that are not in the memory, which
holds as many dishes as the service's; a lock around the model. Run by uvicorn, with the
folder of what the service gets of a version in LOAD_SERVED, and that of the base in LOAD_BASE.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import fastapi
import torch
from pydantic import BaseModel
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from components.domain.preferences.from_records import question_table
from components.domain.ranker.artifacts import HEAD_FILE
from components.domain.ranker.dish_vectors import batch_of
from components.domain.ranker.heads import head_of
from components.domain.ranker.prompts import dish_text
from components.domain.ranker.vector_memory import MAX_VECTORS
from components.domain.records import LIKED, Dish, Past, Question


class DishIn(BaseModel):
    """A dish of a request."""

    dish_id: str
    name: str
    description: str = ""


class PastIn(BaseModel):
    """A dish that the person liked."""

    dish: DishIn


class RankIn(BaseModel):
    """A person, what they liked, and what is on offer."""

    person_id: str
    history: list[PastIn]
    dishes: list[DishIn]


class Ranker:
    """The model with its memory of vectors by the dish's text."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.fields = json.loads((folder / "served.json").read_text())["dish_fields"]
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.tokenizer.pad_token, self.tokenizer.padding_side = self.tokenizer.eos_token, "right"
        self.model = AutoModel.from_pretrained(base, dtype=torch.float32).eval()
        self.head = head_of(load_file(folder / "adapter" / HEAD_FILE))
        self.vectors: dict[str, torch.Tensor] = {}
        self.lock = threading.Lock()

    def scores(self, request: RankIn) -> list[float]:
        """Scores the dishes on offer, in their order."""
        past = [self._record("past/", line.dish) for line in request.history]
        offered = [self._record("offer/", dish) for dish in request.dishes]
        texts = {dish.dish_id: dish_text(dish, self.fields) for dish in (*past, *offered)}
        self._read(list(dict.fromkeys(texts.values())))
        history = tuple(Past(dish.dish_id, LIKED) for dish in past)
        question = Question(request.person_id, history, tuple(dish.dish_id for dish in offered))
        batch = batch_of(question_table([question]), self.head.rating_scale)
        with torch.inference_mode():
            vectors = torch.stack([self.vectors[texts[dish]] for dish in batch.dishes])
            scores: list[float] = self.head.scores(vectors, batch).tolist()
        return scores

    def _read(self, texts: list[str]) -> None:
        with self.lock, torch.inference_mode():
            new = [text for text in texts if text not in self.vectors]
            if len(self.vectors) + len(new) > MAX_VECTORS:
                self.vectors, new = {}, texts
            if not new:
                return
            prompts = [self.head.reading.template.format(dish=text) for text in new]
            batch = self.tokenizer(prompts, padding=True, return_tensors="pt")
            hidden = self.model(**batch, use_cache=False).last_hidden_state
            ends = batch["attention_mask"].sum(1) - 1
            lines = [ids[: end + 1].tolist() for ids, end in zip(batch["input_ids"], ends, strict=True)]
            vectors = self.head.vectors(hidden[torch.arange(len(new)), ends], lines)
            self.vectors.update(zip(new, vectors, strict=True))

    def _record(self, prefix: str, dish: DishIn) -> Dish:
        return Dish(prefix + dish.dish_id, dish.name, dish.description)


def application() -> fastapi.FastAPI:
    """Makes the application that uvicorn runs."""
    ranker = Ranker(Path(os.environ["LOAD_SERVED"]), Path(os.environ["LOAD_BASE"]))
    app = fastapi.FastAPI()

    @app.get("/readyz")
    def ready() -> str:
        return "ready"

    @app.post("/rank")
    def rank(request: RankIn) -> dict[str, Any]:
        scores = ranker.scores(request)
        ids = [dish.dish_id for dish in request.dishes]
        order = [dish for _, dish in sorted(zip(scores, ids, strict=True), key=lambda pair: -pair[0])]
        rows = [{"dish_id": dish, "score": score} for dish, score in zip(ids, scores, strict=True)]
        return {"person_id": request.person_id, "order": order, "scores": rows}

    return app
