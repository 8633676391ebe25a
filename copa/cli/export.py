"""`copa export`."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--checkpoint", required=True, type=click.Path(path_type=Path), help="A checkpoint, or the folder of a run."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("export"),
    show_default=True,
    help="Folder for player.onnx, coach.onnx and team.json, or for the checkpoint.",
)
@click.option(
    "--form",
    type=click.Choice(["onnx", "checkpoint"]),
    default="onnx",
    show_default=True,
    help="For programs without COPA, or a small checkpoint that plays and does not learn.",
)
def export(checkpoint: Path, output: Path, form: str) -> None:
    """Write a trained player and coach to give away.

    As ONNX files, numbers of games, slots and entities are free; the files are run and compared with the networks
    before this ends. A coach that foretells need (copa need) is written without that: hold back by distance. As a
    checkpoint, without what only learning needs, they serve `copa eval`, `render` and `coach`.
    """
    from copa import checkpoint as checkpoints

    saved = checkpoints.load(checkpoint)
    if form == "checkpoint":
        checkpoints.require_new(output)
        click.echo(str(checkpoints.save(output, checkpoints.acting_part(saved), kept=1)))
        return
    from copa.exporting import export as write

    made = write(saved, output)
    for path in made.files:
        click.echo(str(path))
    click.echo(f"largest difference to the networks: {made.deviation:.1e}")
