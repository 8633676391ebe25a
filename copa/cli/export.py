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
    help="Folder for player.onnx, coach.onnx and team.json.",
)
def export(checkpoint: Path, output: Path) -> None:
    """Write a trained player and coach as ONNX files, for programs without COPA.

    Numbers of games, slots and entities are free. The files are run and compared with the networks before this ends.
    """
    from copa import checkpoint as checkpoints
    from copa.exporting import export as write

    made = write(checkpoints.load(checkpoint), output)
    for path in made.files:
        click.echo(str(path))
    click.echo(f"largest difference to the networks: {made.deviation:.1e}")
