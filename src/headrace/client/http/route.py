"""How connections to one server are made: directly, or through the proxy that the environment names."""

import base64
import os
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from headrace.wire.errors import SettingsError

if TYPE_CHECKING:
    import ssl

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PORTS = {"http": 80, "https": 443}


class Route:
    """The way to the server of a URL. `prefix` goes before the path of a request, `headers` with each of them."""

    def __init__(self, url: SplitResult, timeout: float) -> None:
        assert url.hostname is not None
        self._host, self._port = url.hostname, url.port or _PORTS[url.scheme]
        self._tls, self._timeout = url.scheme == "https", timeout
        self._context: ssl.SSLContext | None = None
        self._proxy = _proxy_for(url)
        self._credentials = {} if self._proxy is None else _credentials(self._proxy)
        plainly = self._proxy is not None and not self._tls
        self.prefix = f"http://{url.netloc}" if plainly else ""
        self.headers = self._credentials if plainly else {}

    def connection(self) -> HTTPConnection:
        """A connection that is not made yet."""
        if self._proxy is None:
            return self._new(self._host, self._port)
        assert self._proxy.hostname is not None
        connection = self._new(self._proxy.hostname, self._proxy.port or _PORTS["http"])
        if self._tls:
            connection.set_tunnel(self._host, self._port, self._credentials)
        return connection

    def _new(self, host: str, port: int) -> HTTPConnection:
        if not self._tls:
            return HTTPConnection(host, port, timeout=self._timeout)
        return HTTPSConnection(host, port, timeout=self._timeout, context=self._security())

    def _security(self) -> "ssl.SSLContext":
        if self._context is None:
            import ssl

            self._context = ssl.create_default_context()
        return self._context


def _proxy_for(url: SplitResult) -> SplitResult | None:
    """The proxy that HTTP_PROXY or HTTPS_PROXY names, unless NO_PROXY or this very machine spares it."""
    if url.hostname in LOOPBACK or not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    named = getproxies().get(url.scheme)
    if not named or proxy_bypass(url.netloc):
        return None
    proxy = urlsplit(named if "://" in named else f"http://{named}")
    if proxy.scheme != "http" or proxy.hostname is None:
        raise SettingsError(
            f"{url.scheme.upper()}_PROXY names a proxy that cannot be used, {proxy.scheme}://{proxy.hostname}: "
            "give the URL of an HTTP proxy, such as http://proxy.example:3128, or spare the API's host in NO_PROXY."
        )
    return proxy


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
