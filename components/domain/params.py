"""params.yaml as frozen values; unknown keys are errors. `params_file` reads and checks the file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from components.domain.param_types import (
    LEAST_GAP,
    Address,
    CandidateName,
    Count,
    Cron,
    Days,
    DishField,
    Hours,
    Number,
    Port,
    Range,
    Rating,
    Section,
    Share,
    Times,
    Timezone,
)
from components.domain.release_params import ReleaseParams
from components.domain.training_params import TrainParams


class ScaleParams(Section):
    """The scale of one source's ratings, where it differs from the scale of the rest."""

    value_range: Range
    like_at: Rating
    dislike_at: Rating

    @model_validator(mode="after")
    def _lies_in_its_range(self) -> Self:
        low, high = self.value_range
        if not low <= self.dislike_at <= self.like_at - LEAST_GAP <= high - LEAST_GAP:
            raise ValueError(
                f"dislike_at ({self.dislike_at:g}) must lie below like_at ({self.like_at:g}), both from "
                f"{low:g} to {high:g}"
            )
        return self


class CollectParams(Section):
    """Section `collect`; params.yaml explains the values and their units, as for all sections."""

    inbox: Address
    like_at: Rating
    dislike_at: Rating
    timezone: Timezone
    list_separator: Annotated[str, Field(min_length=1, max_length=3)]
    encoding: str
    columns: dict[str, dict[str, str]]
    values: dict[str, dict[str, dict[str, str]]]
    tables: dict[str, str]
    watermarks: dict[str, str]
    scales: dict[str, ScaleParams]

    @model_validator(mode="after")
    def _likes_lie_above_dislikes(self) -> Self:
        if self.dislike_at > self.like_at - LEAST_GAP:
            raise ValueError(f"dislike_at ({self.dislike_at}) must lie below like_at ({self.like_at})")
        return self


class CheckParams(Section):
    """Section `check`."""

    value_range: Range
    min_events: Count
    max_growth: Annotated[Times, Field(gt=1)]
    max_unchanged_days: Days
    max_quarantined_share: Share


class SplitParams(Section):
    """Section `split`."""

    by: Literal["time", "within_person", "source", "dish"]
    test_days: Days
    test_share: Annotated[float, Field(gt=0, lt=1)]
    fold: Number
    test_sources: tuple[str, ...]
    background: tuple[str, ...]
    min_history: Number
    max_history: Annotated[Number, Field(ge=2)]

    @model_validator(mode="after")
    def _sources_are_named(self) -> Self:
        if self.by == "source" and not self.test_sources:
            raise ValueError("split.by is source: name the held-out sources in test_sources")
        return self


class PromptParams(Section):
    """Section `prompt`."""

    dish_fields: Annotated[tuple[DishField, ...], Field(min_length=1)]


class BaseParams(Section):
    """Section `base`."""

    model: Annotated[str, Field(min_length=1)]
    others: dict[CandidateName, Annotated[str, Field(min_length=1)]]


class EvaluateParams(Section):
    """Section `evaluate`."""

    confidence: Annotated[float, Field(ge=0.01, le=0.999999)]
    subset: Count


class RegisterParams(Section):
    """Section `register`."""

    model: Annotated[str, Field(min_length=1)]
    promote_first: bool


class PackageParams(Section):
    """Section `package`."""

    serve: Literal["best", "preview", "champion"]


class AlarmParams(Section):
    """Section `alarms`."""

    addresses: tuple[str, ...]
    dead_man: Annotated[Address, StringConstraints(pattern=r"^(https?://.+)?$")]
    late_h: Hours
    min_free_gb: Annotated[float, Field(ge=0, le=1e9)]
    recall_days: Days


class RetentionParams(Section):
    """Section `retention`."""

    bentos: Number
    nights: Count
    remote_nights: Number
    days: Days


class UpParams(Section):
    """Section `up`."""

    state: Annotated[Address, Field(min_length=1)]
    prefect_port: Port
    mlflow_port: Port
    service_port: Port
    nightly_cron: Cron
    weekly_full_cron: Cron
    timezone: Timezone | None
    stage_limit_h: Annotated[Hours, Field(gt=0)]
    if_busy: Literal["skip", "wait"]
    look_s: Annotated[float, Field(ge=1)]


class ServeParams(Section):
    """Section `serve`."""

    max_dishes: Count
    max_history: Count
    max_line_tokens: Count
    max_tokens: Count
    rest_days: Annotated[int, Field(ge=0, le=3650)]
    allergen_letters: Literal["", "austria"]
    max_concurrency: Count
    max_new_people: Count
    deadline_s: Annotated[float, Field(gt=0, le=28)]
    token: Literal["auto", "always", "never"]
    page: bool


class Params(Section):
    """All of params.yaml."""

    collect: CollectParams
    check: CheckParams
    split: SplitParams
    prompt: PromptParams
    base: BaseParams
    train: TrainParams
    evaluate: EvaluateParams
    register_: RegisterParams = Field(alias="register")
    package: PackageParams
    release: ReleaseParams
    serve: ServeParams
    alarms: AlarmParams
    retention: RetentionParams
    up: UpParams

    @model_validator(mode="after")
    def _bases_are_named(self) -> Self:
        for name, candidate in self.train.candidates.items():
            if candidate.base and candidate.base not in self.base.others:
                names = ", ".join(self.base.others) or "none"
                raise ValueError(
                    f"candidate {name} names the base {candidate.base!r}: base.others has {names}"
                )
        return self

    @property
    def schedule_timezone(self) -> str:
        """Time zone of the schedule: `up.timezone`, or the site's."""
        return self.up.timezone or self.collect.timezone

    @property
    def watched_service(self) -> str:
        """Address of the service that a release watches: production's, or the one that `make up` starts."""
        return self.release.service or f"http://127.0.0.1:{self.up.service_port}"
