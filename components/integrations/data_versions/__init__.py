"""DVC and git: data versions, stages, the branch `nights`, the integrity of files, and past nights."""

from components.integrations.data_versions.dvc_commands import (
    REMOTE,
    add,
    dvc,
    pointer_md5,
)
from components.integrations.data_versions.integrity import cached, check_files, default_remote, push
from components.integrations.data_versions.nights_branch import (
    NIGHTS_BRANCH,
    bundle_nights,
    commit_night,
    copies_of_nights,
    fetch,
    fetch_nights,
    file_at,
    git_sha,
    last_nights,
    night_before,
    restore_pointers,
    versions_of,
)
from components.integrations.data_versions.old_versions import forget_copies, forget_history, pack
from components.integrations.data_versions.repository import ensure_repository
from components.integrations.data_versions.restoring import restore

__all__ = [
    "NIGHTS_BRANCH",
    "REMOTE",
    "add",
    "bundle_nights",
    "cached",
    "check_files",
    "commit_night",
    "copies_of_nights",
    "default_remote",
    "dvc",
    "ensure_repository",
    "fetch",
    "fetch_nights",
    "file_at",
    "forget_copies",
    "forget_history",
    "git_sha",
    "last_nights",
    "night_before",
    "pack",
    "pointer_md5",
    "push",
    "restore",
    "restore_pointers",
    "versions_of",
]
