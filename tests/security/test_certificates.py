"""`copa certs` and `copa secrets`: what they make, for how long, who may read it, and that nothing is overwritten."""

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from copa.errors import MismatchError
from copa.security.acl import ROLES
from copa.security.certificates import Authority, Holder, read_certificate, server
from copa.security.store import SecretStore
from tests.security.parts import make_store
from tests.system.conftest import copa


def content(folder: Path) -> dict[str, bytes]:
    """Every file with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_deployment_in_one_command_that_may_be_repeated(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    command = (
        "secrets",
        "init",
        str(folder),
        "--hosts",
        "redis,coach/10.0.0.7",
        "--password",
        "grafana/admin.password",
    )
    printed = said(copa(*command))
    made = content(folder)
    assert {f"{role}/redis.password" for role in ROLES} <= set(made)
    assert {"redis/users.acl", "coach/token", "actor/token", "ca/ca.key", "grafana/admin.password"} <= set(made)
    assert made["coach/token"] == made["actor/token"]
    secrets = [text for name, text in made.items() if name.endswith(("password", "token"))]
    assert len(set(secrets)) == len(secrets) - 1
    for text in [*secrets, *(text for name, text in made.items() if name.endswith(".key"))]:
        assert text.decode().strip() not in printed
    assert "COPA_REDIS_USERNAME=learner" in printed
    assert "nothing was missing" in said(copa(*command))
    assert content(folder) == made
    (folder / "actor" / "redis.password").unlink()
    again = copa(*command)
    changed = {name for name, text in content(folder).items() if made[name] != text}
    assert changed == {"actor/redis.password"}
    assert "users.acl is not what this version writes" in again.stderr
    said(copa("secrets", "acl", str(folder), "--output", str(folder / "redis" / "users.acl")))
    assert copa(*command).stderr == ""


def test_nobody_else_reads_secrets(tmp_path: Path) -> None:
    folder = make_store(tmp_path / "secrets").folder
    for path in folder.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        else:
            assert mode == (0o644 if path.suffix == ".crt" else 0o600), path


def test_certificates_are_what_they_are_for(tmp_path: Path) -> None:
    store = make_store(tmp_path / "secrets")
    authority = read_certificate(store.folder / "ca" / "ca.crt")
    coach, actor = (read_certificate(store.folder / role / "tls.crt") for role in ("coach", "actor"))
    now = datetime.now(UTC)
    for certificate in (coach, actor):
        certificate.verify_directly_issued_by(authority)
        assert timedelta(days=364) < certificate.not_valid_after_utc - now <= timedelta(days=365)
        assert certificate.not_valid_before_utc < now
        assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = coach.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {"coach", "localhost", "127.0.0.1", "::1"}
    uses = x509.ExtendedKeyUsage
    assert ExtendedKeyUsageOID.SERVER_AUTH in coach.extensions.get_extension_for_class(uses).value
    assert ExtendedKeyUsageOID.SERVER_AUTH not in actor.extensions.get_extension_for_class(uses).value
    limits = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert limits.critical
    assert (limits.value.ca, limits.value.path_length) == (True, 0)


def test_nothing_is_overwritten_and_all_is_renewed(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    said(copa("certs", str(folder), "--hosts", "coach", "--clients", "actor"))
    made = content(folder)
    refused = copa("certs", str(folder), "--hosts", "other,coach")
    assert refused.returncode == 4
    assert "coach/tls.crt exists" in refused.stderr
    assert content(folder) == made
    said(copa("certs", str(folder), "--hosts", "other"))
    assert content(folder).items() > made.items()
    said(copa("certs", str(folder), "--renew", "--days", "7"))
    after = content(folder)
    assert {name for name in made if after[name] != made[name]} == {
        f"{holder}/tls.{part}" for holder in ("coach", "actor") for part in ("crt", "key")
    }
    renewed = read_certificate(folder / "coach" / "tls.crt")
    assert renewed.not_valid_after_utc - datetime.now(UTC) < timedelta(days=7)
    names = renewed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "coach" in {str(name.value) for name in names}


def test_a_certificate_that_ends_soon_is_told(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "secrets")
    outcome = store.fill([server("coach")], life=timedelta(days=3))
    assert any("coach/tls.crt ends on" in warning for warning in outcome.warnings)


def test_nobody_outlives_the_authority(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "ca", days=10)
    authority.issue(tmp_path / "coach", server("coach"), timedelta(days=365))
    assert (
        read_certificate(tmp_path / "coach" / "tls.crt").not_valid_after_utc
        == authority.certificate.not_valid_after_utc
    )
    ended = Authority.create(tmp_path / "old", days=-1)
    with pytest.raises(MismatchError, match="the authority ended on"):
        ended.issue(tmp_path / "actor", Holder("actor"), timedelta(days=1))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--hosts", "../coach"), "is not allowed as a name"),
        (("--hosts", "ca"), "is not allowed as a name"),
        (("--hosts", "coach/höst"), "no host name"),
        (("--days", "0"), "--days"),
        (("--password", "../elsewhere"), "must lie in"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = copa("secrets", "init", str(tmp_path / "secrets"), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_deployment_begun_half_way_is_completed(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_store(folder)
    made = content(folder)
    for name in ("coach/tls.crt", "actor/token", "redis/users.acl"):
        (folder / name).unlink()
    make_store(folder)
    after = content(folder)
    assert set(after) == set(made)
    assert after["actor/token"] == made["actor/token"]
    assert after["redis/users.acl"] == made["redis/users.acl"]
    assert {name for name in made if made[name] != after[name]} == {"coach/tls.crt", "coach/tls.key"}
