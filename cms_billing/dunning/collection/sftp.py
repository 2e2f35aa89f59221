"""Files to an agency's SFTP server. Its host key is pinned: no other server is told a password or sent a file."""

from __future__ import annotations

import io
import posixpath
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import paramiko
from django.utils.translation import gettext as _

from cms_billing.core.copies import require_original
from cms_billing.core.exceptions import BillingError, PermanentFailure

from ..models import Agency
from .keys import read_host_key
from .secrets import login_of

# Seconds a silent server is waited for.
PATIENCE = 30


class ServerNotTrusted(PermanentFailure):
    """The server shows another key than the one an editor entered: somebody else may be in between."""


class LoginRefused(PermanentFailure):
    """The server does not take the login."""


class NotTransferred(BillingError):
    """The server could not be reached or did not take the file; it is tried again."""


def address_of(agency: Agency) -> str:
    folder = agency.sftp_folder.strip("/")
    return f"sftp://{agency.sftp_user}@{agency.sftp_host}:{agency.sftp_port}/{folder}"


def put(agency: Agency, *, name: str, content: IO[bytes], size: int) -> None:
    """Whole or not at all: under another name first, then renamed over an older one of the same name.

    Raises CopySendsNothing, LoginMissing, ServerNotTrusted, LoginRefused and NotTransferred.
    """
    with _session(agency) as session:
        final = posixpath.join(agency.sftp_folder or ".", name)
        part = f"{final}.part"
        session.putfo(content, part, file_size=size, confirm=True)
        session.posix_rename(part, final)
        if session.stat(final).st_size != size:
            raise NotTransferred(
                _("%(host)s holds another size of %(name)s than was sent.")
                % {"host": agency.sftp_host, "name": name}
            )


def try_out(agency: Agency) -> None:
    """Log in, write a small file and take it away again. Raises as ``put`` does."""
    with _session(agency) as session:
        name = posixpath.join(agency.sftp_folder or ".", f"test-{uuid.uuid4().hex}.part")
        session.putfo(io.BytesIO(b"test\n"), name, confirm=True)
        session.remove(name)


@contextmanager
def _session(agency: Agency) -> Iterator[paramiko.SFTPClient]:
    require_original()
    login = login_of(agency.slug)
    client = paramiko.SSHClient()
    host = agency.sftp_host if agency.sftp_port == 22 else f"[{agency.sftp_host}]:{agency.sftp_port}"
    key = read_host_key(agency.sftp_host_key)
    client.get_host_keys().add(host, key.get_name(), key)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    try:
        with _answers_explained(agency):
            client.connect(
                agency.sftp_host,
                agency.sftp_port,
                agency.sftp_user,
                password=login.password or None,
                pkey=login.key,
                allow_agent=False,
                look_for_keys=False,
                timeout=PATIENCE,
                banner_timeout=PATIENCE,
                auth_timeout=PATIENCE,
                channel_timeout=PATIENCE,
            )
            with client.open_sftp() as session:
                session.get_channel().settimeout(PATIENCE)
                yield session
    finally:
        client.close()


@contextmanager
def _answers_explained(agency: Agency) -> Iterator[None]:
    host = agency.sftp_host
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise ServerNotTrusted(
            _("%(host)s shows another host key than the one entered. Ask the agency before anything is sent.")
            % {"host": host}
        ) from error
    except paramiko.AuthenticationException as error:
        raise LoginRefused(
            _("%(host)s does not let %(user)s in. Have the password or key corrected.")
            % {"host": host, "user": agency.sftp_user}
        ) from error
    except PermissionError as error:
        raise PermanentFailure(
            _("%(user)s may not write to the folder “%(folder)s” on %(host)s.")
            % {"user": agency.sftp_user, "folder": agency.sftp_folder, "host": host}
        ) from error
    except FileNotFoundError as error:
        raise PermanentFailure(
            _("There is no folder “%(folder)s” on %(host)s.") % {"folder": agency.sftp_folder, "host": host}
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        reason = str(error) or type(error).__name__
        # An unknown host key type arrives as a plain SSHException.
        if "not found in known_hosts" in reason:
            raise ServerNotTrusted(
                _(
                    "%(host)s shows another host key than the one entered. Ask the agency before anything is sent."
                )
                % {"host": host}
            ) from error
        raise NotTransferred(
            _("%(host)s did not take the file: %(error)s") % {"host": host, "error": reason}
        ) from error
