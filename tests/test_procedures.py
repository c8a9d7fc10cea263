"""Every command that the pages tell a reader to type is run by a test or by CI's script, or says why not."""

from __future__ import annotations

import re

from tests.conftest import REPO
from tests.deploy.test_page import TO_A_KUBELET
from tests.pages import PAGES, commands_of

# How commands begin, and the file that runs them; behind the colon its words, where the command's are others.
RUN_BY = {
    "make nightly": "tests/flows/test_night.py: run_night(",
    "make nightly DATA=data/sample/tastes": "tests/flows/test_meaning.py: run_night( data/sample/tastes",
    "make serve": "tests/flows/test_mlflow_server.py",
    "make client": "tests/serving/test_client.py: \"client\"",
    "make plan": "tests/flows/test_meaning.py: \"plan\"",
    "make doctor": "tests/flows/test_make.py",
    "make up": "tests/flows/test_up.py",
    "make status": "tests/flows/test_make.py",
    "make mlflow": "tests/flows/test_make.py",
    "make release": "tests/flows/test_servers_away.py",
    "make forget": "tests/flows/test_forget.py",
    "make forget PERSON=p17 HISTORY=1": "tests/flows/test_forget.py: \"forget\" --history",
    "make recall": "tests/flows/test_make.py",
    "make restore": "tests/flows/test_restore.py",
    "make back-up": "tests/flows/test_back_up.py",
    "make bring-back": "tests/flows/test_back_up.py",
    "make check-manifests": "tests/flows/test_make.py",
    "make test": ".ci/run",
    "make check test": ".ci/run",
    "make test-slow": ".ci/run",
    "python -m flows nightly": "tests/flows/test_promotion.py: run_night( --full",
    "python -m flows lineage": "tests/flows/test_lineage.py",
    ".venv/bin/python -m flows lineage": "tests/flows/test_lineage.py: \"lineage\" --person",
    "python -m flows release": "tests/flows/test_servers_away.py",
    "python -m flows deploy": "tests/flows/test_up.py",
    "python -m flows deploy --pool kubernetes --gpu": "tests/flows/test_up.py: \"deploy\" --gpu",
    "python -m flows worker": "tests/flows/test_up.py: Up worker.log",  # `make up` begins it
    "prefect deployment run": "tests/flows/test_up.py",
    "BENTOML_HOME=.palate/bentoml bentoml delete": "tests/flows/test_release_faults.py: BENTOML_HOME=",
    "export": "tests/integrations/test_runbook.py",
    "git fetch": "tests/integrations/test_runbook.py",
    "git push": "tests/integrations/test_runbook.py",
    "git log": "tests/integrations/test_runbook.py",
    "git restore": "tests/integrations/test_runbook.py",
    "dvc push": "tests/integrations/test_runbook.py",
    "dvc metrics diff": "tests/integrations/test_runbook.py",
    "dvc remote": "tests/integrations/test_runbook.py",
    "dvc repro": "tests/flows/test_restore.py",
    ".venv/bin/dvc checkout --force": "tests/integrations/test_runbook.py",
    "git pull": "tests/flows/test_upgrading.py",
    "git stash && git pull": "tests/flows/test_upgrading.py",
    "git checkout params.yaml": "tests/flows/test_upgrading.py",
    "git diff": "tests/flows/test_upgrading.py",
    ".venv/bin/mlflow db upgrade": "tests/flows/test_upgrading.py",
    ".venv/bin/python -c": "tests/flows/test_upgrading.py",
    "curl -s localhost:3000/recommend": "tests/serving/test_curl.py",
    "curl -s localhost:3000/feedback": "tests/serving/test_curl.py",
    "curl -s localhost:3000/plan": "tests/serving/test_curl.py",
    "curl -X POST localhost:3000/canary": "tests/serving/test_curl.py",
    "curl -X DELETE": "tests/serving/test_curl.py",
    "curl localhost:3000/people/p17": "tests/serving/test_curl.py: localhost:3000/people",
    "curl localhost:3000/erasures": "tests/serving/test_curl.py",
    "kubectl": "tests/deploy/test_page.py",
    "TOKEN=$(kubectl get secret": "tests/deploy/test_page.py: TOKEN=",
    "pre-commit install": "tests/test_working.py",
    "pytest -n0": "tests/test_working.py",
    "pip hash": "tests/test_working.py",
    ".venv/bin/python -m tests.deploy.golden": "tests/test_working.py",
}  # fmt: skip
NOT_RUN = {
    **dict.fromkeys(TO_A_KUBELET, "needs a cluster"),
    "kind create": "needs a cluster",
    "podman build": "needs the internet",
    "git checkout 9de1ff6": "moves a store of a development version",
    "git checkout main": "comes back from there",
    "ssh -L": "needs another machine",
    "python -m flows watch": "its loop is run within `make up`; the command only begins it",
    "make test-fast": "is a share of `make test`",
    "make test-weekly": "is run by hand before a release",
    "pip install --no-deps": "makes ready for `make test-weekly`",
    "make audit": "needs the internet",
    "uv pip compile": "needs the internet",
    ".venv/bin/python .ci/hashes.py": "needs the internet",
    "make replay": "is a measurement",
    "make benchmark": "is a measurement",
    "pytest tests/domain/plan/test_plan.py": "is two minutes of more examples",
    "python -m benchmarks.quality": "is a measurement",
}
MAKEFILE = (REPO / "Makefile").read_text(encoding="utf-8")


def _entry_of(command: str) -> str:
    """The longest entry that the command begins with; empty if there is none."""
    entries = [each for each in [*RUN_BY, *NOT_RUN] if f"{command} ".startswith(f"{each} ")]
    return max(entries, key=len, default="")


def _words(command: str) -> list[str]:
    """What a test says that runs this: the verb that a target of the Makefile passes on, else its words."""
    if target := re.match(r"make ([a-z-]+)", command):
        recipe = re.search(rf"^{target[1]}:.*\n((?:\t.*\n)+)", f"{MAKEFILE}\n", re.MULTILINE)
        assert recipe, f"the Makefile has no target {target[1]}"
        command = recipe[1] if "-m flows" in recipe[1] else command
    verb = re.search(r"-m flows ([a-z-]+)", command)
    return [f'"{verb[1]}"'] if verb else command.split()


def test_every_command_of_the_pages_has_an_entry() -> None:
    found = {(page, each) for page in PAGES for each in commands_of(page)}
    assert [f"{page}: {each}" for page, each in sorted(found) if not _entry_of(each)] == []
    assert {*RUN_BY, *NOT_RUN} - {_entry_of(each) for _, each in found} == set()  # nor an entry no command


def test_what_an_entry_names_is_there_and_says_the_commands_words() -> None:
    for command, entry in RUN_BY.items():
        file, _, words = entry.partition(": ")
        text = (REPO / file).read_text(encoding="utf-8")
        assert file == ".ci/run" or re.search(r"^def test_", text, re.MULTILINE), file
        missing = [word for word in words.split() or _words(command) if word not in text]
        assert missing == [], f"{file} does not run `{command}`"
