"""A small S3 server for measuring: every answer comes after a fixed wait; objects live in memory.

python benchmarks/s3_stub.py WAIT_MS      prints its address
"""

import asyncio
import sys
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

OBJECTS: dict[str, tuple[bytes, dict[str, str]]] = {}
EMPTY_LIST = b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'


def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of one request."""
    name = unquote(path)
    if method == "PUT":
        OBJECTS[name] = (body, {key: value for key, value in headers.items() if key.startswith("x-amz-meta-")})
        return 200, {"ETag": '"e"'}, b""
    if name.count("/") == 1:
        return 200, {"Content-Type": "application/xml"}, EMPTY_LIST
    if name not in OBJECTS:
        return 404, {}, b""
    data, metadata = OBJECTS[name]
    about = {"ETag": '"e"', "Last-Modified": formatdate(usegmt=True), **metadata}
    return (
        200,
        about | ({"Content-Length": str(len(data))} if method == "HEAD" else {}),
        b"" if method == "HEAD" else data,
    )


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait_s: float) -> None:
    """One connection, kept open."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines if line)}
            if headers.get("expect"):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await asyncio.sleep(wait_s)
            status, about, data = answer(method, urlsplit(target).path, headers, body)
            about = {"Content-Length": str(len(data)), "Date": formatdate(usegmt=True), **about}
            said = "".join(f"{key}: {value}\r\n" for key, value in about.items())
            writer.write(f"HTTP/1.1 {status} OK\r\n{said}\r\n".encode("latin-1") + data)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(wait_s: float) -> None:
    """Serve until it is ended."""
    server = await asyncio.start_server(lambda r, w: serve(r, w, wait_s), "127.0.0.1", 0, limit=1 << 20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) / 1000))
