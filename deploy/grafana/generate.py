"""Write the dashboards of `contents.py` as Grafana's JSON, or prove with `--check` that those in the tree match it.

Needs grafana-foundation-sdk, of the extra `dev`.
"""

import argparse
import json
import string
import sys
from pathlib import Path
from typing import TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models

from deploy.grafana.contents import DASHBOARDS
from deploy.grafana.panels import Dashboard, Panel

FOLDER = Path(__file__).resolve().parent / "dashboards"

SOURCE = models.DataSourceRef(type_val="prometheus", uid="prometheus")
"""The data source of `provisioning/datasources`."""

REFRESH = "5s"
STEP = "5s"
"""Prometheus scrapes this often; a shorter step would show nothing new."""

SUFFIXES = ("steps/s", "updates/s", "segments/s")
"""Units that Grafana does not know."""

_ALERTS = {
    "viewMode": "list",
    "groupMode": "default",
    "sortOrder": 1,
    "maxItems": 20,
    "datasource": "Prometheus",
    "stateFilter": {"firing": True, "pending": True, "error": True, "noData": False, "normal": False},
}


def generate() -> dict[str, str]:
    """Text of every dashboard's file, by name."""
    return {f"{one.name}.json": _text(one) for one in DASHBOARDS}


def differences() -> list[str]:
    """Names of files that do not match `contents.py`; empty when all do."""
    fresh = generate()
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*")}
    return sorted(name for name in fresh.keys() | present.keys() if fresh.get(name) != present.get(name))


def _text(one: Dashboard) -> str:
    links = [
        dashboard.DashboardLink(other.title)
        .type(models.DashboardLinkType.LINK)
        .url(f"/d/copa-{other.name}")
        .keep_time(True)
        for other in DASHBOARDS
        if other is not one
    ]
    built = (
        dashboard.Dashboard(one.title)
        .uid(f"copa-{one.name}")
        .description(one.description)
        .tags(["copa"])
        .time("now-30m", "now")
        .refresh(REFRESH)
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .links([*links])
    )
    for number, panel in enumerate(one.panels, start=1):
        built.with_panel(_panel(panel, number))
    return json.dumps(built.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _panel(panel: Panel, number: int) -> Builder[models.Panel]:
    match panel.kind:
        case "lines":
            return _filled(_lines(panel), panel, number)
        case "number":
            return _filled(_number(), panel, number)
        case "states":
            return _filled(_states(), panel, number)
        case "alerts":
            return (
                dashboard.Panel()
                .type("alertlist")
                .id(number)
                .title(panel.title)
                .description(panel.description)
                .span(panel.width)
                .height(panel.height)
                .options(_ALERTS)
            )


def _lines(panel: Panel) -> timeseries.Panel:
    shape = (
        timeseries.Panel()
        .line_width(1.5)
        .fill_opacity(8)
        .show_points(common_models.VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI))
    )
    if panel.logarithmic:
        shape.scale_distribution(common.ScaleDistributionConfig().type(common_models.ScaleDistribution.LOG).log(10))
    return shape


def _number() -> stat.Panel:
    return (
        stat.Panel()
        .graph_mode(common_models.BigValueGraphMode.AREA)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )


def _states() -> statetimeline.Panel:
    well = models.ValueMappingResult(text="reached", color="green")
    ill = models.ValueMappingResult(text="not reached", color="red")
    return (
        statetimeline.Panel()
        .show_value(common_models.VisibilityMode.NEVER)
        .merge_values(True)
        .line_width(0)
        .fill_opacity(70)
        .mappings([models.ValueMap(options={"1": well, "0": ill})])
    )


Shape = TypeVar("Shape", timeseries.Panel, stat.Panel, statetimeline.Panel)


def _filled(shape: Shape, panel: Panel, number: int) -> Shape:
    """`shape` with everything that all kinds of panels have."""
    shape.id(number).title(panel.title).description(panel.description)
    shape.span(panel.width).height(panel.height).datasource(SOURCE).interval(STEP)
    shape.unit(f"suffix: {panel.unit}" if panel.unit in SUFFIXES else panel.unit)
    if panel.decimals is not None:
        shape.decimals(panel.decimals)
    if panel.low is not None:
        shape.min(panel.low)
    if panel.high is not None:
        shape.max(panel.high)
    for letter, query in zip(string.ascii_uppercase, panel.queries, strict=False):
        shape.with_target(
            prometheus.Dataquery()
            .ref_id(letter)
            .datasource(SOURCE)
            .expr(query.expression)
            .legend_format(query.legend)
            .range()
        )
    return shape


def main() -> int:
    """Command line; exit code 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a dashboard is out of date")
    if not parser.parse_args().check:
        for name, text in generate().items():
            (FOLDER / name).write_text(text, encoding="utf-8")
            print(name)
        return 0
    stale = differences()
    if stale:
        print(f"out of date: {', '.join(stale)}; run `python -m deploy.grafana.generate`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
