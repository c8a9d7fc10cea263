"""Lists the service's packages, and looks up known vulnerabilities of all that a lock pins (`make audit`)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SERVICE, SBOM = Path("requirements-service.lock"), Path("deploy/sbom.json")
CPU = Path("requirements-cpu.lock")  # another build of what requirements.lock pins
LOCKS = sorted(set(Path().glob("requirements*.lock")) - {CPU})
LIST = "-W ignore -m cyclonedx_py requirements - --output-reproducible --pyproject pyproject.toml"
LOOK_UP = "-m pip_audit --disable-pip --progress-spinner off --format json"
REMEDY = "Another service: PIP_AUDIT_VULNERABILITY_SERVICE=osv make audit"


def write_sbom() -> None:
    """Writes the service's packages as CycloneDX, the same bytes for the same lock.

    Left out is what holds for a machine or a line rather than for a package: addresses, lines, and the claim
    that no package needs another one.
    """
    lines = SERVICE.read_text(encoding="utf-8").splitlines()
    pins = "\n".join(line.split()[0] for line in lines if line and line[0] not in "# ")
    command = [sys.executable, *LIST.split()]
    done = subprocess.run(command, input=pins, stdout=subprocess.PIPE, text=True, check=True)
    bom = json.loads(done.stdout)
    del bom["dependencies"]
    for component in bom["components"]:
        del component["description"], component["externalReferences"]
        component["bom-ref"] = component["purl"]
    for tool in bom["metadata"]["tools"]["components"]:
        del tool["externalReferences"]
    SBOM.write_text(json.dumps(bom, indent=1) + "\n", encoding="utf-8")


def look_up() -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each package; where it says nothing, the last line of its error."""
    command = [sys.executable, *LOOK_UP.split(), *(f"--requirement={lock}" for lock in LOCKS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)["dependencies"], ""
    except json.JSONDecodeError:
        return [], (done.stderr.strip().splitlines() or [f"pip-audit ended with {done.returncode}"])[-1]


def main() -> int:
    """Returns 0 where every package could be looked up and none has a known vulnerability."""
    write_sbom()
    sys.stdout.write(f"{SBOM} lists what {SERVICE} pins.\n")
    packages, error = look_up()
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    holes = [(package, hole) for package in packages for hole in package.get("vulns", [])]
    for package, hole in holes:
        names, mended = [hole["id"], *hole.get("aliases", [])], hole["fix_versions"] or ["no version yet"]
        sys.stdout.write(
            f"{package['name']} {package['version']}: {', '.join(names)}; mended in {', '.join(mended)}\n"
        )
    if skipped:
        error = f"{len(skipped)} of {len(packages)} packages, the first for this reason: {skipped[0]}"
    if error:
        sys.stdout.write(f"Not looked up: {error}. {REMEDY}\n")
    else:
        sys.stdout.write(f"{len(packages)} packages, {len(holes)} known vulnerabilities\n")
    return int(bool(holes or error))


if __name__ == "__main__":
    raise SystemExit(main())
