"""A server of files on this machine, which can misbehave in the ways that servers do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server holds and how it behaves.

    Attributes:
        files: Contents by name.
        breaks: For each of the next answers: after how many bytes of it the connection closes.
        ranges: Whether parts can be asked for.
        chunked: Whether the size is not told.
        content_type: Of every answer.
        statuses: Of the next answers, instead of the file.
        tag: The entity tag of every file.
        asked: The Range header of every request, in order.
    """

    files: dict[str, bytes]
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    chunked: bool = False
    content_type: str = "application/octet-stream"
    statuses: list[int] = field(default_factory=list)
    tag: str = '"one"'
    asked: list[str | None] = field(default_factory=list)
    address: str = ""


class _Server(ThreadingHTTPServer):
    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def site(self) -> Site:
        assert isinstance(self.server, _Server)
        return self.server.site

    def log_message(self, *_: object) -> None:
        """Nothing is shown."""

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.site.asked.append(asked)
        self.close_connection = True
        content = self.site.files.get(self.path.lstrip("/"))
        if self.site.statuses or content is None:
            self.send_response(self.site.statuses.pop(0) if self.site.statuses else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = self._start(asked)
        if start > 0 and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._head(start, len(content))
        self._body(content[start:])

    def _start(self, asked: str | None) -> int:
        version = self.headers.get("If-Range", self.site.tag)
        if asked is None or not self.site.ranges or version != self.site.tag:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def _head(self, start: int, size: int) -> None:
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        if self.site.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(size - start))
        self.send_header("Content-Type", self.site.content_type)
        self.send_header("ETag", self.site.tag)
        self.end_headers()

    def _body(self, content: bytes) -> None:
        limit = self.site.breaks.pop(0) if self.site.breaks else len(content)
        sent = content[:limit]
        if self.site.chunked:
            self.wfile.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
            if limit >= len(content):
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)


@contextmanager
def served(files: dict[str, bytes]) -> Iterator[Site]:
    """Serves files until the block ends."""
    site = Site(files)
    server = _Server(site)
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
