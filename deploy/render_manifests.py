"""Renders the overlays to build/manifests and checks every resource strictly against Kubernetes' own schemas."""

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

DEPLOY = Path(__file__).parent
OVERLAYS = ("cpu", "gpu", "local")
#: The oldest Kubernetes that knows every field in use (a lifecycle's sleep came last), and the newest with a schema.
VERSIONS = ("1.30", "1.37")


def render(folder: Path) -> list[dict[str, Any]]:
    """Returns the resources of a Kustomize folder.

    Raises:
        subprocess.CalledProcessError: Kustomize refused the folder; `stderr` says why.
    """
    command = ["kubectl", "kustomize", str(folder)]
    rendered = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - no shell, our folder
    return list(yaml.safe_load_all(rendered.stdout))


def schema_problems(resources: list[dict[str, Any]], version: str) -> list[str]:
    """Returns what Kubernetes `version` would refuse or drop: unknown fields, wrong types, kinds that it lacks."""
    problems = []
    for resource in resources:
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(part) for part in error.path)
            problems.append(f"{resource['kind']}/{resource['metadata']['name']} {place}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            problems.append(error.message)
    return problems


def main() -> int:
    """Writes one file per overlay and returns 1, having said what is wrong, if any resource is invalid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/manifests"), help="Folder to write to.")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    failed = False
    for overlay in OVERLAYS:
        resources = render(DEPLOY / "overlays" / overlay)
        (output / f"{overlay}.yaml").write_text(yaml.safe_dump_all(resources, sort_keys=False))
        problems = [f"{version}: {line}" for version in VERSIONS for line in schema_problems(resources, version)]
        print(f"{output / overlay}.yaml: {len(resources)} resources, {len(problems)} problems", *problems, sep="\n  ")  # noqa: T201 - a command's answer
        failed |= bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
