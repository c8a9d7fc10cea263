"""Section `train` of params.yaml: the candidates, and how they are trained."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from components.domain.param_types import CandidateName, Count, Days, Rate, Section, Seed, Share

# Names in the evaluation's table.
RIVALS = (
    "random",
    "popularity",
    "usual",
    "tag-affinity",
    "content-history",
    "item-knn",
    "matrix-factorisation",
    "stacked-rules",
    "mean-by-words",
    "factors-on-words",
    "factors-on-tags",
    "champion",
    "served-rule",
)


class VectorParams(Section):
    """A candidate's head of dish vectors."""

    size: Count
    learning_rate: Rate
    weight_decay: Annotated[float, Field(ge=0)]
    comparisons_per_step: Count
    adapter_steps: Count = 2
    dishes_per_step: Count = 1000


class FactorParams(Section):
    """A candidate's text factors, fitted in closed form; see docs/glossary.md."""

    size: Count
    template: Annotated[str, StringConstraints(max_length=200)] = ""
    layer: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _names_the_dish_once(self) -> Self:
        if self.layer and not self.template:
            raise ValueError("layer needs a template, since without one the night chooses both")
        if self.template and (self.template.count("{dish}") != 1 or not self.template.isprintable()):
            raise ValueError(f"template {self.template!r} must be one line that holds {{dish}} once")
        return self


TUNED = ("rank", "alpha", "targets", "layers", "learning_rate")  # settings that `method: none` ignores


class CandidateParams(Section):
    """One entry of `train.candidates`: an adapter (with `method: none` a head alone), and its training."""

    base: str = ""
    method: Literal["lora", "rslora", "dora", "full", "none"] = "lora"
    rank: Count = 8
    alpha: Count = 16
    targets: Annotated[tuple[str, ...], Field(min_length=1)] = ("q_proj", "v_proj")
    layers: tuple[Annotated[int, Field(ge=0)], Count] = (0, 1)
    learning_rate: Rate = 0.001
    warmup_share: Share = 0.1
    comparisons: Count = 20_000
    epochs: Count = 1
    vectors: VectorParams | None = None
    factors: FactorParams | None = None

    @model_validator(mode="after")
    def _says_what_is_trained(self) -> Self:
        missing = [name for name in TUNED if name not in self.model_fields_set]
        if self.method == "none" and bool(self.vectors) == bool(self.factors):
            raise ValueError(
                "method none trains a head alone: give the candidate a section vectors or a section factors"
            )
        if self.method != "none" and not self.vectors:
            raise ValueError(
                f"{self.method} tunes the base through a head of dish vectors: give the candidate a section "
                "vectors, or set method none and give it factors"
            )
        if self.method != "none" and missing:
            raise ValueError(f"{', '.join(missing)} must be given unless method is none")
        return self

    @model_validator(mode="after")
    def _layers_are_a_range(self) -> Self:
        if self.layers[0] >= self.layers[1]:
            raise ValueError(f"layers {list(self.layers)} is no range: give the first and one past the last")
        return self


class IncrementalParams(Section):
    """Section `train.incremental`: nights whose trainings start from the champion."""

    enabled: bool
    min_new: Count
    full_every_days: Days


class TrainParams(Section):
    """Section `train`."""

    seed: Seed
    threads: Count
    incremental: IncrementalParams
    candidates: Annotated[dict[CandidateName, CandidateParams], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_not_reserved(self) -> Self:
        reserved = [name for name in self.candidates if name in RIVALS or name.startswith("base")]
        if reserved:
            raise ValueError(f"candidates may not be named {', '.join(reserved)}: the table uses that name")
        return self
