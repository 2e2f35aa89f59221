"""Real SMTP servers on this machine, polite and otherwise."""

from __future__ import annotations

import email
import email.policy
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import override_settings


class MailServer:
    """Answers by recipient; keeps what it took."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, email.message.EmailMessage]] = []
        self.contents: list[bytes] = []
        self.answers: dict[str, str] = {}
        self.answer_to_data = ""
        self.answer_to_sender = ""

    async def handle_MAIL(self, server, session, envelope, address, options):
        if self.answer_to_sender:
            return self.answer_to_sender
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer_to_data:
            return self.answer_to_data
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.contents.append(envelope.content)
        self.taken += [(recipient, message) for recipient in envelope.rcpt_tos]
        return "250 OK"

    def only_message(self) -> email.message.EmailMessage:
        [(_to, message)] = self.taken
        return message


@contextmanager
def smtp_at(port: int, *, timeout: float = 10, **changes: Any) -> Iterator[None]:
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_TIMEOUT=timeout,
        **changes,
    ):
        yield


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    handler = MailServer()
    port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=port, ready_timeout=20)
    controller.start()
    try:
        with smtp_at(port):
            yield handler
    finally:
        controller.stop()


@pytest.fixture
def silent_server() -> Iterator[None]:
    """Takes the connection and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []
    stop = threading.Event()

    def hold() -> None:
        listener.settimeout(0.1)
        while not stop.is_set():
            try:
                held.append(listener.accept()[0])
            except TimeoutError:
                continue

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        with smtp_at(listener.getsockname()[1], timeout=0.3):
            yield
    finally:
        stop.set()
        thread.join()
        for connection in [*held, listener]:
            connection.close()


class Scripted(socketserver.ThreadingTCPServer):
    """One behaviour a connection, the last one repeats:

    ``ok``, ``421`` (no service), ``421-rcpt``, ``close-in-data`` (gone while the mail is on its way), ``lost`` (takes
    the mail and is gone before it says so), ``bad-tls`` (offers STARTTLS and then speaks no TLS).
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *behaviours: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.behaviours = list(behaviours)
        self.taken: list[email.message.EmailMessage] = []

    def next_behaviour(self) -> str:
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


class _Connection(socketserver.StreamRequestHandler):
    server: Scripted

    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self) -> None:
        behaviour = self.server.next_behaviour()
        self.say("421 4.3.2 too busy" if behaviour == "421" else "220 test ESMTP")
        while behaviour != "421" and (line := self.rfile.readline()):
            command = line.decode().strip().upper()
            if command.startswith("EHLO"):
                self.say("250-test\r\n250 STARTTLS" if behaviour == "bad-tls" else "250 test")
            elif command == "STARTTLS":
                self.say("220 go ahead")
                self.say("this is no handshake")
                return
            elif command.startswith("RCPT") and behaviour == "421-rcpt":
                self.say("421 4.3.2 shutting down")
                return
            elif command == "DATA":
                self.say("354 go on")
                if behaviour == "close-in-data":
                    self.rfile.readline()
                    return
                self.take()
                if behaviour == "lost":
                    return
                self.say("250 taken")
            elif command == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 OK")

    def take(self) -> None:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.taken.append(message)  # type: ignore[arg-type]


@pytest.fixture
def scripted_server() -> Callable[..., Any]:
    """``with scripted_server("lost", "ok") as server:``"""

    @contextmanager
    def run(*behaviours: str, timeout: float = 3, **changes: Any) -> Iterator[Scripted]:
        with Scripted(*behaviours) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                with smtp_at(server.server_address[1], timeout=timeout, **changes):
                    yield server
            finally:
                server.shutdown()
                thread.join()

    return run
