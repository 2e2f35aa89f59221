"""Real caching proxies in front of the live server, with the configuration that the documentation ships."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

CONFIGURATION = Path(__file__).resolve().parents[2] / "docs" / "apps" / "paywall"
# Debian keeps servers out of the path of ordinary users.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
PURGE_MODULE = Path("/usr/lib/nginx/modules/ngx_http_cache_purge_module.so")
NGINX_FRAME = """
{module}
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
daemon off;
events {{ }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/temp;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def body(self) -> str:
        return self.content.decode("utf-8", "replace")

    @property
    def was_kept(self) -> bool:
        return self.headers.get("X-Cache") == "HIT"


@dataclass(frozen=True)
class Proxy:
    name: str
    address: str

    def get(
        self,
        path: str,
        *,
        method: str = "GET",
        host: str = "localhost",
        source: str = "127.0.0.1",
        **headers: str,
    ) -> Answer:
        connection = http.client.HTTPConnection(self.address, timeout=20, source_address=(source, 0))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": host, **named})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return Answer(response.status, response.headers, content)


@contextmanager
def nginx(site: str, folder: Path, *, private: str = "") -> Iterator[Proxy]:
    """``private``: the folder whose files nginx sends when the site says so."""
    binary = _binary("nginx")
    if not PURGE_MODULE.exists():
        pytest.skip("nginx cannot purge: apt-get install libnginx-mod-http-cache-purge")
    address = f"127.0.0.1:{free_port()}"
    text = (CONFIGURATION / "nginx.conf").read_text()
    text = _replaced(text, "server 127.0.0.1:8000;", f"server {urlsplit(site).netloc};")
    text = _replaced(text, "listen 80;", f"listen {address};")
    text = _replaced(text, "/var/cache/nginx/pages", f"{folder}/pages")
    text = _replaced(text, "/srv/site/private/", f"{private or folder / 'private'}/")
    (folder / "site.conf").write_text(text)
    user = "user root root;" if os.geteuid() == 0 else ""
    frame = NGINX_FRAME.format(module=f"load_module {PURGE_MODULE};", user=user, folder=folder)
    (folder / "nginx.conf").write_text(frame)
    with _running([binary, "-c", str(folder / "nginx.conf"), "-p", str(folder)], address):
        yield Proxy("nginx", address)


@contextmanager
def varnish(site: str, folder: Path) -> Iterator[Proxy]:
    binary = _binary("varnishd")
    address = f"127.0.0.1:{free_port()}"
    text = (CONFIGURATION / "varnish.vcl").read_text()
    text = _replaced(text, '.port = "8000";', f'.port = "{urlsplit(site).port}";')
    text = _replaced(text, '.host = "127.0.0.1";', f'.host = "{urlsplit(site).hostname}";')
    (folder / "site.vcl").write_text(text)
    command = [binary, "-F", "-j", "none", "-a", address, "-f", str(folder / "site.vcl"), "-s", "malloc,16m"]
    with _running([*command, "-n", str(folder / "varnish")], address):
        yield Proxy("varnish", address)


def _binary(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old} is not once in the configuration"
    return text.replace(old, new)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(command: list[str], address: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _wait_for(process, address)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_for(process: subprocess.Popen, address: str) -> None:
    host, port = address.split(":")
    for _try in range(300):
        if process.poll() is not None:
            pytest.fail(f"{process.args[0]} stopped: {process.stdout.read()}")
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"{process.args[0]} did not answer at {address}")


@contextmanager
def file_server(site: str, media: Path, folder: Path) -> Iterator[Proxy]:
    """nginx as on most sites: public files from the disk, everything else from the application."""
    address = f"127.0.0.1:{free_port()}"
    (folder / "site.conf").write_text(
        f"server {{ listen {address};"
        f"  location /media/ {{ alias {media}/; }}"
        f"  location / {{ proxy_pass {site}; proxy_set_header Host $http_host; }} }}"
    )
    user = "user root root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX_FRAME.format(module="", user=user, folder=folder))
    with _running([_binary("nginx"), "-c", str(folder / "nginx.conf"), "-p", str(folder)], address):
        yield Proxy("nginx", address)
