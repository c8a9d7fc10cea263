"""`python -m components.stages STAGE`, at the root: runs one stage of a night.

A night runs check, split, train NAME, evaluate and pack SERVED BASE.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import warnings
from pathlib import Path

from components.domain.errors import PalateError
from components.domain.params import Params
from components.domain.params_file import read_params
from components.files import sentence_of
from components.stages.paths import ENDS_WITH_STDIN, ERROR_PREFIX, SPLITS

# What torch, oneDNN and the system say where memory runs out; torch has no exception of its own for it.
MEMORY = ("allocate memory", "out of memory", "could not create a primitive", "can't start new thread")
ARGUMENTS = {"train": 1, "pack": 2}  # numbers of arguments; the other stages take none


def main() -> int:
    """Runs one stage.

    A PalateError, a full disk or too little memory becomes one line on stdout and exit code 1.
    """
    parser = argparse.ArgumentParser(prog="python -m components.stages", description=__doc__)
    parser.add_argument("stage", choices=("check", "split", "train", "evaluate", "pack"))
    parser.add_argument(
        "arguments",
        nargs="*",
        help="train: the candidate; pack: folder of what is served, folder of its base",
    )
    command = parser.parse_args()
    count = ARGUMENTS.get(command.stage, 0)
    if len(command.arguments) != count:
        parser.error(f"{command.stage} takes {count} arguments: {command.arguments}")
    if os.environ.get(ENDS_WITH_STDIN):
        threading.Thread(target=_end_with_the_night, daemon=True).start()
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("components").setLevel(logging.INFO)
    warnings.simplefilter("ignore", FutureWarning)  # meant for the developers of peft and transformers
    try:
        _run(command.stage, command.arguments, read_params(Path("params.yaml")))
    except (PalateError, OSError, MemoryError, RuntimeError) as error:
        sentence = _sentence(command.stage, error)
        if not sentence:
            raise
        # The night reads stdout alone: stderr may be the terminal, so that progress bars work.
        print(f"{ERROR_PREFIX}{sentence}", flush=True)
        return 1
    return 0


def _sentence(stage: str, error: Exception) -> str:
    """Explains an error in a sentence for the user; empty where it is a mistake of the program."""
    words = str(error).partition("\n")[0]
    if isinstance(error, MemoryError) or any(part in words for part in MEMORY):
        return (
            f"the stage {stage} ran out of memory ({words or 'MemoryError'}): give this machine more, or "
            "lower a candidate's vectors.dishes_per_step and comparisons_per_step, then run again."
        )
    if isinstance(error, OSError):
        return sentence_of(error)
    return str(error) if isinstance(error, PalateError) else ""


def _end_with_the_night() -> None:
    """Ends this process when stdin closes, which happens when the night that started it dies."""
    sys.stdin.read()
    os._exit(3)


def _run(stage: str, arguments: list[str], params: Params) -> None:
    # Imported here, since Great Expectations and transformers take seconds and no stage needs both.
    if stage == "check":
        from components.stages.check import check

        check(params)
    elif stage == "split":
        from components.stages.split import split

        split(params)
    elif stage == "train":
        from components.stages.train import train

        train(params, *arguments)
    elif stage == "evaluate":
        from components.stages.evaluate import evaluate

        evaluate(params)
    else:
        from components.integrations.comparison_files import read_dishes
        from components.stages.pack import pack

        served, base = map(Path, arguments)
        pack(served, base, read_dishes(SPLITS).values() if SPLITS.exists() else ())


if __name__ == "__main__":
    raise SystemExit(main())
