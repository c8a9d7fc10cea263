"""Gives every pin of every lock the hashes of its files, and pins what torch's build for a GPU needs.

The pins of all other locks stay as they are: CONTRIBUTING.md says how they are made.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMPILE = "-m uv pip compile - --quiet --python-version 3.11 --generate-hashes --no-annotate --no-header"
ALL, CPU, CUDA = (Path(f"requirements{name}.lock") for name in ("", "-cpu", "-cuda"))
OTHERS = set(Path().glob("requirements*.lock")) - {CPU, CUDA}


def pins_of(lock: Path) -> list[str]:
    """The lines `name==version`, without comments and hashes."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return [line.removesuffix(" \\") for line in lines if line and line[0] not in "# "]


def compile_into(lock: Path, pins: list[str], *options: str) -> None:
    """Has uv write a lock anew; the comments at its head stay."""
    comments = [line for line in lock.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    command = [sys.executable, *COMPILE.split(), *options]
    done = subprocess.run(command, input="\n".join(pins), stdout=subprocess.PIPE, text=True, check=True)
    text = done.stdout or lock.read_text(encoding="utf-8")  # with --output-file uv writes the lock itself
    torch, _, hashes = CPU.read_text(encoding="utf-8").partition("torch==")[2].partition("+cpu \\\n")
    text = text.replace(f"torch=={torch} \\\n", f"torch=={torch} \\\n{hashes.rstrip()} \\\n")
    lock.write_text("\n".join([*comments, text]), encoding="utf-8")


def main() -> None:
    """Writes all locks."""
    torch = [pin for pin in pins_of(ALL) if pin.startswith("torch==")]
    if pins_of(CPU) != [f"{pin}+cpu" for pin in torch]:
        raise SystemExit(f"{CPU} is not of {torch[0]}: write its pin and hashes (`pip hash FILE`) by hand.")
    for lock in sorted(OTHERS):
        compile_into(lock, pins_of(lock), "--no-deps")
    options = f"--output-file={CUDA} --constraint={ALL} --python-platform=x86_64-manylinux_2_28".split()
    listed = [f"--no-emit-package={pin.partition('==')[0]}" for pin in pins_of(ALL)]
    compile_into(CUDA, torch, *options, *listed)


if __name__ == "__main__":
    main()
