"""A folder with the secrets of a whole deployment, in one folder per role so that each is given its own and no more.

ca/          ca.crt ca.key                            the authority; nobody else needs its key
redis/       users.acl tls.crt tls.key ca.crt         the server
coach/       redis.password token tls.crt tls.key ca.crt
actor/       the same, and so on for each role of `copa.security.acl`; the token is for coach and actor
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from copa.errors import ConfigError, UnavailableError
from copa.security.acl import ANY_RUN, ROLES, acl_file
from copa.security.certificates import (
    AUTHORITY,
    CERTIFICATE,
    KEY,
    Authority,
    Holder,
    holder_of,
    read_certificate,
    server,
)
from copa.security.files import read_secret, refuse_existing, write_new

PASSWORD, TOKEN, USERS = "redis.password", "token", Path("redis") / "users.acl"
SECRET_BYTES = 32
TOKEN_ROLES = ("coach", "actor")
RENEW_DAYS = 30
"""A certificate with fewer days left is worth a warning."""


@dataclass(slots=True)
class Outcome:
    """What was made, and what the user should know of what was there."""

    made: list[Path] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class SecretStore:
    """The folder; building it touches nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users = folder / USERS

    def fill(
        self,
        hosts: Sequence[Holder],
        *,
        life: timedelta,
        run: str = ANY_RUN,
        passwords: Sequence[str] = (),
    ) -> Outcome:
        """Make whatever is missing; what is there stays as it is.

        `hosts` are servers, `passwords` further files relative to the folder. Repeating it is safe, also after a
        failure half-way.
        """
        outcome = Outcome()
        self._issue([*(Holder(role) for role in ROLES), *hosts], life, outcome)
        for role in ROLES:
            self._make(self.folder / role / PASSWORD, outcome)
        for name in passwords:
            path = self.folder / name
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise ConfigError(f"password {name!r} must lie in {self.folder}")
            self._make(path, outcome)
        self._share_token(outcome)
        self._make(self.users, outcome, self.acl(run))
        self._warn(run, outcome)
        return outcome

    def acl(self, run: str = ANY_RUN) -> str:
        """The ACL file for the passwords that are here. Raises UnavailableError where there is none."""
        paths = {role: self.folder / role / PASSWORD for role in ROLES}
        found = {role: read_secret(path, f"the password of {role}") for role, path in paths.items() if path.exists()}
        if not found:
            raise UnavailableError(f"{self.folder} has no ROLE/{PASSWORD}; `copa secrets init` makes them")
        return acl_file(found, run)

    def issue(self, holders: Sequence[Holder], life: timedelta) -> Outcome:
        """Certificates for `holders`, who have none yet, by an authority that is made where there is none.

        Raises MismatchError, before anything is made, where one of them has one.
        """
        for holder in holders:
            refuse_existing(self._certificate(holder.name))
        outcome = Outcome()
        self._issue(holders, life, outcome)
        return outcome

    def renew(self, life: timedelta) -> Outcome:
        """New keys and certificates, by the same authority, for everybody who has one."""
        authority = Authority.open(self.folder / "ca")
        outcome = Outcome()
        for path in self._certificates():
            authority.issue(path.parent, holder_of(read_certificate(path)), life, renew=True)
            outcome.made.append(path)
        return outcome

    def settings(self, role: str) -> dict[str, str]:
        """Environment variables with which a process of `role` takes its part of this folder; none holds a secret."""
        folder = self.folder.absolute() / role
        files = {
            "PASSWORD_FILE": folder / PASSWORD,
            "CA_FILE": folder / AUTHORITY,
            "CERTIFICATE_FILE": folder / CERTIFICATE,
            "KEY_FILE": folder / KEY,
        }
        found = {"COPA_REDIS_USERNAME": role} | {f"COPA_REDIS_{name}": str(path) for name, path in files.items()}
        if role in TOKEN_ROLES:
            found |= {"COPA_COACH_TRANSPORT": "mutual", "COPA_COACH_TOKEN_FILE": str(folder / TOKEN)}
            found |= {f"COPA_COACH_{name}": str(path) for name, path in files.items() if name != "PASSWORD_FILE"}
        return found

    def _issue(self, holders: Sequence[Holder], life: timedelta, outcome: Outcome) -> None:
        """Certificates for whoever has no whole one; of two holders with one name the later counts."""
        missing = {holder.name: holder for holder in holders if not self._whole(holder.name)}
        folder = self.folder / "ca"
        if (folder / AUTHORITY).exists():
            authority = Authority.open(folder) if missing else None
        else:
            authority = Authority.create(folder)
            outcome.made.append(folder / AUTHORITY)
        for holder in missing.values():
            assert authority is not None
            authority.issue(self.folder / holder.name, holder, life, renew=True)
            outcome.made.append(self._certificate(holder.name))

    def _whole(self, name: str) -> bool:
        return all((self.folder / name / part).exists() for part in (KEY, CERTIFICATE, AUTHORITY))

    def _share_token(self, outcome: Outcome) -> None:
        paths = [self.folder / role / TOKEN for role in TOKEN_ROLES]
        known = next((path.read_text(encoding="utf-8") for path in paths if path.exists()), None)
        for path in paths:
            self._make(path, outcome, known := known or _secret())

    def _make(self, path: Path, outcome: Outcome, content: str | None = None) -> None:
        if not path.exists():
            write_new(path, (_secret() if content is None else content).encode())
            outcome.made.append(path)

    def _warn(self, run: str, outcome: Outcome) -> None:
        if self.users.read_text(encoding="utf-8") != self.acl(run):
            outcome.warnings.append(
                f"{self.users} is not what this version writes for these passwords: it was changed, or a password was;"
                f" `copa secrets acl {self.folder} --output {self.users}` writes it anew"
            )
        for path in self._certificates():
            end = read_certificate(path).not_valid_after_utc
            if end - datetime.now(UTC) < timedelta(days=RENEW_DAYS):
                outcome.warnings.append(f"{path} ends on {end:%Y-%m-%d}; `copa certs {self.folder} --renew` renews it")

    def _certificate(self, name: str) -> Path:
        return self.folder / name / CERTIFICATE

    def _certificates(self) -> Iterator[Path]:
        return iter(sorted(self.folder.glob(f"*/{CERTIFICATE}")))


def parse_hosts(text: str) -> list[Holder]:
    """Servers from `name,name/other/other,...`; raises ConfigError for a name that is no name of a folder."""
    holders = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, *others = word.split("/")
        holders.append(server(check_name(name), others))
    return holders


def check_name(name: str) -> str:
    """`name`, if certificates may be kept under it; raises ConfigError."""
    if not name.replace("-", "").replace(".", "").isalnum() or not name[0].isalnum() or name == "ca":
        raise ConfigError(f"{name!r} is not allowed as a name: letters, digits, - and ., and not ca")
    return name


def _secret() -> str:
    return secrets.token_hex(SECRET_BYTES) + "\n"
