"""The strict HTTP/1.1 server, attacked over real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from codex_auth_lsp.http1 import DropConnectionError, HttpServer, Limits, Request, Response

SECONDS = 10.0
GET = b"GET /where?a=b HTTP/1.1\r\nHost: here\r\n"


class Seen(list):
    """A handler that keeps what it was given."""

    async def __call__(self, request: Request) -> Response:
        """Keep the request and serve it."""
        self.append(request)
        return Response(200, b"served", headers=(("X-One", "1"),))


@asynccontextmanager
async def serving(handler, **limits):
    server = await HttpServer.start(handler, limits=Limits(**limits))
    try:
        yield server
    finally:
        await server.close()


async def exchange(port: int, *parts: bytes, end: bool = False) -> bytes:
    """Send the parts one by one and return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            for part in parts:
                writer.write(part)
                await writer.drain()
            if end:
                writer.write_eof()
            while chunk := await reader.read(65536):
                received += chunk
    except ConnectionError:
        pass  # how a server may close on a peer that is still sending
    finally:
        writer.close()
    return bytes(received)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def test_plain_request_is_given_to_the_handler_as_it_was_sent():
    """Path and query are raw; header names are lower case and repeated headers stay visible."""
    async with serving(seen := Seen()) as server:
        head = b"GET /a%2Fb/../c?x=%20&x=+ HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
        answer = await exchange(server.port, head)
    (request,) = seen
    assert status(answer) == 200
    assert (request.method, request.path, request.query) == ("GET", "/a%2Fb/../c", "x=%20&x=+")
    assert request.header_values("X-A") == ["1", "2"]
    assert (request.header("host"), request.header("absent")) == ("h", None)


async def test_answer_carries_length_common_headers_and_close():
    """A reader knows where the answer ends and that the connection does too."""
    handler = Seen()
    server = await HttpServer.start(handler, common_headers=(("X-Common", "yes"),))
    head, _, body = (await exchange(server.port, GET + b"\r\n")).partition(b"\r\n\r\n")
    await server.close()
    assert body == b"served"
    for line in (b"Content-Length: 6", b"Connection: close", b"X-Common: yes", b"X-One: 1"):
        assert line in head.split(b"\r\n")


async def test_refusals_carry_the_common_headers():
    """(L12) Security headers stand on every answer, errors included."""
    server = await HttpServer.start(Seen(), common_headers=(("X-Common", "yes"),))
    answer = await exchange(server.port, b"nonsense\r\n\r\n")
    await server.close()
    assert status(answer) == 400
    assert b"\r\nX-Common: yes\r\n" in answer


