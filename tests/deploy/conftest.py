"""deploy/ with one overlay more that takes all components in, and what a release makes of its overlays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import needs
from tests.deploy import golden


@pytest.fixture(scope="session")
def deploy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of deploy/, with the overlays `full` and `pipeline-full`."""
    needs("kubectl")
    return golden.copy_of_deploy(tmp_path_factory.mktemp("deploy"))
