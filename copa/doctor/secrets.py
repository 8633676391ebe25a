"""Files of secrets and certificates that the configuration names."""

import stat
from datetime import UTC, datetime
from pathlib import Path

from copa.coaching.transport import read_tokens
from copa.config.schema import Config, TlsFiles
from copa.doctor.findings import Finding, attempt
from copa.errors import UnavailableError
from copa.security.files import read_identity, read_secret

SOON_DAYS = 14
"""From so many days before its end on, a certificate is warned of."""


def check_secrets(config: Config) -> list[Finding]:
    """Whether files can be read, by nobody else, and certificates hold."""
    findings: list[Finding] = []
    for section, files in (("redis", config.redis), ("coach", config.coach)):
        findings += attempt(f"{section} certificates", _identity, files, section)
    if config.redis.password_file is not None:
        findings += attempt("redis.password_file", _secret, config.redis.password_file, "redis.password_file")
    if config.coach.token_file is not None:
        findings += attempt("coach.token_file", _token, config)
    return findings or [Finding("secrets", "skipped", "the configuration names no certificate, password or token file")]


def _identity(files: TlsFiles, section: str) -> list[Finding]:
    read_identity(files, section)
    findings = []
    for field in ("ca_file", "certificate_file"):
        path = getattr(files, field)
        if path is not None:
            findings.append(_validity(f"{section}.{field}", path))
    if files.key_file is not None:
        findings += _privacy(f"{section}.key_file", files.key_file)
    return findings


def _validity(setting: str, path: Path) -> Finding:
    try:
        from copa.security.certificates import read_certificate
    except UnavailableError:
        return Finding(setting, "skipped", f"{path} is a certificate; until when it holds is told with the extra certs")
    certificate = read_certificate(path)
    now = datetime.now(UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    left = (end - now).total_seconds() / 86_400
    renew = "make new ones with `copa secrets init` or `copa certs`, and restart what uses them"
    if left < 0:
        return Finding(setting, "problem", f"{path} ended on {end:%Y-%m-%d %H:%M} UTC: {renew}.")
    if begin > now:
        return Finding(
            setting, "problem", f"{path} begins on {begin:%Y-%m-%d %H:%M} UTC: is this machine's clock right?"
        )
    if left < SOON_DAYS:
        return Finding(setting, "warning", f"{path} ends in {left:.0f} days: {renew}.")
    issuer = certificate.issuer.rfc4514_string()
    return Finding(setting, "ok", f"{path} holds for {left:.0f} more days; issued by {issuer}")


def _secret(path: Path, setting: str) -> list[Finding]:
    read_secret(path, setting)
    return _privacy(setting, path)


def _token(config: Config) -> list[Finding]:
    read_tokens(config.coach)
    assert config.coach.token_file is not None
    return _privacy("coach.token_file", config.coach.token_file)


def _privacy(setting: str, path: Path) -> list[Finding]:
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return [Finding(setting, "warning", f"{path} can be read by others on this machine: chmod 600 {path}")]
    return [Finding(setting, "ok", f"{path} can be read, by its owner alone")]