async def test_head_request_is_answered_without_a_body():
    """RFC 9110 section 9.3.2."""
    async with serving(Seen()) as server:
        answer = await exchange(server.port, b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")


async def test_request_that_arrives_byte_by_byte_is_served():
    """Packet borders mean nothing."""
    async with serving(seen := Seen()) as server:
        parts = [bytes([byte]) for byte in GET + b"X: y\r\n\r\n"]
        answer = await exchange(server.port, *parts)
    assert status(answer) == 200
    assert len(seen) == 1


MALFORMED = {
    "HTTP/0.9": b"GET /\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "other version": b"GET / HTTP/3.0\r\n\r\n",
    "TLS hello": bytes.fromhex("1603010200010001fc0303") + bytes(64),
    "garbage": b"\xff\xfe\xfd garbage\r\n\r\n",
    "empty first line": b"\r\n" + GET + b"\r\n",
    "absolute target": b"GET http://evil.example/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "authority target": b"CONNECT evil.example:1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "asterisk target": b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "fragment in the target": b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n",
    "bytes above ASCII in the target": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: h\n\n",
    "one bare line feed": GET + b"X: y\n\r\n",
    "bare carriage return": GET + b"X: y\rZ: 1\r\n\r\n",
    "folded header": GET + b"X: y\r\n folded\r\n\r\n",
    "NUL": GET + b"X: \x00\r\n\r\n",
    "escape": GET + b"X: \x1b[2J\r\n\r\n",
    "space before the colon": GET + b"X : y\r\n\r\n",
    "header without a colon": GET + b"nonsense\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": GET + b"Host: evil.example\r\n\r\n",
    "Content-Length beside chunked": GET
    + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "Content-Length twice": GET + b"Content-Length: 0\r\ncontent-length: 0\r\n\r\n",
    "Content-Length list": GET + b"Content-Length: 0, 0\r\n\r\n",
    "negative Content-Length": GET + b"Content-Length: -1\r\n\r\n",
    "signed Content-Length": GET + b"Content-Length: +1\r\n\r\n",
    "empty Content-Length": GET + b"Content-Length:\r\n\r\n",
    "chunked where no body is taken": GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "other transfer coding": GET + b"Transfer-Encoding: gzip\r\n\r\n",
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_request_is_refused_and_not_handled(sent: bytes):
    """What two parsers could read differently never reaches a handler (RFC 9112 section 11.2)."""
    async with serving(seen := Seen()) as server:
        answer = await exchange(server.port, sent)
    assert status(answer) == 400
    assert seen == []


@pytest.mark.parametrize("length", ["1", "1000000000000", "9" * 19, "9" * 5000])
async def test_body_is_refused_where_none_is_taken(length: str):
    """The stated length is enough for the refusal; nothing is read or held."""
    async with serving(seen := Seen()) as server:
        answer = await exchange(server.port, GET + f"Content-Length: {length}\r\n\r\n".encode())
    assert (status(answer), seen) == (413, [])


async def test_body_over_the_limit_is_refused():
    """A chunked body states no length: it is counted as it comes."""
    chunk = b"8\r\n12345678\r\n"
    async with serving(seen := Seen(), body_bytes=16) as server:
        chunked = await exchange(
            server.port, GET + b"Transfer-Encoding: chunked\r\n\r\n", chunk * 3 + b"0\r\n\r\n"
        )
        stated = await exchange(server.port, GET + b"Content-Length: 17\r\n\r\n" + bytes(17))
    assert (status(chunked), status(stated), seen) == (413, 413, [])


async def test_body_within_the_limit_is_given_to_the_handler():
    """Stated length or chunked, in whatever packets."""
    async with serving(seen := Seen(), body_bytes=16) as server:
        await exchange(server.port, GET + b"Content-Length: 3\r\n\r\nab", b"c")
        chunked = GET + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        await exchange(server.port, chunked)
    assert [request.body for request in seen] == [b"abc"] * 2


async def test_client_that_waits_before_its_body_is_told_to_go_on():
    """RFC 9110 section 10.1.1."""
    async with serving(seen := Seen(), body_bytes=16) as server, asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET + b"Content-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"abc")
        assert status(await reader.read()) == 200
        writer.close()
    assert [request.body for request in seen] == [b"abc"]


async def test_body_that_ends_early_is_refused():
    """Half a body is no request."""
    async with serving(seen := Seen(), body_bytes=16) as server:
        answer = await exchange(server.port, GET + b"Content-Length: 3\r\n\r\nab", end=True)
    assert (status(answer), seen) == (400, [])


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET /" + b"a" * 20_000_000, 414),
        (b"GET /" + b"a" * 17_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (GET + b"X: " + b"a" * 1_000_000, 431),
        (GET + b"".join(b"X-%d: y\r\n" % number for number in range(10_000)) + b"\r\n", 431),
    ],
    ids=["endless line", "long line", "long header", "many headers"],
)
async def test_head_over_the_limit_is_refused(sent: bytes, expected: int):
    """(L17) The refusal arrives even at a peer that is still sending; what follows is discarded."""
    async with serving(seen := Seen()) as server:
        answer = await exchange(server.port, sent)
    assert (expected, []) == (status(answer), seen)


async def test_second_request_on_a_connection_is_never_processed():
    """(L20) One request per connection, so nothing can be smuggled behind the first."""
    async with serving(seen := Seen()) as server:
        answer = await exchange(server.port, (GET + b"\r\n") * 2)
    assert len(seen) == 1
    assert answer.count(b"HTTP/1.1") == 1


async def test_connection_without_a_request_is_closed_at_the_deadline():
    """A slow sender does not keep its place."""
    async with serving(seen := Seen(), head_seconds=0.05) as server:
        answer = await exchange(server.port, b"GET / HTTP/1.1\r\nHost: ")
    assert (answer, seen) == (b"", [])


async def test_half_open_connections_do_not_keep_a_true_request_out():
    """The oldest connection without a complete request makes room (slow loris)."""
    async with serving(seen := Seen(), connections=32) as server:
        half_open = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(300)]
        for _, writer in half_open:
            writer.write(b"GET / HTTP/1.1\r\n")
        begin = monotonic()
        answer = await exchange(server.port, GET + b"\r\n")
        took = monotonic() - begin
        for _, writer in half_open:
            writer.close()
    assert status(answer) == 200
    assert len(seen) == 1
    assert took < 1.0


