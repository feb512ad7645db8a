"""What the Dockerfiles put into the images."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from shutil import copy2, copytree

import pytest

from deploy.docker.requirements import requirements
from tests.unit.deploy.compose import compose_file, compose_services
from tests.unit.deploy.dockerfiles import (
    IMAGES,
    ROOT,
    arguments,
    copied_sources,
    final_stage,
    installed_group,
    instructions,
    project,
)  # fmt: skip
from tests.unit.deploy.manifests import SERVICES, pod_templates, server

# What is run in an image, where it is more than the service that it is named after.
ENTRIES = {"training": ["services.training", "services.training.retraining"]}
HADOLINT = Path(sysconfig.get_path("scripts")) / "hadolint"


@pytest.mark.parametrize("image", IMAGES)
def test_hadolint_finds_nothing(image: str) -> None:
    """Every ignored rule stands in the file with its reason."""
    dockerfile = ROOT / "deploy" / "docker" / f"{image}.Dockerfile"
    answer = subprocess.run([HADOLINT, dockerfile], check=False, capture_output=True, text=True)
    assert (answer.stdout, answer.returncode) == ("", 0)


@pytest.mark.parametrize("image", IMAGES)
def test_only_the_training_image_installs_torch(image: str) -> None:
    """Gigabytes that serving never imports stay out of the images that are pulled to scale out."""
    wanted = requirements(project(), installed_group(image))
    assert any(line.startswith("torch") for line in wanted) == (image == "training")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_its_own_group_at_the_tested_versions(image: str) -> None:
    """Each service has its group in pyproject.toml, and constraints.txt pins what that resolves to."""
    assert installed_group(image) == image
    assert any("pip install" in value and "-c constraints.txt" in value for _, value in instructions(image))


def test_the_cuda_group_adds_the_cuda_libraries_to_what_ranking_needs() -> None:
    """The image for GPUs is the image for CPUs and what onnxruntime loads at run time."""
    plain = set(requirements(project(), "ranking"))
    with_cuda = set(requirements(project(), "ranking-cuda"))
    assert plain < with_cuda
    assert all("[cuda,cudnn]" in line for line in with_cuda - plain)


def test_a_group_that_is_not_declared_is_refused() -> None:
    """A typing error in a build argument fails the build instead of installing nothing."""
    with pytest.raises(KeyError, match="rankng"):
        requirements(project(), "rankng")


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_an_unprivileged_number(image: str) -> None:
    """Kubernetes can check `runAsNonRoot` against a number alone, and it is the one that the manifests set."""
    assert final_stage(image)[-1][0] == "ENTRYPOINT"
    assert arguments(image, "USER") == ["10001:10001"]


@pytest.mark.parametrize("image", IMAGES)
def test_signals_reach_python_without_a_shell_between(image: str) -> None:
    """SIGTERM starts the drain, so the process itself must be the first in the container."""
    assert arguments(image, "ENTRYPOINT") == [f'["python", "-m", "services.{image}"]']


@pytest.mark.parametrize("image", IMAGES)
def test_all_stages_start_from_one_pinned_base(image: str) -> None:
    """A virtual environment works only on the interpreter that it was made with."""
    bases = {value.partition(" ")[0] for name, value in instructions(image) if name == "FROM"}
    assert bases == {"python:3.11.14-slim-bookworm"}


@pytest.mark.parametrize("image", ["recall", "training"])
def test_annoy_is_compiled_for_a_baseline_cpu_with_threads(image: str) -> None:
    """Not for the CPU of the build machine, which nodes may be older than; and builds still use several threads."""
    (flags,) = [value for name, value in instructions(image) if name == "ENV" and "ANNOY_COMPILER_ARGS" in value]
    assert "-march=${ANNOY_MARCH}" in flags
    assert "native" not in flags
    assert "-DANNOYLIB_MULTITHREADED_BUILD" in flags
    assert ("ARG", "ANNOY_MARCH=x86-64-v2") in instructions(image)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_all_the_code_that_its_service_imports_and_no_other_service(image: str, tmp_path: Path) -> None:
    """What the Dockerfile copies is enough to start what the image is for: help is printed from those files alone."""
    for source, target in copied_sources(image):
        place = tmp_path / target / Path(source).name if target.endswith("/") else tmp_path / target
        place.parent.mkdir(parents=True, exist_ok=True)
        copy = copytree if (ROOT / source).is_dir() else copy2
        copy(ROOT / source, place)
    packages = [f"{path.name}" for path in (tmp_path / "services").iterdir() if path.is_dir()]
    assert packages == [image]
    # -S leaves out the editable install, which would find every file of the repository.
    path = os.pathsep.join([str(tmp_path), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    for entry in ENTRIES.get(image, [f"services.{image}"]):
        answer = subprocess.run(
            [sys.executable, "-S", "-m", entry, "--help"],
            check=False, capture_output=True, text=True, cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path},
        )  # fmt: skip
        assert answer.returncode == 0, answer.stderr
        assert f"python -m {entry}" in answer.stdout if image in ENTRIES else "usage" in answer.stdout.lower()


@pytest.mark.parametrize("image", IMAGES)
def test_the_build_context_holds_what_the_dockerfile_copies(image: str) -> None:
    """A path that .dockerignore keeps out would fail the build."""
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copies = [value.split() for name, value in instructions(image) if name == "COPY" and not value.startswith("--from")]
    for *sources, _ in copies:
        for source in sources:
            assert any(source == entry or source.startswith(f"{entry}/") for entry in allowed), source


def test_manifests_and_compose_name_the_images_that_are_built() -> None:
    """build_images.sh tags the version of pyproject.toml, and everything that is deployed asks for that tag."""
    version = project()["version"]
    expected = {f"winnow-{image.replace('_', '-')}:{version}" for image in IMAGES}
    containers = [one for template in pod_templates("overlays/cpu") for one in template["spec"]["containers"]]
    assert {container["image"] for container in containers} == expected
    assert {service["image"] for service in compose_services().values()} == expected
    cuda = f"winnow-ranking:{version}-cuda"
    assert server("overlays/gpu", "ranking")["image"] == cuda
    assert compose_file("compose.gpu.yaml")["services"]["ranking"]["image"] == cuda


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_exposes_the_ports_that_its_pod_declares(service: str) -> None:
    """What a reader of the Dockerfile learns is what Kubernetes is told."""
    declared = [str(port["containerPort"]) for port in server("overlays/cpu", service)["ports"]]
    assert arguments(service.replace("-", "_"), "EXPOSE")[0].split() == declared


def test_the_build_script_builds_what_the_manifests_name(tmp_path: Path) -> None:
    """Run with a docker that only writes down what it is asked, the script asks for each image once."""
    asked = tmp_path / "asked"
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    docker.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "CUDA": "1"}
    subprocess.run([ROOT / "deploy" / "build_images.sh", "example/"], check=True, env=environment)
    version = project()["version"]
    tags = [line.partition("--tag ")[2].removesuffix(" .") for line in asked.read_text().splitlines()]
    images = [f"example/winnow-{image.replace('_', '-')}:{version}" for image in IMAGES]
    assert tags == [*images, f"example/winnow-ranking:{version}-cuda"]
