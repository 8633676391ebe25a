"""What the files of the deployment promise, without an engine."""

import re
from collections import Counter
from typing import Any

import pytest
import yaml

import copa
from copa.config.settings import SETTINGS
from tests.compose.stack import IMAGES, ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LONG = [name for name, service in SERVICES.items() if "profiles" not in service]


def pins(text: str) -> dict[str, str]:
    """Versions by normalised name."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s\\]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_has_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["init"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("name", LONG)
def test_every_service_is_limited(name: str) -> None:
    assert {"cpus", "memory", "pids"} <= set(SERVICES[name]["deploy"]["resources"]["limits"])
    assert "restart" in SERVICES[name]


def test_a_part_of_the_secrets_is_for_init_and_one_other() -> None:
    mounted = Counter(
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if volume.startswith("secrets-")
    )
    assert mounted.pop("secrets-ca") == 1
    assert mounted.pop("secrets-monitor") == 1
    assert set(mounted.values()) == {2}
    for name, service in SERVICES.items():
        if name != "init":
            parts = [volume for volume in service.get("volumes", ()) if volume.startswith("secrets-")]
            assert len(parts) <= 1
            assert all(part.endswith(":/secrets:ro,nocopy") for part in parts)


def test_only_what_people_look_at_reaches_beyond_the_stack() -> None:
    outside = {name for name, service in SERVICES.items() if "front" in service.get("networks", ())}
    assert outside == {name for name, service in SERVICES.items() if "ports" in service}
    assert outside == {"grafana", "prometheus", "tensorboard"}
    assert COMPOSE["networks"]["data"]["internal"]
    assert COMPOSE["networks"]["metrics"]["internal"]


def test_the_unprotected_stack_takes_everything_back() -> None:
    override = yaml.safe_load(read("docker-compose.insecure.yml"))
    assert override["name"] == f"{COMPOSE['name']}-insecure"
    for name, service in SERVICES.items():
        protected = {
            variable
            for variable in service.get("environment", ())
            if variable.endswith(("_FILE", "REDIS_USERNAME", "REDIS_URL", "COACH_TRANSPORT"))
        }
        assert protected <= set(override["services"].get(name, {}).get("environment", ()))


def test_variables_are_settings_and_the_example_names_all_others() -> None:
    known = {setting.variable for setting in SETTINGS.values()} | {"COPA_PRESET", "COPA_CONFIG"}
    text = "".join(
        read(name) for name in ("docker-compose.yml", "docker-compose.gpu.yml", "docker-compose.insecure.yml")
    )
    assert set(re.findall(r"\bCOPA_[A-Z_]+", text)) <= known
    example = read(".env.example")
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) <= set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE))
    defaults = dict(re.findall(r"\$\{([A-Z_]+):?-([^${}]+)\}", text))
    assert {name: defaults[name] for name in IMAGES} == IMAGES
    assert defaults["VERSION"] == copa.__version__
    for name, value in re.findall(r"^# ([A-Z_]+_IMAGE|[A-Z_]+_INDEX|[A-Z]+_PORT|VERSION)=(.+)$", example, re.MULTILINE):
        assert defaults[name] == value


def test_the_lock_is_of_the_pinned_versions() -> None:
    lock, pinned = read("deploy/docker/requirements.lock"), pins(read("constraints.txt"))
    locked = pins(lock)
    assert len(locked) > 30
    assert locked.items() <= pinned.items()
    assert pins(read("deploy/docker/torch.txt")).items() <= pinned.items()
    for block in re.split(r"\n(?=\S)", lock):
        assert "--hash=sha256:" in block
    for declared in ("cryptography", "grpcio", "redis", "safetensors", "tensorboard", "matplotlib"):
        assert declared in locked


def test_the_image_is_built_from_what_the_context_has() -> None:
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", read("deploy/docker/Dockerfile"), re.MULTILINE)
    assert {source for line in copied for source in line.split()} == allowed
    assert all((ROOT / name).exists() for name in allowed)
