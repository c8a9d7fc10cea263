"""`make restore NIGHT=…`: a past night's code, params, data and models in a folder of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from components.domain.errors import BadParams
from components.domain.params import Params
from components.integrations import data_versions
from flows.environment import REPO, STATE
from flows.registry import registry

MOST_DIGITS = 6  # of a version's number; a longer one is a commit


def restore(params: Params, night: str, target: str) -> str:
    """Brings a night back beside this clone, which stays as it is.

    Args:
        night: A day as YYYY-MM-DD, a commit of the branch `nights`, or a version of the model.
        target: Folder that is created; empty for one below the state.

    Returns:
        Text that says what to do in the folder.

    Raises:
        BadParams: No night is named.
        NotFound: The night or the version does not exist.
        StageFailed: The folder exists, or the night's data is gone.
    """
    if not night.strip():
        raise BadParams("No night is named: say which to bring back, as in `make restore NIGHT=2026-11-25`.")
    versions = registry().versions(params.register_.model) if len(night) <= MOST_DIGITS else {}
    night = versions.get(night, {}).get("night_commit", night)
    folder = (Path(target).expanduser() if target else STATE / "nights" / night).resolve()
    os.umask(0o077)  # the folder holds people's rows
    commit = data_versions.restore(REPO, STATE, night, folder)
    return "\n".join(
        [
            f"night {commit[:12]} is in {folder}: code, params.yaml, data and models as they were",
            f"compute it anew: cd {folder} && PATH={Path(sys.executable).parent}:$PATH dvc repro --force",
            f"remove it:       git worktree remove --force {folder}",
            *_other_environment(folder),
        ]
    )


def _other_environment(folder: Path) -> list[str]:
    """Warns if the night ran with other packages than this clone has."""
    lock = "requirements.lock"
    if (folder / lock).read_bytes() == (REPO / lock).read_bytes():
        return []
    return [f"its {lock} differs from this clone's: `make .venv/bin/installed` there, and that PATH"]
