"""`copa version`."""

import click


@click.command()
def version() -> None:
    """Print the versions of COPA and of what it runs on."""
    from copa.run_folder import versions

    for name, number in versions().items():
        click.echo(f"{name} {number}")
