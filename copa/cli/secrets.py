"""`copa certs` and `copa secrets init | acl`."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from copa.security.store import Outcome

_HELP = {"help_option_names": ["-h", "--help"]}
_HOSTS = click.option(
    "--hosts",
    default="redis,coach",
    show_default=True,
    metavar="NAME[/OTHER...],...",
    help="Servers, and further names or addresses of each.",
)
_DAYS = click.option(
    "--days", type=click.IntRange(1, 825), default=365, show_default=True, help="Days for which a certificate is good."
)
_RUN = click.option(
    "--run", default="*", metavar="NAME", help="The only run whose keys may be used; every run when left out."
)
_FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))


@click.command(context_settings=_HELP)
@_FOLDER
@_HOSTS
@click.option("--clients", default="", metavar="NAME,...", help="Who shows a certificate and serves nothing.")
@_DAYS
@click.option("--renew", is_flag=True, help="New keys and certificates for everybody in FOLDER, by the same authority.")
def certs(folder: Path, hosts: str, clients: str, days: int, renew: bool) -> None:
    """Make a development authority and certificates of named hosts in FOLDER.

    Each gets a folder of its own with tls.crt, tls.key and ca.crt. Nothing that exists is overwritten; an authority
    that is there issues certificates for those that have none.
    """
    from copa.security.certificates import Holder
    from copa.security.store import SecretStore, check_name, parse_hosts

    store, life = SecretStore(folder), timedelta(days=days)
    if renew:
        _tell(store.renew(life))
        click.echo("start the processes again that use them; those of the authority's other certificates go on")
        return
    names = [check_name(name.strip()) for name in clients.split(",") if name.strip()]
    _tell(store.issue([*parse_hosts(hosts), *map(Holder, names)], life))
    click.echo(
        "coach and actors: coach.transport = mutual, and coach.ca_file, coach.certificate_file, coach.key_file name"
        " ca.crt, tls.crt and tls.key of each one's own folder\n"
        "Redis:            redis.url = rediss://HOST:PORT, and redis.ca_file, redis.certificate_file, redis.key_file"
    )


@click.group()
def secrets() -> None:
    """Make what a deployment needs: passwords, the coach's token, certificates, Redis' list of users."""


@secrets.command(context_settings=_HELP)
@_FOLDER
@_HOSTS
@_DAYS
@_RUN
@click.option(
    "--password", "passwords", multiple=True, metavar="PATH", help="One more password, in this file of FOLDER."
)
def init(folder: Path, hosts: str, days: int, run: str, passwords: tuple[str, ...]) -> None:
    """Make whatever of it is missing in FOLDER, and change nothing that is there.

    There is a folder for each role; give each process its own and no other.
    """
    from copa.security.acl import ROLES
    from copa.security.store import SecretStore, parse_hosts

    store = SecretStore(folder)
    _tell(store.fill(parse_hosts(hosts), life=timedelta(days=days), run=run, passwords=passwords))
    click.echo("\n# everybody: COPA_REDIS_URL=rediss://HOST:PORT; coach and actors: COPA_COACH_ADDRESS=HOST:PORT")
    for role in ROLES:
        click.echo(f"\n# {role}")
        for name, value in store.settings(role).items():
            click.echo(f"{name}={value}")


@secrets.command(context_settings=_HELP)
@_FOLDER
@_RUN
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write, in place of one there.")
def acl(folder: Path, run: str, output: Path | None) -> None:
    """Print Redis' list of users for the passwords ROLE/redis.password in FOLDER; it holds their digests only."""
    from copa.security.files import replace
    from copa.security.store import SecretStore

    text = SecretStore(folder).acl(run)
    if output is None:
        click.echo(text, nl=False)
    else:
        replace(output, text.encode())
        click.echo(f"{output} written; tell a running Redis by  ACL LOAD")


def _tell(outcome: "Outcome") -> None:
    for path in outcome.made:
        click.echo(f"made {path}")
    if not outcome.made:
        click.echo("nothing was missing")
    for warning in outcome.warnings:
        click.echo(f"warning: {warning}", err=True)
