"""Secrets in files: read where a setting names one, written so that nobody else can read them."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from copa.config.schema import TlsFiles
from copa.errors import ConfigError, MismatchError, UnavailableError


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """Contents of `TlsFiles`; None for what is not set."""

    authorities: bytes | None
    certificate: bytes | None
    key: bytes | None


def read_secret(path: Path, setting: str) -> str:
    """Content of the file that `setting` names, without the white space around it.

    Raises ConfigError, without any of the content, when it cannot be read or is empty.
    """
    text = _read(path, setting).decode("utf-8", errors="replace").strip()
    if not text:
        raise ConfigError(f"{setting} = {str(path)!r} is empty: write the secret into it.")
    return text


def read_identity(files: TlsFiles, section: str) -> Identity:
    """The certificates and the key that the settings of `section` name.

    Raises ConfigError for a file that cannot be read, is no certificate or key, or a key of another certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authorities = certificate = key = None
    if files.ca_file is not None:
        authorities = _read(files.ca_file, f"{section}.ca_file")
        try:
            context.load_verify_locations(files.ca_file)
        except ssl.SSLError:
            raise ConfigError(f"{section}.ca_file = {str(files.ca_file)!r} holds no certificate (PEM).") from None
    if files.certificate_file is not None and files.key_file is not None:
        certificate = _read(files.certificate_file, f"{section}.certificate_file")
        key = _read(files.key_file, f"{section}.key_file")
        try:
            context.load_cert_chain(files.certificate_file, files.key_file, password="")
        except (ssl.SSLError, ValueError):
            raise ConfigError(
                f"{section}.certificate_file = {str(files.certificate_file)!r} and {section}.key_file ="
                f" {str(files.key_file)!r} are no certificate and its key (PEM, the key without a password)."
            ) from None
    return Identity(authorities, certificate, key)


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that is not there yet, whole or not at all; a folder that is made for it is for this user alone.

    Raises MismatchError where there is something, UnavailableError where it cannot be written.
    """
    refuse_existing(path)
    replace(path, content, mode)


def refuse_existing(path: Path) -> None:
    """Raise MismatchError where there is something at `path`."""
    if path.exists():
        raise MismatchError(f"{path} exists, and is left as it is; remove it to have it made anew.")


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file, in place of the one there; else as `write_new`."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(f"{path} cannot be written: {error.strerror}.") from None


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{setting} = {str(path)!r} cannot be read: {error.strerror}.") from None
