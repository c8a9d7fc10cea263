"""The answer of /versions."""

from __future__ import annotations

from datetime import datetime

from pydantic import ConfigDict, Field

from serving.schemas.fields import Body, Standing


class VersionAnswer(Body):
    """A version that answers, what it comes from, and what its gate said."""

    model: str
    model_version: str
    share: float = Field(description="Of the people whom it answers: 1 but in a trial.")
    ranked_by: str
    standing: Standing
    preview: bool
    data_version: str
    git_sha: str
    night: str = Field(description="Key of the night that registered it; empty where it does not say.")
    registered_at: datetime | None
    gate: str = Field(description="pass, fail or inconclusive; empty where it does not say.")
    gate_reason: str = Field(description="The same in words.")
    version_page: str = Field(
        description="Address of its page in MLflow, with the gate's report; empty unless the service's "
        "MLFLOW_TRACKING_URI is a plain http or https address."
    )
    night_page: str = Field(description="Address of its night's run in MLflow; likewise.")


class VersionsAnswer(Body):
    """The versions that answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "versions": [
                    {
                        "model": "palate",
                        "model_version": "7",
                        "share": 1.0,
                        "ranked_by": "factors",
                        "standing": "promoted",
                        "preview": False,
                        "data_version": "d03bcbac988cca490e42fcf2940cc505.dir",
                        "git_sha": "1c4090d042163f6c0ab788d38a214553508896f0",
                        "night": "d03bcbac988c-5c0c28b8622c",
                        "registered_at": "2026-12-02T01:55:42Z",
                        "gate": "pass",
                        "gate_reason": "factors is better than every rule",
                        "version_page": "",
                        "night_page": "",
                    }
                ]
            }
        }
    )

    versions: list[VersionAnswer] = Field(
        description="The newest first; beside it, in a trial, the version before."
    )
