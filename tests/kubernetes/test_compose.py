"""The stack is that of docker compose: what one of the two is told, the other is told too."""

import shlex
from typing import Any

import pytest
import yaml

from tests.compose.test_files import COMPOSE
from tests.kubernetes.test_manifests import (
    BASE,
    FOLDER,
    ROLES,
    ROOT,
    WORKLOADS,
    container,
    documents,
    kustomization,
    of_kind,
)

SERVICES = COMPOSE["services"]
GPU = yaml.safe_load((ROOT / "docker-compose.gpu.yml").read_text(encoding="utf-8"))["services"]["learner"]


def pod_container(name: str) -> dict[str, Any]:
    return container(WORKLOADS[name]["spec"]["template"])


def settings(role: str) -> dict[str, str]:
    """Variables of `role`'s process, from its pod and the files it names."""
    own = {each["name"]: str(each["value"]) for each in pod_container(role)["env"]}
    for source in pod_container(role)["envFrom"]:
        text = (BASE / f"{source['configMapRef']['name']}.env").read_text(encoding="utf-8")
        own |= dict(line.split("=", 1) for line in text.splitlines())
    return own


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60}[duration[-1]]


def options(words: list[str]) -> dict[str, str]:
    """Options of redis-server, each with one value."""
    program, *rest = words
    assert program == "redis-server"
    return dict(zip(rest[::2], rest[1::2], strict=True))


@pytest.mark.parametrize("role", ROLES)
def test_roles_get_the_settings_they_have_under_compose(role: str) -> None:
    ours, theirs = settings(role), SERVICES[role]["environment"]
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        if "${" not in str(value):
            assert ours[name] == str(value), name


def test_the_run_is_in_the_volume_and_named_as_its_folder() -> None:
    for role in ("learner", "evaluator"):
        mounted = {mount["mountPath"] for mount in pod_container(role)["volumeMounts"]}
        folder, name = settings(role)["COPA_RUN_FOLDER"].rsplit("/", 1)
        assert folder in mounted
        assert name == settings(role)["COPA_RUN_NAME"]


def test_settings_fit_what_the_cluster_grants() -> None:
    (scaler,) = of_kind("HorizontalPodAutoscaler")
    assert int(settings("actor")["COPA_ACTOR_COUNT"]) == scaler["spec"]["maxReplicas"]
    assert settings("learner")["COPA_LEARNER_THREADS"] == pod_container("learner")["resources"]["requests"]["cpu"]


def test_redis_is_started_as_under_compose() -> None:
    redis = pod_container("redis")
    theirs = SERVICES["redis"]["command"].replace("${REDIS_MAXMEMORY:-1gb}", "1gb")
    assert "${" not in theirs
    assert options([*redis["command"], *redis["args"]]) == options(shlex.split(theirs)) | {"--dir": "/data"}
    assert SERVICES["redis"]["image"] == f"${{REDIS_IMAGE:-{redis['image']}}}"
    for probe in ("readinessProbe", "livenessProbe"):
        assert redis[probe]["exec"]["command"] == ["sh", "-c", SERVICES["redis"]["healthcheck"]["test"].strip()]


@pytest.mark.parametrize("role", ROLES)
def test_roles_are_asked_for_their_health_as_in_their_image(role: str) -> None:
    probes = ("startup", "readiness", "liveness")
    asked = {name: pod_container(role)[f"{name}Probe"]["exec"]["command"] for name in probes}
    alive = ["copa", "health"]
    assert asked == {"startup": alive, "readiness": [*alive, "--ready"], "liveness": alive}
    image = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    assert 'CMD ["copa", "health", "--ready"]' in image


@pytest.mark.parametrize("name", WORKLOADS)
def test_pods_have_the_time_to_end_that_they_have_under_compose(name: str) -> None:
    pod = WORKLOADS[name]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] == seconds(SERVICES[name]["stop_grace_period"])


def test_images_are_those_that_compose_builds() -> None:
    tags = {image["name"]: image["newTag"] for image in kustomization(BASE)["images"]}
    for role in ROLES:
        image = pod_container(role)["image"]
        assert SERVICES[role]["image"] == f"{image}:${{VERSION:-{tags[image]}}}"


def test_the_learner_on_a_gpu_is_that_of_compose() -> None:
    (patch,) = documents(FOLDER / "overlays" / "gpu" / "learner.yaml")
    (only,) = patch["spec"]["template"]["spec"]["containers"]
    assert only["name"] == pod_container(patch["metadata"]["name"])["name"]
    assert {each["name"]: each["value"] for each in only["env"]} == GPU["environment"]
    assert only["resources"]["limits"] == {"nvidia.com/gpu": 1, "memory": "8Gi"}
    assert GPU["deploy"]["resources"]["limits"]["memory"] == "${LEARNER_MEMORY:-8g}"
    (image,) = kustomization(FOLDER / "overlays" / "gpu")["images"]
    assert GPU["image"].startswith(f"{image['newName']}:")
