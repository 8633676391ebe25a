"""A small certificate authority for development and for networks of a run's own."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from copa.errors import ConfigError, MismatchError, UnavailableError
from copa.extras import installing
from copa.security.files import replace, write_new

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    raise UnavailableError(f"certificates are made with cryptography: {installing('certs')}") from None

AUTHORITY_DAYS = 5 * 365
DEFAULT_DAYS = 365
LONGEST_DAYS = 825
"""Longest life of a certificate that all common clients accept."""

CLOCK_SKEW = timedelta(minutes=10)
"""Certificates are good from this long ago, for machines whose clock is behind."""

AUTHORITY, CERTIFICATE, KEY = "ca.crt", "tls.crt", "tls.key"
"""Names of files: who is believed, who one is, and the key to it."""

HERE = ("localhost", "127.0.0.1", "::1")
"""Names under which every host is reached from itself."""

PUBLIC_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose certificate it is."""

    name: str
    """Also the name of its folder."""
    hosts: tuple[str, ...] = ()
    """Names and addresses under which a server is reached, its own name among them; none for a client."""


class Authority:
    """Issues certificates; `folder` has `ca.crt` and `ca.key`."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self.certificate = certificate
        self._key = key

    @classmethod
    def create(cls, folder: Path, days: int = AUTHORITY_DAYS) -> "Authority":
        """A new authority in `folder`; raises MismatchError where there is one."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "COPA development authority")])
        usage = _key_usage(key_cert_sign=True, crl_sign=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(name, name, key.public_key(), timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identifier, critical=False)
            .sign(key, hashes.SHA256())
        )
        write_new(folder / "ca.key", _key_bytes(key))
        write_new(folder / AUTHORITY, _certificate_bytes(certificate), PUBLIC_MODE)
        return cls(certificate, key)

    @classmethod
    def open(cls, folder: Path) -> "Authority":
        """The authority in `folder`. Raises UnavailableError where there is none, ConfigError for a damaged one."""
        certificate = read_certificate(folder / AUTHORITY)
        try:
            key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
        except OSError as error:
            raise UnavailableError(f"{folder / 'ca.key'} cannot be read: {error.strerror}.") from None
        except (ValueError, TypeError):
            raise ConfigError(f"{folder / 'ca.key'} is no private key (PEM, without a password).") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError(f"{folder / 'ca.key'} is no key of an elliptic curve.")
        return cls(certificate, key)

    def issue(self, folder: Path, holder: Holder, life: timedelta, *, renew: bool = False) -> None:
        """Write key, certificate and `ca.crt` of `holder` into `folder`; nobody's life is longer than the authority's.

        Raises MismatchError where there is a certificate, unless `renew`; and when the authority has ended.
        """
        if datetime.now(UTC) >= self.certificate.not_valid_after_utc:
            raise MismatchError(
                f"the authority ended on {self.certificate.not_valid_after_utc:%Y-%m-%d}: make a new one in another"
                " folder, and give every process its certificates"
            )
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(holder, key.public_key(), life)
        for name, content, mode in (
            (KEY, _key_bytes(key), 0o600),
            (CERTIFICATE, _certificate_bytes(certificate), PUBLIC_MODE),
            (AUTHORITY, _certificate_bytes(self.certificate), PUBLIC_MODE),
        ):
            (replace if renew else write_new)(folder / name, content, mode)

    def _sign(self, holder: Holder, key: ec.EllipticCurvePublicKey, life: timedelta) -> x509.Certificate:
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH] + [ExtendedKeyUsageOID.SERVER_AUTH] * bool(holder.hosts)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, holder.name)])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        names = [_general_name(host) for host in holder.hosts or (holder.name,)]
        return (
            _builder(subject, self.certificate.subject, key, life, self.certificate.not_valid_after_utc)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(authority, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def server(name: str, others: Sequence[str] = ()) -> Holder:
    """A server called `name`, reached under `others` (names and addresses) too."""
    return Holder(name, tuple(dict.fromkeys((name, *others, *HERE))))


def holder_of(certificate: x509.Certificate) -> Holder:
    """Whom a certificate of this authority was issued to."""
    name = str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.SERVER_AUTH not in purposes:
        return Holder(name)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return Holder(name, tuple(str(found.value) for found in names))


def read_certificate(path: Path) -> x509.Certificate:
    """The certificate in a file. Raises UnavailableError where there is none, ConfigError for something else."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise UnavailableError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise ConfigError(f"{path} is no certificate (PEM).") from None


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    life: timedelta,
    latest: datetime | None = None,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC).replace(microsecond=0)
    end = min(now + life, latest or datetime.max.replace(tzinfo=UTC))
    begin = min(now, end) - CLOCK_SKEW
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError:
        raise ConfigError(f"{host!r} is no host name (of ASCII) and no address") from None


def _key_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _certificate_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
