"""The wire models as the TypeScript that the VS Code client is built on; `make mirror` writes it.

What the server sends has open enumerations and what a client sends closed ones: a client lives with
a value that it does not know, and sends none.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from codex_auth_lsp.wire import types
from codex_auth_lsp.wire.catalogue import NOTIFICATION_MODELS, REQUEST_MODELS
from codex_auth_lsp.wire.methods import PROTOCOL_VERSION
from codex_auth_lsp.wire.model import Sent
from wire import declared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from codex_auth_lsp.wire.model import WireModel

MIRROR = Path(__file__).resolve().parents[2] / "vscode-client" / "src" / "protocol.ts"

LINE_LIMIT = 120

_HEAD = f"""\
// The wire of `protocol.md`, version {PROTOCOL_VERSION}, as `make mirror` writes it from the
// server's models. Not to be edited by hand: a test fails when the two differ.

export const PROTOCOL_VERSION = {PROTOCOL_VERSION};

/** An enumeration of what the server sends: a later server may have more values. */
export type Open<Known extends string> = Known | (string & Record<never, never>);

/** An RFC 3339 date-time in UTC. */
export type Timestamp = string;

/** 1 to 128 characters out of `A-Z a-z 0-9 . _ -`. */
export type AttemptId = string;

export type ProgressToken = number | string;
"""


def mirror() -> str:
    """Return the whole file."""
    return "\n".join([_HEAD, *_enumerations(), *_interfaces(), *_methods(), *_secrets()])


def _enumerations() -> Iterator[str]:
    for name, values in {**declared.enumerations(), "ErrorKind": get_args(types.ErrorKind)}.items():
        yield _wrapped(f"export type {name} =", [f'"{value}"' for value in values])


def _wrapped(head: str, members: list[str]) -> str:
    line = f"{head} {' | '.join(members)};"
    if len(line) <= LINE_LIMIT:
        return f"{line}\n"
    return "".join([f"{head}\n", *(f"  | {member}\n" for member in members[:-1])]) + (
        f"  | {members[-1]};\n"
    )


def _interfaces() -> Iterator[str]:
    for name, model in declared.models().items():
        shape = declared.interface(model)
        yield f"/** {_summary(model)} */"
        if not shape.fields and shape.base is None:
            yield f"export type {name} = Record<string, never>;\n"
        elif not shape.fields:
            yield f"export type {name} = {shape.base};\n"
        else:
            extends = f" extends {shape.base}" if shape.base else ""
            fields = "".join(
                f"  {alias}{'?' if field.optional else ''}: {_type(field.type, model)};\n"
                for alias, field in shape.fields.items()
            )
            yield f"export interface {name}{extends} {{\n{fields}}}\n"


def _summary(model: type[WireModel]) -> str:
    paragraph, _, _ = (inspect.getdoc(model) or "").partition("\n\n")
    return " ".join(paragraph.split())


def _type(text: str, model: type[WireModel]) -> str:
    name = text.removesuffix("[]")
    if name == "uinteger":
        return text.replace("uinteger", "number")
    if text == "{ [name: string]: string }":
        return "Record<string, string>"
    if text.endswith(" | string"):
        return f"Open<{text.removesuffix(' | string')}>"
    if not issubclass(model, Sent) or name not in {*declared.enumerations(), "ErrorKind"}:
        return text
    return f"{f'Open<{name}>'}{'[]' if text.endswith('[]') else ''}"


def _methods() -> Iterator[str]:
    yield "/** What goes in with each request and what comes out of it. */"
    yield "export interface Requests {"
    for method, exchange in REQUEST_MODELS.items():
        names = (exchange.params.__name__, exchange.result.__name__)
        yield f'  "{method}": {{ params: {names[0]}; result: {names[1]} }};'
    yield "}\n"
    yield "/** What comes with each notification. */"
    yield "export interface Notifications {"
    for method, model in NOTIFICATION_MODELS.items():
        yield f'  "{method}": {model.__name__};'
    yield "}\n"


def _secrets() -> Iterator[str]:
    given = {method: exchange.params for method, exchange in REQUEST_MODELS.items()}
    yield "/** The fields of params that are secrets, by method. */"
    yield "export const SECRET_PARAMS: Readonly<Record<string, readonly string[]>> = {"
    for method, model in {**given, **NOTIFICATION_MODELS}.items():
        if fields := _secret_fields(model):
            yield f'  "{method}": [{_quoted(fields)}],'
    yield "};\n"
    results = [
        method for method, exchange in REQUEST_MODELS.items() if _secret_fields(exchange.result)
    ]
    yield "/** The requests whose result is a secret. */"
    yield f"export const SECRET_RESULTS: ReadonlySet<string> = new Set([{_quoted(results)}]);\n"


def _secret_fields(model: type[WireModel]) -> list[str]:
    aliases = [str(info.alias) for info in model.model_fields.values()]
    return [alias for alias in aliases if declared.is_secret(model, alias)]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


if __name__ == "__main__":
    MIRROR.write_text(mirror(), encoding="utf-8")
