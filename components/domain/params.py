"""params.yaml as frozen values; unknown keys are errors. `params_file` reads and checks the file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
CandidateName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
DishField = Literal["name", "description", "cuisine", "tags", "ingredients"]
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
)  # names in the evaluation's table


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"timezone {name!r} is none that this machine knows, such as Europe/Berlin")
    return name


Timezone = Annotated[str, AfterValidator(_timezone)]


def _times_exist(cron: str) -> str:
    try:
        CronSim(cron, datetime.now(UTC))
    except CronSimError as error:
        raise ValueError(f"{cron!r} names no times: {str(error).lower()}") from error
    return cron


Cron = Annotated[str, StringConstraints(pattern=r"^(\S+ ){4}\S+$"), AfterValidator(_times_exist)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScaleParams(_Section):
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


class CollectParams(_Section):
    """Section `collect`; units stand in params.yaml, as for all sections."""

    inbox: str
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


class CheckParams(_Section):
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


class SplitParams(_Section):
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


class PromptParams(_Section):
    """Section `prompt`."""

    dish_fields: Annotated[tuple[DishField, ...], Field(min_length=1)]


class BaseParams(_Section):
    """Section `base`."""

    model: Annotated[str, Field(min_length=1)]
    others: dict[CandidateName, Annotated[str, Field(min_length=1)]]


class VectorParams(_Section):
    """The head of dish vectors of a candidate; without this section dishes are read in context, yes or no."""

    size: Count
    learning_rate: Rate
    weight_decay: Annotated[float, Field(ge=0)]
    comparisons_per_step: Count
    adapter_steps: Count = 2


class FactorParams(_Section):
    """The text factors of a candidate, in closed form; see docs/glossary.md."""

    size: Count
    template: Annotated[str, StringConstraints(max_length=200)]
    layer: Annotated[int, Field(ge=0)]
    pooling: Literal["last", "mean"] = "last"

    @model_validator(mode="after")
    def _names_the_dish_once(self) -> Self:
        if self.template.count("{dish}") != 1 or not self.template.isprintable():
            raise ValueError(f"template {self.template!r} must be one line that holds {{dish}} once")
        return self


TUNED = ("rank", "alpha", "targets", "layers", "learning_rate")  # what `method: none` has no use for


class CandidateParams(_Section):
    """One entry of `train.candidates`: an adapter or, with `method: none`, a head alone, and its training."""

    base: str = ""
    method: Literal["lora", "rslora", "dora", "full", "none"] = "lora"
    objective: Literal["listwise", "dpo", "pointwise"] = "listwise"
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
        if self.factors and self.method != "none" and not self.vectors:
            raise ValueError(
                f"factors are fitted, not trained: set method none, or give the candidate vectors by which "
                f"{self.method} tunes the base before"
            )
        if self.method != "none" and missing:
            raise ValueError(f"{', '.join(missing)} must be given unless method is none")
        return self

    @model_validator(mode="after")
    def _layers_are_a_range(self) -> Self:
        if self.layers[0] >= self.layers[1]:
            raise ValueError(f"layers {list(self.layers)} is no range: give the first and one past the last")
        return self


class IncrementalParams(_Section):
    """Section `train.incremental`: nights that go on from the champion."""

    enabled: bool
    min_new: Count
    replay: Annotated[float, Field(ge=0)]
    epochs: Count
    full_every_days: Count


class TrainParams(_Section):
    """Section `train`."""

    seed: int
    threads: Count
    sequence_tokens: Annotated[int, Field(ge=64)]
    sequences_per_step: Count
    incremental: IncrementalParams
    candidates: Annotated[dict[CandidateName, CandidateParams], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_are_not_reserved(self) -> Self:
        reserved = [name for name in self.candidates if name in RIVALS or name.startswith("base")]
        if reserved:
            raise ValueError(f"candidates may not be named {', '.join(reserved)}: the table uses that name")
        return self


class EvaluateParams(_Section):
    """Section `evaluate`."""

    seed: int
    confidence: Annotated[float, Field(gt=0, lt=1)]
    subset: Count
    retrieved: Count
    half_life_days: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]


class RegisterParams(_Section):
    """Section `register`."""

    model: Annotated[str, Field(min_length=1)]
    promote_first: bool


class PackageParams(_Section):
    """Section `package`."""

    preview: bool


class ReleaseParams(_Section):
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
    service: Annotated[str, StringConstraints(pattern=r"^(https?://.+)?$")]
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


class AlarmParams(_Section):
    """Section `alarms`."""

    addresses: tuple[str, ...]
    dead_man: Annotated[str, StringConstraints(pattern=r"^(https?://.+)?$")]
    late_h: Annotated[float, Field(ge=0)]
    min_free_gb: Annotated[float, Field(ge=0)]


class RetentionParams(_Section):
    """Section `retention`."""

    bentos: Annotated[int, Field(ge=0)]
    nights: Count
    log_mb: Annotated[float, Field(gt=0)]


class UpParams(_Section):
    """Section `up`."""

    state: Annotated[str, Field(min_length=1)]
    prefect_port: Port
    mlflow_port: Port
    service_port: Port
    webhook_port: Port
    nightly_cron: Cron
    weekly_full_cron: Cron
    timezone: Timezone | None
    stage_limit_h: Annotated[float, Field(gt=0)]
    if_busy: Literal["skip", "wait"]


class ServeParams(_Section):
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


class Params(_Section):
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
