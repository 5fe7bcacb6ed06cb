"""What the framework's schema lacks: problems, permissions, keys, the header of writes, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from huitou.core.http_api.idempotency import HEADER, KEY_PATTERN, REPLAYED
from huitou.core.http_api.operations import FILE, PERMISSION, SECTION, WRITES
from huitou.core.http_api.problems import MEDIA_TYPE, Problem

Json = dict[str, Any]
INTRODUCTION = """Everything that the console does, for programs.

Send an API key as `Authorization: Bearer KEY`; its scopes are the permissions that operations name as `x-permission`.
Refusals are `application/problem+json` (RFC 9457) in the language of `Accept-Language` (`zh-Hans` or `en`). Lists come
in pages: follow `next` until it is null. Writes take the header `Idempotency-Key`: sent again within 48 hours, the same
request gets the first answer and changes nothing. Amounts are integers in minor units (`_minor`), instants are UTC,
days are the brand's."""
_EVERYWHERE = (400, 401, 403, 409, 422, 429, 503)
_MEANINGS = {
    400: "The request cannot be read, or asks for what cannot be.",
    401: "No key was given, or it opens nothing.",
    403: "The caller lacks the permission, or a page's token is missing.",
    404: "What the address names does not exist.",
    409: "The state of things is against it; for example nothing was imported yet.",
    410: "What the cursor points into is not kept any more.",
    413: "The body is too large.",
    415: "The body is not of the form that the operation takes.",
    422: "Values cannot be used; `errors` names each.",
    429: "Too many requests; wait as long as `Retry-After` says.",
    503: "The database does not answer; try again after `Retry-After` seconds.",
}


def complete(schema: Json, sections: Mapping[str, str]) -> Json:
    """The schema with everything that holds for all operations. `sections` are titles by key, in order."""
    components = schema["components"]
    _add_problem(components)
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key; scopes are permissions."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The console's session, for its own pages; writes need the header X-CSRFToken.",
        },
    }
    components["parameters"] = {"idempotency_key": _idempotency_key()}
    used = set()
    for path, method, operation in operations(schema):
        used.add(operation[SECTION])
        _complete(path, method, operation, sections)
    schema["tags"] = [{"name": title} for key, title in sections.items() if key in used]
    schema["security"] = [{"key": []}, {"session": []}]
    schema["servers"] = [{"url": "/"}]
    return schema


def operations(schema: Json) -> Iterator[tuple[str, str, Json]]:
    """Path, method and declaration of every operation."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _add_problem(components: Json) -> None:
    form = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= form.pop("$defs")
    components["schemas"]["Problem"] = form
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {
        f"problem_{status}": {"description": text, "content": content} for status, text in _MEANINGS.items()
    }
    retry = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."}}
    for status in (429, 503):
        components["responses"][f"problem_{status}"] |= {"headers": retry}


def _idempotency_key() -> Json:
    return {
        "in": "header",
        "name": HEADER,
        "required": False,
        "description": "Any text that is new for each request, such as a UUID: a repetition gets the first answer.",
        "schema": {"type": "string", "pattern": KEY_PATTERN},
        "example": "5f0c7a52-6a52-4d8e-9f1c-1f0f6f0f2a11",
    }


def _complete(path: str, method: str, operation: Json, sections: Mapping[str, str]) -> None:
    operation["tags"] = [sections[operation[SECTION]]]
    permission = operation[PERMISSION]
    needs = f"Needs the permission `{permission}`." if permission else "Any key and any session may."
    operation["description"] = "\n\n".join(part for part in (operation.get("description"), needs) if part)
    operation["responses"] = {str(status): told for status, told in operation["responses"].items()}
    if operation.get(WRITES):
        operation["parameters"].append({"$ref": "#/components/parameters/idempotency_key"})
        for told in operation["responses"].values():
            told["headers"] = {
                REPLAYED: {"schema": {"const": "true"}, "description": "Present where the answer is a repetition."}
            }
    if media_types := operation.get(FILE):
        binary = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
        operation["responses"]["200"]["content"] = dict.fromkeys(media_types, binary)
    for status in _problems(path, operation):
        operation["responses"].setdefault(str(status), {"$ref": f"#/components/responses/problem_{status}"})
    for status, told in operation["responses"].items():
        if "description" in told:
            told["description"] = HTTPStatus(int(status)).phrase


def _problems(path: str, operation: Json) -> list[int]:
    """Which refusals an operation can answer with."""
    found = set(_EVERYWHERE)
    if "{" in path or "404" in operation["responses"]:
        found.add(404)
    if "requestBody" in operation:
        found |= {404, 413, 415}
    if any(p.get("name") == "cursor" for p in operation["parameters"]):
        found.add(410)
    return sorted(found)
