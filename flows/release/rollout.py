"""How a release reaches a cluster: by kubectl, or by a branch that Argo CD or Flux follows."""

from __future__ import annotations

from pathlib import Path

from components.domain.errors import NotFound, StageFailed
from components.domain.params import Params
from components.integrations import manifest_branch
from components.integrations.kubernetes import kubectl
from components.integrations.kubernetes.manifests import can_render
from flows.environment import REPO


class RolloutStopped(StageFailed):
    """A rollout that did not end in time; the pods of the version before still answer."""


class RolloutFailed(RolloutStopped):
    """A rollout that failed through its version: a container crashed, or runs and does not get ready."""


def bring(params: Params, version: str, rendered: Path) -> None:
    """Brings the rendered manifests to the cluster as `release.deploy` says; does nothing if it says `none`.

    Args:
        version: Version number in the registry, for messages.
        rendered: Folder with one file for each overlay.

    Raises:
        NotFound: kubectl is not on PATH, or `release.deploy_overlay` names no overlay.
        StageFailed: The cluster or the repository could not be reached, or refused what it was given.
        RolloutFailed: The version's containers crashed or did not get ready in `release.deploy_timeout_s`.
        RolloutStopped: The cluster did not let the containers run; the message has the pods' own reason.
    """
    settings = params.release
    if settings.deploy == "none":
        return
    manifests = _manifests(settings.deploy_overlay, rendered)
    if settings.deploy == "commit":
        _commit(params, f"Release version {version} in {settings.deploy_overlay}", rendered)
        return
    kubectl.apply(manifests, settings.deploy_context)
    unready = kubectl.why_not_rolled_out(manifests, settings.deploy_context, settings.deploy_timeout_s)
    if unready and unready.of_version:
        raise RolloutFailed(f"version {version}: {unready.why}")
    if unready:
        raise RolloutStopped(
            f"the cluster did not run version {version}, which keeps its alias: {unready.why}"
        )


def apply_again(params: Params, rendered: Path) -> None:
    """Applies manifests that were rolled out before, without waiting: their pods never went away."""
    kubectl.apply(_manifests(params.release.deploy_overlay, rendered), params.release.deploy_context)


def what_became_of_it(params: Params) -> str:
    """Describes how far a release with an image got, as the end of a sentence."""
    settings = params.release
    match settings.deploy:
        case "apply":
            return f"; all its pods in {settings.deploy_overlay} are ready"
        case "commit":
            return f"; committed for {settings.deploy_overlay} to the branch {settings.deploy_branch}"
    end = "" if can_render() else "; its manifests are pinned and not rendered: kubectl is not on PATH"
    return end if settings.push else f"{end}; no cluster can pull this image, since release.push is false"


def _manifests(overlay: str, rendered: Path) -> Path:
    if not can_render():
        raise NotFound("kubectl is not on PATH: release.deploy needs it")
    path = rendered / f"{overlay}.yaml"
    if not path.exists():
        there = ", ".join(sorted(each.stem for each in rendered.glob("*.yaml")))
        raise NotFound(f"release.deploy_overlay is {overlay}; deploy/overlays has {there}")
    return path


def _commit(params: Params, message: str, rendered: Path) -> None:
    """Commits the manifests of the chosen overlay, and those of all others below `waiting/`."""
    settings = params.release
    files = {
        f"{path.stem if path.stem == settings.deploy_overlay else f'waiting/{path.stem}'}/manifests.yaml":
            path.read_text(encoding="utf-8")
        for path in rendered.glob("*.yaml")
    }  # fmt: skip
    manifest_branch.commit(settings.deploy_repository or str(REPO), settings.deploy_branch, files, message)