async def test_every_request_of_a_flood_is_heard():
    """A newcomer takes nobody's place who has not had the time to speak; it waits in the queue."""
    async with serving(seen := Seen(), connections=4) as server:
        answers = await asyncio.gather(*(exchange(server.port, GET + b"\r\n") for _ in range(300)))

    assert [status(answer) for answer in answers] == [200] * 300
    assert len(seen) == 300


async def test_request_that_is_being_answered_is_not_evicted():
    """Only idle connections make room; a newcomer is turned away when there is none."""
    release = asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await release.wait()
        return Response(200, b"late")

    entered = asyncio.Event()
    async with serving(handler, connections=1) as server:
        first = asyncio.create_task(exchange(server.port, GET + b"\r\n"))
        await entered.wait()
        turned_away = await exchange(server.port, GET + b"\r\n")
        release.set()
        assert (await first).endswith(b"late")
    assert turned_away == b""


def refuse(request: Request) -> Response | None:
    """Refuse all but one path."""
    return Response(404, b"nothing", headers=(("X-One", "1"),)) if request.path != "/here" else None


async def test_what_is_refused_takes_no_place():
    """A flood of refusals goes on beside the one request that is being answered."""
    entered, release = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await release.wait()
        return Response(200, request.path.encode())

    server = await HttpServer.start(handler, limits=Limits(connections=1), refuse=refuse)
    first = asyncio.create_task(exchange(server.port, b"GET /here HTTP/1.1\r\nHost: h\r\n\r\n"))
    await entered.wait()
    sent_at_once = socket.create_connection(("127.0.0.1", server.port))
    sent_at_once.sendall(GET + b"\r\n")
    reader, writer = await asyncio.open_connection(sock=sent_at_once)
    refused = await asyncio.wait_for(reader.read(), SECONDS)
    writer.close()
    release.set()
    answer = await first
    await server.close()

    assert status(refused) == 404
    assert answer.endswith(b"/here")


async def test_a_refusal_is_the_same_whether_it_came_whole_or_byte_by_byte():
    """Packet borders mean nothing; the handler sees none of it."""
    server = await HttpServer.start(
        seen := Seen(), refuse=refuse, common_headers=(("X-Common", "yes"),)
    )
    whole = GET + b"\r\n"
    answers = [
        await exchange(server.port, whole),
        await exchange(server.port, *(bytes([byte]) for byte in whole)),
    ]
    with_head = await exchange(server.port, whole.replace(b"GET", b"HEAD"))
    served = await exchange(server.port, b"GET /here HTTP/1.1\r\nHost: h\r\n\r\n")
    await server.close()

    assert answers[0] == answers[1]
    assert answers[0].startswith(b"HTTP/1.1 404 Not Found\r\nContent-Type: ")
    assert answers[0].removesuffix(b"nothing") == with_head
    assert status(served) == 200
    assert len(seen) == 1


