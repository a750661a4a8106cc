"""What tells `protocol.md` and the code apart: each check returns its findings as sentences."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

from codex_auth_lsp import errors
from codex_auth_lsp.command_line import build_parser
from codex_auth_lsp.config.settings import Settings
from codex_auth_lsp.domain import links, mfa
from codex_auth_lsp.service.methods import login_methods
from codex_auth_lsp.transport import envelope
from codex_auth_lsp.transport.error_replies import error_reply
from codex_auth_lsp.wire import capabilities, methods, types
from codex_auth_lsp.wire.catalogue import COMMAND_RESULTS, NOTIFICATION_MODELS, REQUEST_MODELS
from codex_auth_lsp.wire.reading import ParamsInvalid, read_params
from codex_auth_lsp.wording import status_sentence
from wire import declared
from wire.typescript import Declarations, read_declarations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_auth_lsp.wire.model import Received, Sent

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"<!-- example: ([^>]+) -->\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")

REQUEST_LABELS = ["Direction", "Params", "Result", "Errors", "Order and cancellation", "Example"]
NOTIFICATION_LABELS = ["Direction", "Params", "Order", "Example"]


def drift(text: str) -> list[str]:
    """Return everything in which the text and the code differ."""
    declarations = declarations_of(text)
    return [
        *_names(text),
        *_sections(text),
        *_listed_errors(text),
        *_interfaces(declarations),
        *_enumerations(declarations),
        *_secrets(text),
        *_codes(text),
        *_error_kinds(text),
        *_attempt_ends(text),
        *_commands(text),
        *_options(text),
        *_mfa_rules(text),
        *_links(text),
        *_examples(text),
    ]


def declarations_of(text: str) -> Declarations:
    """Return all that the text declares in TypeScript."""
    return read_declarations(
        [block for language, block in _BLOCK.findall(text) if language == "ts"]
    )


def examples_of(text: str) -> list[tuple[str, str]]:
    """Return each example with the marker that says what it is one of."""
    return _EXAMPLE.findall(text)


def error_classes() -> dict[str, type[errors.AuthError]]:
    """Return the errors that this version can answer, by their kind."""
    return {
        value.kind: value
        for value in vars(errors).values()
        if isinstance(value, type)
        and issubclass(value, errors.AuthError)
        and value is not errors.AuthError
        and "kind" in vars(value)
    }


def _compare(what: str, in_text: Any, in_code: Any) -> Iterator[str]:
    """Yield what only one of two collections has."""
    for name in in_text:
        if name not in in_code:
            yield f"{what} {name}: in the text, not in the code"
    for name in in_code:
        if name not in in_text:
            yield f"{what} {name}: in the code, not in the text"


def _chapter(text: str, title: str) -> str:
    match = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def _subsections(chapter: str) -> dict[str, str]:
    parts = re.split(r"^### `([^`]+)`\n", chapter, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _table(text: str, first_header: str) -> list[list[str]]:
    """Return the cells of the one table whose first header is this."""
    match = re.search(
        rf"^\| {re.escape(first_header)} \|.*\n\| ---.*\n((?:\|.*\n)*)", text, re.MULTILINE
    )
    rows = match[1].splitlines() if match else []
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def _names(text: str) -> Iterator[str]:
    requests = _subsections(_chapter(text, "Requests"))
    notifications = _subsections(_chapter(text, "Notifications"))
    yield from _compare("request", requests, methods.REQUESTS)
    yield from _compare("notification", notifications, methods.NOTIFICATIONS)
    yield from _compare("request with models", REQUEST_MODELS, methods.REQUESTS)
    yield from _compare("notification with models", NOTIFICATION_MODELS, methods.NOTIFICATIONS)
    known = {*methods.REQUESTS, *methods.NOTIFICATIONS}
    for name in sorted({*re.findall(r"(?<!/)\bauth/[A-Za-z]+", text)} - known):
        yield f"method {name}: in the text, not in the code"
    if f"protocol, version {methods.PROTOCOL_VERSION}\n" not in text.partition("\n\n")[0] + "\n":
        yield "the title does not name the protocol version"


def _sections(text: str) -> Iterator[str]:
    for name, section in _subsections(_chapter(text, "Requests")).items():
        yield from _labels(name, section, REQUEST_LABELS)
        if name in REQUEST_MODELS:
            exchange = REQUEST_MODELS[name]
            yield from _mentions(name, section, f"interface {exchange.params.__name__} ")
            yield from _mentions(name, section, exchange.result.__name__)
    for name, section in _subsections(_chapter(text, "Notifications")).items():
        yield from _labels(name, section, NOTIFICATION_LABELS)
        if name in NOTIFICATION_MODELS:
            yield from _mentions(name, section, f"interface {NOTIFICATION_MODELS[name].__name__} ")


def _labels(name: str, section: str, expected: list[str]) -> Iterator[str]:
    labels = re.findall(r"^\*\*([A-Z][a-z ]+)\.\*\*", section, re.MULTILINE)
    if labels != expected:
        yield f"{name}: its parts are {labels}"


def _mentions(name: str, section: str, words: str) -> Iterator[str]:
    if words not in section:
        yield f"{name}: its section does not hold {words.strip()}"


def listed_errors(text: str) -> dict[str, frozenset[str]]:
    """Return the kinds of error that each request lists in its section."""
    return {
        name: frozenset(
            kind
            for line in _errors_part(section).splitlines()
            for listed in [re.match(r"(?:- | )?((?:`\w+`(?:, )?)+):", line)]
            for kind in (_CODE.findall(listed[1]) if listed else ())
        )
        for name, section in _subsections(_chapter(text, "Requests")).items()
    }


def _errors_part(section: str) -> str:
    return section.partition("**Errors.**")[2].partition("**Order and cancellation.**")[0]


def _listed_errors(text: str) -> Iterator[str]:
    listed = listed_errors(text)
    for name, kinds in listed.items():
        for kind in sorted(kinds - set(error_classes())):
            yield f"{name}: lists the error {kind}, which this version does not have"
    everywhere = {errors.InternalError.kind}  # any request may meet a defect
    for kind in sorted(set(error_classes()) - everywhere - frozenset().union(*listed.values())):
        yield f"error kind {kind}: no request lists it"


def _interfaces(declarations: Declarations) -> Iterator[str]:
    for words in declarations.unreadable:
        yield f"TypeScript that cannot be read: {words}"
    models = declared.models()
    yield from _compare("interface", declarations.interfaces, models)
    for name, model in models.items():
        written = declarations.interfaces.get(name)
        if written is None:
            continue
        expected = declared.interface(model)
        if written.base != expected.base:
            yield f"interface {name}: extends {written.base}, not {expected.base}"
        yield from _compare(f"field {name}", written.fields, expected.fields)
        for alias in set(written.fields) & set(expected.fields):
            field, wanted = written.fields[alias], expected.fields[alias]
            where = f"field {name}.{alias}"
            if field.type != wanted.type:
                yield f"{where}: is {field.type} in the text and {wanted.type} in the code"
            if field.optional != wanted.optional:
                yield f"{where}: is optional on one side only"
            if not field.comment:
                yield f"{where}: is not explained"
            value = declared.default(model, alias)
            told = re.search(r"Default: `([^`]+)`", field.comment)
            if value != (told[1] if told else None):
                yield f"{where}: its default is {value} in the code"
            if declared.is_secret(model, alias) != field.comment.startswith("SECRET"):
                yield f"{where}: is a secret on one side only"


def _enumerations(declarations: Declarations) -> Iterator[str]:
    expected = declared.enumerations()
    yield from _compare("enumeration", declarations.enumerations, expected)
    for name, values in expected.items():
        yield from _compare(f"value of {name}", declarations.enumerations.get(name, ()), values)


def _secrets(text: str) -> Iterator[str]:
    """Compare the fields that the models do not show with those that the text calls secret."""
    parts = {
        **{f"{name} params": exchange.params for name, exchange in REQUEST_MODELS.items()},
        **{f"{name} result": exchange.result for name, exchange in REQUEST_MODELS.items()},
        **{f"{name} params": model for name, model in NOTIFICATION_MODELS.items()},
    }
    in_code = {
        f"{part}.{info.alias}"
        for part, model in parts.items()
        for info in model.model_fields.values()
        if declared.is_secret(model, str(info.alias))
    }
    rows = _table(_chapter(text, "Security considerations"), "where")
    in_text = {
        f"{where.replace('`', '')}.{field}"
        for where, fields in rows
        for field in _CODE.findall(fields)
    }
    yield from _compare("secret", sorted(in_text), sorted(in_code))


def _codes(text: str) -> Iterator[str]:
    codes = {
        str(value) for value in vars(envelope).values() if isinstance(value, int) and value < 0
    }
    yield from _compare("code", {row[0].strip("`") for row in _table(text, "code")}, codes)


def _error_kinds(text: str) -> Iterator[str]:
    classes = error_classes()
    rows = {row[0].strip("`"): row for row in _table(text, "kind")}
    yield from _compare("error kind", rows, classes)
    for kind in set(rows) & set(classes):
        _, cause, remedies, retryable = rows[kind]
        advice = "; ".join(remedy.title for remedy in classes[kind].advice) or "none"
        if not cause:
            yield f"error kind {kind}: has no cause"
        if remedies != advice:
            yield f"error kind {kind}: the remedies are {advice}"
        if (retryable == "yes") != classes[kind].retryable:
            yield f"error kind {kind}: retryable is {classes[kind].retryable}"
    for kind in set(classes) - set(get_args(types.ErrorKind)):
        yield f"error kind {kind}: not on the wire"


def _attempt_ends(text: str) -> Iterator[str]:
    rows = _table(text, "the attempt is ended by")
    codes = {row[0].strip("`") for row in _table(text, "code")}
    yield from _compare(
        "outcome", {row[1].strip("`") for row in rows}, get_args(types.LoginOutcome)
    )
    for _, outcome, answer in rows:
        for word in _CODE.findall(answer):
            if word not in codes and word not in error_classes():
                yield f"outcome {outcome}: is answered with {word}, which is neither code nor kind"


def _commands(text: str) -> Iterator[str]:
    rows = {row[0].strip("`"): row[2].strip("`") for row in _table(text, "command")}
    yield from _compare("command", rows, methods.COMMANDS)
    yield from _compare("command with a model", COMMAND_RESULTS, methods.COMMANDS)
    for command in set(rows) & set(COMMAND_RESULTS):
        if rows[command] != COMMAND_RESULTS[command].__name__:
            yield f"command {command}: its result is {COMMAND_RESULTS[command].__name__}"
    advised = {
        remedy.command
        for error in error_classes().values()
        for remedy in error.advice
        if remedy.command is not None
    }
    known = {*methods.COMMANDS, *advised}
    yield from _compare("command id", set(re.findall(r"codexAuth\.\w+", text)), known)


def _options(text: str) -> Iterator[str]:
    rows = {row[0].strip("`") for row in _table(text, "option")}
    options = {
        " ".join([action.option_strings[-1], *([action.metavar] if action.metavar else [])])
        for action in build_parser()._actions
        if action.option_strings
    }
    starting = {"--help", "--stdio", "--version"}  # these are not settings
    yield from _compare("option", rows, options - starting)


def _mfa_rules(text: str) -> Iterator[str]:
    rows = _table(_chapter(text, "MFA advice"), "`auth_provider` or `sub`")
    told: set[str] = set()
    for condition, requirement, urls in rows:
        for claims in _claims(condition):
            told.add(claims.get("auth_provider", ""))
            advice = mfa.advise(claims)
            if advice.requirement != requirement.strip("`"):
                yield f"MFA advice for {claims}: is {advice.requirement}"
            expected = [link.url for link in advice.links]
            if urls != "all of them" and re.findall(r"<([^>]+)>", urls) != expected:
                yield f"MFA advice for {claims}: its links are {expected}"
    prefixes = {*mfa._PASSWORD, *mfa._ORGANIZATION, *(name for name, _, _ in mfa._SOCIAL)}
    yield from _compare("MFA prefix", told - {"somebody-else", ""}, prefixes)


def _claims(condition: str) -> list[dict[str, Any]]:
    if "amr" in condition:
        return [{"auth_provider": "somebody-else", "amr": ["pwd"]}]
    return [{"auth_provider": value} for value in _CODE.findall(condition)] or [{}]


def _links(text: str) -> Iterator[str]:
    anchors = _anchors(text)
    for target in re.findall(r"\]\(#([^)]+)\)", text):
        if target not in anchors:
            yield f"link to #{target}: there is no such heading"
    for link in (links.MFA_GOOGLE, links.MFA_MICROSOFT, links.MFA_APPLE):
        if f"<{link.url}>" not in text:
            yield f"link {link.url}: not in the text"


def _anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in re.findall(r"^#{1,6} (.+)$", re.sub(_BLOCK, "", text), re.MULTILINE):
        slug = re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return anchors


def _examples(text: str) -> Iterator[str]:
    examples = examples_of(text)
    if len(examples) != sum(language == "json" for language, _ in _BLOCK.findall(text)):
        yield "an example has no marker, so nobody checks it"
    yield from _compare("example", {marker for marker, _ in examples} - _free(), _required())
    for marker, body in examples:
        try:
            found = _check(marker, json.loads(body))
            yield from (f"example {marker}: {line}" for line in found)
        except (ValueError, ParamsInvalid) as exc:  # pydantic's and JSON's are ValueErrors
            yield f"example {marker}: {exc}"


def _required() -> set[str]:
    return {
        "client capabilities",
        "server capabilities",
        *(f"{name} params" for name in (*methods.REQUESTS, *methods.NOTIFICATIONS)),
        *(f"{name} result" for name in methods.REQUESTS if name != methods.REFRESH),
        f"{methods.COMMAND_SIGN_IN} result",
    }


def _free() -> set[str]:
    """Return the markers of examples that may be there and need not."""
    return {f"{name} {part}" for name in methods.REQUESTS for part in ("error", "result")} - (
        _required()
    )


def _check(marker: str, body: dict[str, Any]) -> Iterator[str]:
    name, _, part = marker.rpartition(" ")
    if part == "error":
        yield from _check_error(body)
    elif marker == "client capabilities":
        model = capabilities.ClientAuthCapabilities.model_validate(body)
        if model.model_dump(by_alias=True, exclude_unset=True) != body:
            yield "a field is unknown or of the wrong type"
    elif part == "params" and name in REQUEST_MODELS:
        yield from _check_params(REQUEST_MODELS[name].params, body)
    elif marker in _sent_models():
        yield from _check_sent(marker, _sent_models()[marker], body)


def _sent_models() -> dict[str, type[Sent]]:
    return {
        "server capabilities": capabilities.ServerAuthCapabilities,
        **{f"{name} result": exchange.result for name, exchange in REQUEST_MODELS.items()},
        **{f"{name} params": model for name, model in NOTIFICATION_MODELS.items()},
        **{f"{name} result": model for name, model in COMMAND_RESULTS.items()},
    }


def _check_params(model: type[Received], body: dict[str, Any]) -> Iterator[str]:
    read_params(model, body)
    known = {info.alias for info in model.model_fields.values()}
    yield from (f"the field {name} is unknown" for name in body if name not in known)


def _check_sent(marker: str, model: type[Sent], body: dict[str, Any]) -> Iterator[str]:
    model.model_validate(body)
    if marker == "server capabilities":
        yield from _compare("announced request", body["requests"], methods.REQUESTS)
        yield from _compare("announced notification", body["notifications"], methods.NOTIFICATIONS)
    if marker == f"{methods.METHODS} result" and body["methods"] != login_methods(Settings()):
        yield "the server answers something else"
    if marker == f"{methods.LOGIN} result" and body["message"] != status_sentence(body["status"]):
        yield "the server says something else"
    if "error" in body:
        yield from _check_kind(body["error"])


def _check_error(body: dict[str, Any]) -> Iterator[str]:
    if set(body) != {"code", "message", "data"}:
        yield f"its fields are {sorted(body)}"
    types.AuthError.model_validate({**body["data"], "message": body["message"]})
    yield from _check_kind(body["data"])
    error = error_classes().get(body["data"]["kind"])
    if error is not None and body["code"] != error_reply(error())["code"]:
        yield f"{error.kind} is answered with {error_reply(error())['code']}"


def _check_kind(data: dict[str, Any]) -> Iterator[str]:
    error = error_classes().get(data["kind"])
    if error is None:
        yield f"this version does not have the error {data['kind']}"
        return
    expected = error().to_data()
    if {name: data.get(name) for name in expected} != expected:
        yield f"{data['kind']} is {expected}"
