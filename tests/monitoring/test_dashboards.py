"""Dashboards: generated, valid by Grafana's schema, laid out without holes, on a data source that is provisioned."""

import enum
import json
import types
import typing
from typing import Any

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from deploy.grafana.generate import differences
from tests.monitoring.parts import GRAFANA, dashboards, read

DASHBOARDS = dashboards()


def faults(value: object, hint: object, path: str) -> list[str]:
    """Where `value` is not of the type `hint` of Grafana's schema; objects are checked field by field."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        found = [faults(value, one, path) for one in arguments]
        return min(found, key=len)
    if origin is typing.Literal:
        return [] if value in arguments else [f"{path}: {value!r} is none of {arguments}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [fault for index, item in enumerate(value) for fault in faults(item, arguments[0], f"{path}[{index}]")]
    if origin is dict:
        if not isinstance(value, dict):
            return [f"{path}: {value!r} is no object"]
        return [fault for key, item in value.items() for fault in faults(item, arguments[1], f"{path}.{key}")]
    if hint in (object, Any):
        return fields(value, path)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [] if value in {one.value for one in hint} else [f"{path}: {value!r} is no {hint.__name__}"]
    if hint is float:
        hint = (int, float)
    if not isinstance(value, typing.cast(Any, hint)) or (isinstance(value, bool) and hint is not bool):
        return [f"{path}: {value!r} is no {hint}"]
    return fields(value, path)


def fields(value: object, path: str) -> list[str]:
    """Faults in the fields of an object of the schema; none for a plain value."""
    if not type(value).__module__.startswith("grafana_foundation_sdk"):
        return []
    hints = typing.get_type_hints(type(value))
    return [
        fault
        for name, one in vars(value).items()
        if name in hints
        for fault in faults(one, hints[name], f"{path}.{name}")
    ]


def test_committed_dashboards_are_those_of_the_description() -> None:
    assert differences() == []
    assert set(DASHBOARDS) == {"throughput", "learning", "communication", "health"}


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_valid_by_the_schema(name: str) -> None:
    """What the schema does not know is lost on the way through its classes; what it knows has the type it says."""
    plugins.register_default_plugins()
    parsed = Dashboard.from_json(DASHBOARDS[name])
    assert json.loads(json.dumps(parsed, cls=JSONEncoder)) == DASHBOARDS[name]
    assert faults(parsed, Dashboard, name) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("title",), 3),
        (("graphTooltip",), 7),
        (("panels", 0, "gridPos", "w"), "wide"),
        (("panels", 6, "fieldConfig", "defaults", "custom", "showPoints"), "sometimes"),
        (("panels", 6, "targets", 0, "expr"), None),
        (("panels", 6, "options", "legend", "placement"), "left"),
    ],
)
def test_the_schema_refuses(path: tuple[str | int, ...], value: object) -> None:
    plugins.register_default_plugins()
    spoilt: Any = json.loads(json.dumps(DASHBOARDS["throughput"]))
    inner = spoilt
    for key in path[:-1]:
        inner = inner[key]
    assert path[-1] in inner
    inner[path[-1]] = value
    assert len(faults(Dashboard.from_json(spoilt), Dashboard, "spoilt")) == 1


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_fill_the_grid(name: str) -> None:
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in DASHBOARDS[name]["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    rows = max(y for _, y in taken) + 1
    assert len(taken) == len(set(taken)) == 24 * rows


def test_panels_say_what_they_show_and_use_the_provisioned_source() -> None:
    (source,) = read(GRAFANA / "provisioning" / "datasources" / "prometheus.yml")["datasources"]
    for dashboard in DASHBOARDS.values():
        for panel in dashboard["panels"]:
            assert panel["title"]
            assert panel["description"]
            if panel["type"] == "alertlist":
                assert panel["options"]["datasource"] == source["name"]
                continue
            assert panel["targets"]
            assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_the_provider_reads_a_folder() -> None:
    (provider,) = read(GRAFANA / "provisioning" / "dashboards" / "copa.yml")["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
