"""Facts of methods, from their declarations and their networks."""

from copa.config.load import resolve
from copa.methods import METHODS, method_named
from copa.reporting.parameters import parameters as counted
from docs.extension.markdown import code, table

SEES = {
    "visible": "what is near",
    "present": "everything, always",
    "periodic": "everything at every T-th step, else what is near",
}


def listing() -> str:
    """Every method, with a link to its page."""
    rows = [
        [
            f"[{name}](/methods/{name}.md)",
            "yes" if method.coach else "no",
            SEES[method.sight],
            "sum" if method.sum_mixer else "attention",
            ", ".join(
                ["temporal difference"] + ["variational"] * method.variational + ["imagined split"] * method.imagined
            ),
        ]
        for name, method in METHODS.items()
    ]
    return table(["method", "coach", "players see", "mixer", "loss"], rows)


def parameters(name: str) -> str:
    """Numbers of parameters of the method `name` on Resource Collection, with the sizes of `paper` and `quick`."""
    method_named(name)
    rows = []
    for preset in ("paper", "quick"):
        config = resolve(preset=preset, flags={"task.name": "resource_collection"}).config
        one = next(found for found in counted(config) if found.method == name)
        sizes = (one.width, one.player, one.coach, one.acting, one.mixer, one.posterior, one.learning)
        rows.append([code(preset), *(f"{size:,}" for size in sizes), str(one.matched_width)])
    titles = ["sizes of", "width", "player", "coach", "acts with", "mixer", "posterior", "learns", "matched width"]
    return table(titles, rows)
