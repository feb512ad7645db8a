"""The components that retrain on what was recorded."""

import importlib.util
import os
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from deploy.render_manifests import DEPLOY, OVERLAYS, VERSIONS, render, schema_problems
from services.training.retraining.__main__ import flags_parser
from tests.unit.deploy.manifests import Resource, environment, rendered, workload

#: Each overlay with the component alone, and with all that goes with it.
COMBINATIONS = [
    (overlay, components)
    for overlay in OVERLAYS
    for components in (("retraining",), ("dataset", "retraining", "retraining-dataset", "user-id-key"))
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an overlay of one's own is written to; skips where nothing can be rendered."""
    rendered("overlays/cpu")
    return tmp_path


def combined(folder: Path, overlay: str, components: Sequence[str]) -> list[Resource]:
    """Returns the resources of an overlay that adds components to one of ours."""
    paths = [os.path.relpath(DEPLOY / "components" / name, folder) for name in components]
    (folder / "kustomization.yaml").write_text(
        f"namespace: winnow\nresources: [{os.path.relpath(DEPLOY / 'overlays' / overlay, folder)}]\n"
        f"components: [{', '.join(paths)}]\n"
    )
    return render(folder)


def the(resources: list[Resource], kind: str, name: str) -> Resource:
    """Returns the resource of a kind and name."""
    (found,) = [one for one in resources if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(cronjob: Resource) -> Resource:
    """Returns the pod that a CronJob starts."""
    return dict(cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"])


def mounts(cronjob: Resource) -> dict[str, tuple[str, bool]]:
    """Returns the claim and whether it is writable of each place where one is mounted."""
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in pod(cronjob)["volumes"]
        if "persistentVolumeClaim" in volume
    }
    (container,) = pod(cronjob)["containers"]
    return {
        mount["mountPath"]: (claims[mount["name"]], not mount.get("readOnly", False))
        for mount in container["volumeMounts"]
        if mount["name"] in claims
    }


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_kubernetes_takes_it_in_every_overlay(folder: Path, overlay: str, components: Sequence[str]) -> None:
    """Every field is one that it knows, in the namespace of the suite."""
    resources = combined(folder, overlay, components)
    assert [problem for version in VERSIONS for problem in schema_problems(resources, version)] == []
    for kind, name in (("CronJob", "winnow-retraining"), ("PersistentVolumeClaim", "winnow-offline")):
        assert the(resources, kind, name)["metadata"]["namespace"] == "winnow"


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_it_is_hardened_and_sized_as_training_is(folder: Path, overlay: str, components: Sequence[str]) -> None:
    """What holds for the one pod holds for the other, in each overlay: the namespace refuses a lax one."""
    resources = combined(folder, overlay, components)
    training, retraining = (the(resources, "CronJob", f"winnow-{name}") for name in ("training", "retraining"))
    own = {"affinity", "containers", "volumes"}
    assert {key: value for key, value in pod(retraining).items() if key not in own} == {
        key: value for key, value in pod(training).items() if key not in own
    }
    (container,), (template,) = pod(retraining)["containers"], pod(training)["containers"]
    for field in ("image", "resources", "securityContext"):
        assert container[field] == template[field]
    for field in ("backoffLimit", "activeDeadlineSeconds"):
        assert retraining["spec"]["jobTemplate"]["spec"][field] == training["spec"]["jobTemplate"]["spec"][field]
    scratch = [volume for volume in pod(retraining)["volumes"] if "emptyDir" in volume]
    assert scratch == [volume for volume in pod(training)["volumes"] if "emptyDir" in volume]


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_the_policy_of_training_holds_for_it(folder: Path, overlay: str, components: Sequence[str]) -> None:
    """It talks to nobody, and no Service or budget takes its pods for a service's."""
    resources = combined(folder, overlay, components)
    template = the(resources, "CronJob", "winnow-retraining")["spec"]["jobTemplate"]["spec"]["template"]
    labels = template["metadata"]["labels"]
    holding = [
        one["metadata"]["name"]
        for one in resources
        if one["kind"] == "NetworkPolicy" and one["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    ]
    assert holding == ["winnow-training"]
    services = [one["spec"]["selector"] for one in resources if one["kind"] == "Service"]
    assert not any(selector.items() <= labels.items() for selector in services)


def test_it_reads_the_log_of_the_feature_store_and_nothing_else_of_it(folder: Path) -> None:
    """The store's claim is mounted where --log says: its folder log, read-only, on the store's own node."""
    resources = combined(folder, "cpu", ["retraining"])
    cronjob, store = the(resources, "CronJob", "winnow-retraining"), workload("overlays/cpu", "feature-store")
    (claim,) = store["spec"]["volumeClaimTemplates"]
    (container,) = pod(cronjob)["containers"]
    flags = flags_parser().parse_args(container["args"])
    assert mounts(cronjob)[str(flags.log)] == (f"{claim['metadata']['name']}-{store['metadata']['name']}-0", False)
    (mount,) = [one for one in container["volumeMounts"] if one["mountPath"] == str(flags.log)]
    (served,) = [one for one in store["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
                 if one["name"] == claim["metadata"]["name"]]  # fmt: skip
    # The feature store writes to the folder log in its path, and its path is the root of the volume.
    assert mount["subPath"] == "log"
    assert served["mountPath"] == environment("overlays/cpu", "feature-store")["FEATURE_STORE_PATH"]
    (near,) = pod(cronjob)["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    labels = store["spec"]["template"]["metadata"]["labels"]
    assert near["topologyKey"] == "kubernetes.io/hostname"
    assert near["labelSelector"]["matchLabels"].items() <= labels.items()


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_it_writes_the_snapshots_and_its_own_claim_alone(folder: Path, overlay: str, components: Sequence[str]) -> None:
    """--out is where the services look, and --offline is on a claim that comes with the component."""
    resources = combined(folder, overlay, components)
    cronjob = the(resources, "CronJob", "winnow-retraining")
    flags = flags_parser().parse_args(pod(cronjob)["containers"][0]["args"])
    written = {place: claim for place, (claim, writable) in mounts(cronjob).items() if writable}
    assert written == {str(flags.out): "winnow-snapshots", str(flags.offline): "winnow-offline"}
    claims = {one["metadata"]["name"] for one in resources if one["kind"] == "PersistentVolumeClaim"}
    assert set(written.values()) <= claims


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_two_rounds_never_overlap_and_training_does_not_publish_over_them(
    folder: Path, overlay: str, components: Sequence[str]
) -> None:
    """One job a night publishes: the one with a gate. Training keeps its data set, for runs by hand."""
    resources = combined(folder, overlay, components)
    training, retraining = (the(resources, "CronJob", f"winnow-{name}") for name in ("training", "retraining"))
    assert retraining["spec"]["concurrencyPolicy"] == "Forbid"
    assert not retraining["spec"].get("suspend", False)
    assert training["spec"]["suspend"] is True
    flags = pod(training)["containers"][0]["args"]
    assert ("--data=/var/lib/winnow/dataset" in flags) == ("dataset" in components)


@pytest.mark.parametrize(("overlay", "components"), COMBINATIONS)
def test_its_command_is_a_module_that_takes_its_flags(folder: Path, overlay: str, components: Sequence[str]) -> None:
    """A flag that it does not know would fail the round, at night. Nothing is trained for a handful of events."""
    (container,) = pod(the(combined(folder, overlay, components), "CronJob", "winnow-retraining"))["containers"]
    python, dash_m, module = container["command"]
    assert (python, dash_m) == ("python", "-m")
    assert importlib.util.find_spec(f"{module}.__main__") is not None
    assert flags_parser().parse_args(container["args"]).min_events > 1


def test_with_a_data_set_the_log_continues_it(folder: Path) -> None:
    """The claim that training reads is mounted, read-only, where --data says."""
    resources = combined(folder, "cpu", ["dataset", "retraining", "retraining-dataset"])
    cronjob = the(resources, "CronJob", "winnow-retraining")
    flags = flags_parser().parse_args(pod(cronjob)["containers"][0]["args"])
    assert mounts(cronjob)[str(flags.data)] == ("winnow-dataset", False)
    assert mounts(the(resources, "CronJob", "winnow-training"))[str(flags.data)] == ("winnow-dataset", False)


@pytest.mark.parametrize("others", [[], ["retraining"], ["retraining", "retraining-dataset"], ["redis"]])
def test_store_and_retraining_have_the_same_user_id_key(folder: Path, others: list[str]) -> None:
    """From one Secret, as a file that only their group reads; beside other variables, and also without retraining."""
    resources = combined(folder, "cpu", [*others, "user-id-key"])
    assert [problem for version in VERSIONS for problem in schema_problems(resources, version)] == []
    store = the(resources, "StatefulSet", "winnow-feature-store")["spec"]["template"]["spec"]
    variables = {one["name"]: one.get("value") for one in store["containers"][0]["env"]}
    named = {"store": (store, variables["FEATURE_STORE_USER_ID_KEY_FILE"])}
    assert ("FEATURE_STORE_URL" in variables) == ("redis" in others)
    if "retraining" in others:
        template = pod(the(resources, "CronJob", "winnow-retraining"))
        flags = flags_parser().parse_args(template["containers"][0]["args"])
        named["retraining"] = (template, str(flags.user_id_key_file))
    for template, file in named.values():
        (mount,) = [
            one for one in template["containers"][0]["volumeMounts"] if one["mountPath"] == str(Path(file or "").parent)
        ]
        (volume,) = [one for one in template["volumes"] if one["name"] == mount["name"]]
        assert mount["readOnly"] is True
        assert volume["secret"] == {"secretName": "winnow-user-id-key", "defaultMode": 0o440}
    assert {file for _, file in named.values()} == {"/etc/winnow/user-id.key"}


def documented(folder: Path, number: int) -> list[Resource]:
    """Returns what the overlay of docs/retraining.md renders with its patch of that number; 0 is the overlay alone."""
    page = (DEPLOY.parent / "docs" / "retraining.md").read_text().partition("## In Kubernetes")[2]
    blocks = [textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    text = blocks[0] + (blocks[number] if number else "")
    overlay = yaml.safe_load(text.replace(".../deploy", os.path.relpath(DEPLOY, folder)))
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    return render(folder)


def test_the_documented_overlay_has_all_of_it(folder: Path) -> None:
    """Whoever copies it gets retraining on a data set and its log, with the key."""
    cronjob = the(documented(folder, 0), "CronJob", "winnow-retraining")
    flags = flags_parser().parse_args(pod(cronjob)["containers"][0]["args"])
    assert None not in {flags.log, flags.data, flags.offline, flags.user_id_key_file}


def test_the_documented_patch_changes_when_and_for_how_much(folder: Path) -> None:
    """A flag that is added at the end overrides the one before."""
    cronjob = the(documented(folder, 1), "CronJob", "winnow-retraining")
    assert cronjob["spec"]["schedule"] == "0 */6 * * *"
    assert flags_parser().parse_args(pod(cronjob)["containers"][0]["args"]).min_events == 10_000


def test_the_documented_patch_for_redis_mounts_the_collected_log(folder: Path) -> None:
    """Read-only and where --log says, on any node."""
    cronjob = the(documented(folder, 2), "CronJob", "winnow-retraining")
    flags = flags_parser().parse_args(pod(cronjob)["containers"][0]["args"])
    assert mounts(cronjob)[str(flags.log)] == ("winnow-log", False)
    assert not pod(cronjob).get("affinity")