async def test_a_defect_in_refusing_gives_500_and_a_log_without_request_content(caplog):
    """As in a handler: one bad request must not end the server."""

    def broken(request: Request) -> Response | None:
        raise RuntimeError(request.query)

    server = await HttpServer.start(Seen(), refuse=broken)
    answer = await exchange(server.port, b"GET /?canary HTTP/1.1\r\nHost: h\r\n\r\n")
    again = await exchange(server.port, GET + b"\r\n")
    await server.close()

    assert (status(answer), status(again)) == (500, 500)
    assert "canary" not in f"{answer!r}{caplog.text}"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b", "é"])
async def test_no_header_of_an_answer_can_begin_another(value, caplog):
    """It is a defect of the handler, and nothing is sent."""

    async def handler(request: Request) -> Response:
        return Response(302, headers=(("Location", value),))

    async with serving(handler) as server:
        assert await exchange(server.port, GET + b"\r\n") == b""
    assert "ValueError" in caplog.text
    assert "Evil" not in caplog.text


async def test_failing_handler_gives_500_and_a_log_without_request_content(caplog):
    """Neither the page nor the log repeats what was sent."""

    async def handler(request: Request) -> Response:
        raise RuntimeError(request.query)

    with caplog.at_level(logging.DEBUG):
        async with serving(handler) as server:
            answer = await exchange(server.port, b"GET /?canary HTTP/1.1\r\nHost: h\r\n\r\n")
    assert status(answer) == 500
    assert b"canary" not in answer
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text


async def test_handler_can_drop_the_connection():
    """The peer gets the end of the stream and nothing else."""

    async def handler(request: Request) -> Response:
        raise DropConnectionError

    async with serving(handler) as server:
        assert await exchange(server.port, GET + b"\r\n") == b""


async def test_peer_that_leaves_before_the_answer_disturbs_nobody(caplog):
    """A write that fails is nobody's concern, and the next request is served."""
    release = asyncio.Event()

    async def handler(request: Request) -> Response:
        await release.wait()
        return Response(200, bytes(1_000_000))

    async with serving(handler) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET + b"\r\n")
        await writer.drain()
        writer.transport.abort()
        release.set()
        answer = await exchange(server.port, GET + b"\r\n")
    assert status(answer) == 200
    assert caplog.text == ""


async def test_taken_port_is_an_error():
    """Nobody shares a port with us, and we share with nobody."""
    async with serving(Seen()) as server:
        with pytest.raises(OSError):
            await HttpServer.start(Seen(), port=server.port)
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError):
                other.bind(("127.0.0.1", server.port))


async def test_closed_server_frees_its_port_and_drops_idle_connections():
    """Close returns with nothing left behind, and may be called again."""
    server = await HttpServer.start(Seen())
    idle = asyncio.create_task(exchange(server.port, b"GET"))
    assert status(await exchange(server.port, GET + b"\r\n")) == 200
    await server.close()
    await server.close()
    assert await idle == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", server.port)
    await (await HttpServer.start(Seen(), port=server.port)).close()


async def test_answer_under_way_survives_the_close():
    """The person still gets the page that was being sent."""
    closing, entered = asyncio.Event(), asyncio.Event()

    async def handler(request: Request) -> Response:
        entered.set()
        await closing.wait()
        return Response(200, b"the last page")

    server = await HttpServer.start(handler)
    page = asyncio.create_task(exchange(server.port, GET + b"\r\n"))
    await entered.wait()
    closing.set()
    await server.close()
    assert (await page).endswith(b"the last page")


async def test_handler_that_never_ends_does_not_hold_the_close_up():
    """Close gives a second, then drops."""

    async def handler(request: Request) -> Response:
        entered.set()
        await asyncio.Event().wait()
        return Response(200)

    entered = asyncio.Event()
    server = await HttpServer.start(handler)
    page = asyncio.create_task(exchange(server.port, GET + b"\r\n"))
    await entered.wait()
    async with asyncio.timeout(SECONDS):
        await server.close()
    assert await page == b""
