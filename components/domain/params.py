"""params.yaml as frozen values; unknown keys are errors. `params_file` reads and checks the file."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from components.domain.param_types import (
    Address,
    CandidateName,
    Count,
    Cron,
    DishField,
    Port,
    Section,
    Share,
    Timezone,
)
from components.domain.training_params import TrainParams


class ScaleParams(Section):
    """The scale of one source's ratings, where it is another than that of the rest."""

    value_range: tuple[float, float]
    like_at: float
    dislike_at: float

    @model_validator(mode="after")
    def _lies_in_its_range(self) -> Self:
        low, high = self.value_range
        if not low <= self.dislike_at < self.like_at <= high:
            raise ValueError(
                f"dislike_at ({self.dislike_at:g}) must lie below like_at ({self.like_at:g}), both from "
                f"{low:g} to {high:g}"
            )
        return self


class CollectParams(Section):
    """Section `collect`; units stand in params.yaml, as for all sections."""

    inbox: Address
    like_at: float
    dislike_at: float
    clock_skew_h: Annotated[float, Field(ge=0)]
    timezone: Timezone
    columns: dict[str, dict[str, str]]
    tables: dict[str, str]
    watermarks: dict[str, str]
    scales: dict[str, ScaleParams]
    overlap_h: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _likes_lie_above_dislikes(self) -> Self:
        if self.dislike_at >= self.like_at:
            raise ValueError(f"dislike_at ({self.dislike_at}) must lie below like_at ({self.like_at})")
        return self


class CheckParams(Section):
    """Section `check`."""

    value_range: tuple[float, float]
    min_events: Count
    max_growth: Annotated[float, Field(gt=1)]
    max_unchanged_days: Count
    max_quarantined_share: Share
    max_like_shift: Share
    max_divergence: Annotated[float, Field(gt=0)]
    min_recurring: Share
    max_person_share: Share


class SplitParams(Section):
    """Section `split`."""

    by: Literal["time", "within_person", "source", "dish"]
    test_days: Count
    test_share: Annotated[float, Field(gt=0, lt=1)]
    fold: Annotated[int, Field(ge=0)]
    test_sources: tuple[str, ...]
    background: tuple[str, ...]
    seed: int
    min_history: Annotated[int, Field(ge=0)]
    max_history: Annotated[int, Field(ge=2)]

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

    seed: int
    confidence: Annotated[float, Field(gt=0, lt=1)]
    subset: Count
    retrieved: Count
    half_life_days: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


class RegisterParams(Section):
    """Section `register`."""

    model: Annotated[str, Field(min_length=1)]
    promote_first: bool


class PackageParams(Section):
    """Section `package`."""

    preview: bool


class ReleaseParams(Section):
    """Section `release`."""

    engine: Literal["none", "docker", "podman", "buildah"]
    image: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._/:-]*$")]
    push: bool
    base_image: Annotated[str, Field(min_length=1)]
    torch_backend: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.]*$")]
    build_options: tuple[str, ...]
    move_back: bool
    share: Annotated[float, Field(gt=0, le=1)]
    gpu: bool
    service: Annotated[Address, StringConstraints(pattern=r"^(https?://.+)?$")]
    watch_s: Annotated[float, Field(ge=0)]
    max_error_rate: Share
    min_requests: Count
    deploy: Literal["none", "apply", "commit"]
    deploy_overlay: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    deploy_context: str
    deploy_timeout_s: Annotated[float, Field(gt=0)]
    deploy_repository: str
    deploy_branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]

    @model_validator(mode="after")
    def _clusters_can_pull(self) -> Self:
        if self.deploy != "none" and (self.engine == "none" or not self.push):
            raise ValueError(
                f"deploy is {self.deploy}: set engine and push, or no cluster can pull the image"
            )
        return self


class AlarmParams(Section):
    """Section `alarms`."""

    addresses: tuple[str, ...]
    dead_man: Annotated[Address, StringConstraints(pattern=r"^(https?://.+)?$")]
    late_h: Annotated[float, Field(ge=0)]
    min_free_gb: Annotated[float, Field(ge=0)]
    max_score_shift: Annotated[float, Field(gt=0)]
    max_slowdown: Annotated[float, Field(ge=1)]
    min_answers: Count


class RetentionParams(Section):
    """Section `retention`."""

    bentos: Annotated[int, Field(ge=0)]
    nights: Count
    remote_nights: Annotated[int, Field(ge=0)]
    days: Count
    log_mb: Annotated[float, Field(gt=0)]


class UpParams(Section):
    """Section `up`."""

    state: Annotated[Address, Field(min_length=1)]
    prefect_port: Port
    mlflow_port: Port
    service_port: Port
    webhook_port: Port
    nightly_cron: Cron
    weekly_full_cron: Cron
    release_cron: Cron
    timezone: Timezone | None
    stage_limit_h: Annotated[float, Field(gt=0)]
    if_busy: Literal["skip", "wait"]


class ServeParams(Section):
    """Section `serve`."""

    max_dishes: Count
    max_history: Count
    max_line_tokens: Count
    max_tokens: Count
    rest_days: Annotated[int, Field(ge=0, le=3650)]
    max_concurrency: Count
    deadline_s: Annotated[float, Field(gt=0, le=28)]
    token: Literal["auto", "always", "never"]
    canary_tolerance: Annotated[float, Field(gt=0)]


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
        """Address of the service at which a release is watched: production's, or that of `make up`."""
        return self.release.service or f"http://127.0.0.1:{self.up.service_port}"
