"""The manifests fit Kubernetes' schemas, each other, the images and COPA's settings. No cluster is needed."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from copa.config.settings import SETTINGS
from copa.security.acl import ROLES as USERS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "k8s"
BASE = FOLDER / "base"
VERSIONS = ("1.27", "1.31", "1.34")
"""Of Kubernetes, whose schemas are used."""
ROLES = ("learner", "coach", "actor", "evaluator")
Manifest = dict[str, Any]


def documents(path: Path) -> list[Manifest]:
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def kustomization(folder: Path) -> Manifest:
    (found,) = documents(folder / "kustomization.yaml")
    return found


RESOURCES = [(name, document) for name in kustomization(BASE)["resources"] for document in documents(BASE / name)]
WORKLOADS = {
    document["metadata"]["name"]: document
    for _, document in RESOURCES
    if document["kind"] in ("Deployment", "StatefulSet")
}


def of_kind(kind: str) -> list[Manifest]:
    return [document for _, document in RESOURCES if document["kind"] == kind]


def pods() -> Iterator[tuple[str, Manifest]]:
    for name, workload in WORKLOADS.items():
        yield name, workload["spec"]["template"]


def selected(selector: Manifest) -> set[str]:
    """Workloads whose pods `selector` (matchLabels, matchExpressions) is about."""
    found = set()
    for name, pod in pods():
        labels = pod["metadata"]["labels"]
        plain = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
        listed = all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))
        if plain and listed:
            found.add(name)
    return found


def container(pod: Manifest) -> Manifest:
    (only,) = pod["spec"]["containers"]
    return dict(only)


def ports(name: str) -> dict[str, int]:
    only = container(WORKLOADS[name]["spec"]["template"])
    return {port["name"]: port["containerPort"] for port in only["ports"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_the_schema_of_its_kind(version: str) -> None:
    for name, document in RESOURCES:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{name}, {document['kind']} {document['metadata']['name']}: {error.message}")


def test_a_manifest_that_does_not_fit_is_found() -> None:
    wrong = yaml.safe_load(yaml.safe_dump(WORKLOADS["actor"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePulPolicy"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in FOLDER.rglob("kustomization.yaml")), ids=lambda p: p.name
)
def test_kustomizations_name_files_that_are_there_and_all_of_them(folder: Path) -> None:
    found = kustomization(folder)
    named = {*found.get("resources", []), *(patch["path"] for patch in found.get("patches", []))}
    named |= {file for generator in found.get("configMapGenerator", []) for file in generator["envs"]}
    assert all((folder / name).exists() for name in named)
    assert {path.name for path in folder.iterdir()} - {"kustomization.yaml"} == {n for n in named if "/" not in n}


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_kustomize_builds_the_overlays(overlay: str) -> None:
    tools = {"kustomize": ["kustomize", "build"], "kubectl": ["kubectl", "kustomize"]}
    tool = next((command for name, command in tools.items() if shutil.which(name)), None)
    if tool is None:
        pytest.skip("neither kustomize nor kubectl is on PATH")
    done = subprocess.run([*tool, str(FOLDER / "overlays" / overlay)], capture_output=True, text=True, check=True)
    built = [document for document in yaml.safe_load_all(done.stdout) if document]
    for document in built:
        kubernetes_validate.validate(document, VERSIONS[-1], strict=True)
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "copa"
    assert {document["kind"] for document in built} >= {"Deployment", "StatefulSet", "HorizontalPodAutoscaler"}


def test_variables_are_settings() -> None:
    known = {setting.variable for setting in SETTINGS.values()}
    used = {variable["name"] for _, pod in pods() for variable in container(pod).get("env", [])}
    (patch,) = documents(FOLDER / "overlays" / "gpu" / "learner.yaml")
    used |= {variable["name"] for variable in container(patch["spec"]["template"])["env"]}
    for file in BASE.glob("*.env"):
        used |= {line.split("=")[0] for line in file.read_text(encoding="utf-8").splitlines()}
    assert used - {"COPA_PRESET"} <= known


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_can_do_little(name: str) -> None:
    pod = WORKLOADS[name]["spec"]["template"]["spec"]
    only = container(WORKLOADS[name]["spec"]["template"])
    assert pod["serviceAccountName"] == "copa"
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False, "variables that others set are none of ours"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert "memory" in only["resources"]["limits"]
    assert {"readinessProbe", "livenessProbe"} <= only.keys()


def test_the_account_of_the_pods_has_no_token() -> None:
    (account,) = of_kind("ServiceAccount")
    assert {pod["spec"]["serviceAccountName"] for _, pod in pods()} == {account["metadata"]["name"]}
    assert account["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", ["learner", "evaluator"])
def test_who_writes_a_folder_has_gone_before_the_next_starts(name: str) -> None:
    assert WORKLOADS[name]["spec"]["replicas"] == 1
    assert WORKLOADS[name]["spec"]["strategy"] == {"type": "Recreate"}


def test_selectors_are_of_pods_that_are_there() -> None:
    for name, workload in WORKLOADS.items():
        assert selected(workload["spec"]["selector"]) == {name}
    for service in of_kind("Service"):
        assert selected({"matchLabels": service["spec"]["selector"]}) == {service["metadata"]["name"]}
        (port,) = service["spec"]["ports"]
        assert ports(service["metadata"]["name"])[port["targetPort"]] == port["port"]
    for budget in of_kind("PodDisruptionBudget"):
        assert selected(budget["spec"]["selector"]) == {budget["metadata"]["name"]}
    (scaler,) = of_kind("HorizontalPodAutoscaler")
    actor = {key: WORKLOADS["actor"][key] for key in ("apiVersion", "kind")}
    assert scaler["spec"]["scaleTargetRef"] == {**actor, "name": "actor"}
    (spread,) = WORKLOADS["actor"]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert selected(spread["labelSelector"]) == {"actor"}
    assert "replicas" not in WORKLOADS["actor"]["spec"], "the autoscaler's, or each apply would set it back"


def namespace(peer: Manifest) -> str:
    """The namespace all of whose pods `peer` is."""
    assert peer.keys() == {"namespaceSelector"}
    (label,) = peer["namespaceSelector"]["matchLabels"].items()
    assert label[0] == "kubernetes.io/metadata.name"
    return f"namespace {label[1]}"


def test_the_network_lets_through_what_is_needed_and_no_more() -> None:
    into: dict[str, set[tuple[str, str]]] = {name: set() for name in WORKLOADS}
    out: dict[str, set[tuple[str, str]]] = {name: set() for name in WORKLOADS}
    for policy in of_kind("NetworkPolicy"):
        spec = policy["spec"]
        subjects = selected(spec["podSelector"])
        for ways, rules, side in ((into, spec.get("ingress", []), "from"), (out, spec.get("egress", []), "to")):
            for rule in rules:
                for peer in rule[side]:
                    others = {namespace(peer)} if "namespaceSelector" in peer else selected(peer["podSelector"])
                    for port in rule["ports"]:
                        for subject in subjects:
                            ways[subject] |= {(other, str(port["port"])) for other in others}
    watched = ("namespace monitoring", "telemetry")
    names = ("namespace kube-system", "53")
    assert into["redis"] == {(role, "redis") for role in ROLES}
    assert into["coach"] == {("actor", "grpc"), watched}
    assert into["actor"] == into["learner"] == into["evaluator"] == {watched}
    assert out["redis"] == {names}
    assert out["actor"] == {("redis", "redis"), ("coach", "grpc"), names}
    assert out["learner"] == out["coach"] == out["evaluator"] == {("redis", "redis"), names}
    deny = next(policy for policy in of_kind("NetworkPolicy") if policy["metadata"]["name"] == "nothing")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name in ROLES:
        assert ports(name)["telemetry"] == 9100


def test_what_is_mounted_is_made_by_the_commands_of_the_page_or_here() -> None:
    page = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
    claims = {claim["metadata"]["name"] for claim in of_kind("PersistentVolumeClaim")}
    maps = {generator["name"] for generator in kustomization(BASE)["configMapGenerator"]}
    for name, pod in pods():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        own = {claim["metadata"]["name"] for claim in WORKLOADS[name]["spec"].get("volumeClaimTemplates", [])}
        assert {mount["name"] for mount in container(pod)["volumeMounts"]} == volumes.keys() | own
        assert volumes["secrets"]["secret"]["secretName"] == f"copa-{name}"
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
        assert {source["configMapRef"]["name"] for source in container(pod).get("envFrom", [])} <= maps
    assert "for role in redis learner coach actor evaluator" in page
    assert {*ROLES} <= {*USERS}


def test_pods_are_watched_under_the_names_that_rules_and_dashboards_use() -> None:
    (monitor,) = documents(FOLDER / "monitoring" / "monitor.yaml")
    assert selected(monitor["spec"]["selector"]) >= {*ROLES}
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    assert monitor["spec"].keys() == {"selector", "podMetricsEndpoints"}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint.keys() == {"port", "interval", "relabelings"}
    assert all(endpoint["port"] in ports(role) for role in ROLES)
    (relabeling,) = endpoint["relabelings"]
    assert relabeling == {
        "sourceLabels": ["__meta_kubernetes_pod_label_app_kubernetes_io_component"],
        "targetLabel": "job",
    }
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert endpoint["interval"] == scraped["global"]["scrape_interval"]
    jobs = {job["job_name"] for job in scraped["scrape_configs"]}
    assert {pod["metadata"]["labels"]["app.kubernetes.io/component"] for name, pod in pods() if name in ROLES} <= jobs
