"""The base protocol's frames."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.transport.framing import (
    MAXIMUM_CONTENT,
    MAXIMUM_HEADER,
    FrameDecoder,
    FramingError,
    encode_frame,
)

CONTENTS = st.lists(st.binary(min_size=1, max_size=300), max_size=8)


def decode(*chunks: bytes) -> list[bytes]:
    """Return the contents that a decoder finds in chunks that come one by one."""
    decoder = FrameDecoder()
    return [content for chunk in chunks for content in decoder.feed(chunk)]


@given(CONTENTS, st.data())
def test_frames_come_out_whole_wherever_the_stream_is_cut(contents, data):
    """(W1) What is sent arrives, in order, in whatever pieces."""
    stream = b"".join(encode_frame(content) for content in contents)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]

    assert decode(*chunks) == contents


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: 2",
        b"content-length: 2",
        b"CONTENT-LENGTH:2",
        b"Content-Length \t:\t 2 ",
        b"Content-Length: 002",
        b"Content-Length: %s2" % (b"0" * 60),
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2",
        b"Content-Length: 2\r\nX-Unknown: anything at all",
        b"Content-Length: 2\r\nX-Empty:",
    ],
)
def test_header_that_names_a_length_is_taken(header):
    """(W1) Names in any case, spaces or none, and other fields beside it."""
    assert decode(header + b"\r\n\r\n{}") == [b"{}"]


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"Content-Length: abc\r\n\r\n{}", "no number"),
        (b"Content-Length: -1\r\n\r\n{}", "no number"),
        (b"Content-Length: +2\r\n\r\n{}", "no number"),
        (b"Content-Length: 2.0\r\n\r\n{}", "no number"),
        (b"Content-Length:\r\n\r\n{}", "no number"),
        ("Content-Length: ٢\r\n\r\n{}".encode(), "no number"),
        (b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "one Content-Length"),
        (b"Content-Type: text/plain\r\n\r\n{}", "one Content-Length"),
        (b"\r\n\r\n{}", "one Content-Length"),
        (b"garbage\r\n\r\n{}", "no field"),
        (b": 2\r\n\r\n{}", "no field"),
        (b"Content-Length: 2\r\n folded\r\n\r\n{}", "no field"),
        (b"Content-Length: 2\n\n{}", "CR LF"),
        (b"Content-Length: 2\r\r{}", "CR LF"),
        (b"Content-Length: %d\r\n\r\n" % (MAXIMUM_CONTENT + 1), "8 MiB"),
        (b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "8 MiB"),
        (b"X: " + b"a" * MAXIMUM_HEADER + b"\r\n\r\n", "8 KiB"),
        (b"a" * MAXIMUM_HEADER, "8 KiB"),
        (b"X:" + b" " * 8100 + b"\n\r\n", "CR LF"),  # once took minutes
        (b"X: a" + b" \t" * 4000 + b"\n\r\n", "CR LF"),
    ],
)
def test_stream_that_cannot_be_trusted_is_refused(stream, reason):
    """(W2) What leaves open where the next frame begins ends the stream, and is not repeated."""
    with pytest.raises(FramingError, match=reason):
        decode(stream)
    with pytest.raises(FramingError, match=reason):
        decode(*(stream[index : index + 1] for index in range(len(stream))))


@pytest.mark.parametrize(
    "beginning",
    [
        b"garbage\r",
        b"Content-Length: abc\r\n",
        b"Content-Length: 2\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\n ",
        b"Content-Length: 2\n",
        b"Content-Length: 99999999\r\n",
        b'{"jsonrpc"',
        b'Content-Length: 2\r\n\r\n{}"',
    ],
)
def test_header_is_refused_as_soon_as_it_cannot_be_one_any_more(beginning):
    """(W2) A peer that waits for its answer may send nothing more, not even the blank line."""
    with pytest.raises(FramingError):
        decode(beginning)


def test_header_is_refused_before_more_of_it_is_taken():
    """(W5) The limit holds while the header still comes in."""
    decoder = FrameDecoder()
    assert list(decoder.feed(b"a" * (MAXIMUM_HEADER - 1))) == []
    with pytest.raises(FramingError):
        list(decoder.feed(b"a"))


def test_empty_content_is_no_message():
    """(W4) A frame of length 0 is skipped."""
    assert decode(encode_frame(b""), encode_frame(b"{}")) == [b"{}"]


def test_largest_message_is_taken():
    """8 MiB are within the limit."""
    content = b"x" * MAXIMUM_CONTENT

    assert decode(encode_frame(content)) == [content]
