"""Certificates and host keys that an editor enters, read once the same way for forms, checks and transports."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

import paramiko
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


def read_certificate(pem: str) -> x509.Certificate:
    """Raises ValueError for what is no certificate, or one that nothing can be encrypted for."""
    certificate = x509.load_pem_x509_certificate(pem.strip().encode())
    if not isinstance(certificate.public_key(), rsa.RSAPublicKey):
        raise ValueError("no RSA key")
    return certificate


def validate_certificate(pem: str) -> None:
    if "PRIVATE KEY" in pem:
        raise ValidationError(
            _("This holds a private key, which must stay with the agency. Enter the certificate.")
        )
    try:
        read_certificate(pem)
    except (ValueError, TypeError) as error:
        raise ValidationError(_("This is no X.509 certificate with an RSA key in PEM.")) from error


def is_valid_at(certificate: x509.Certificate, moment: datetime) -> bool:
    return certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc


def read_host_key(line: str) -> paramiko.PKey:
    """Of a line such as ``ssh-ed25519 AAAA…`` (as in known_hosts, the host before it is skipped). Raises ValueError."""
    parts = line.split()
    start = next((n for n, part in enumerate(parts) if part.startswith(("ssh-", "ecdsa-"))), None)
    if start is None or len(parts) < start + 2:
        raise ValueError("no key type")
    kind, encoded = parts[start], parts[start + 1]
    try:
        key: Any = paramiko.PKey.from_type_string(kind, base64.b64decode(encoded, validate=True))
    except (
        binascii.Error,
        paramiko.SSHException,
        paramiko.UnknownKeyType,
        IndexError,
        UnicodeError,
    ) as error:
        raise ValueError(str(error)) from error
    if key.get_name() != kind:
        raise ValueError("another type")
    return key


def validate_host_key(line: str) -> None:
    if "\n" in line.strip():
        raise ValidationError(_("Enter one key, on one line."))
    try:
        read_host_key(line)
    except ValueError as error:
        raise ValidationError(_("This is no host key such as “ssh-ed25519 AAAA…”.")) from error
