"""Section `release` of params.yaml: what a pass builds, where it deploys it, and how it watches it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from components.domain.param_types import Address, Seconds, Section


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
    watch_s: Seconds
    deploy: Literal["none", "apply", "commit"]
    deploy_overlay: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    deploy_context: str
    deploy_timeout_s: Annotated[Seconds, Field(gt=0)]
    deploy_repository: str
    deploy_branch: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]

    @model_validator(mode="after")
    def _clusters_can_pull(self) -> Self:
        if self.deploy != "none" and (self.engine == "none" or not self.push):
            raise ValueError(
                f"deploy is {self.deploy}: set engine and push, or no cluster can pull the image"
            )
        return self
