"""The reference of the API as pages: the OpenAPI document, and a list of operations that people read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from config.api import schema
from huitou.console.shell import SECTIONS
from huitou.core.http_api.openapi import operations
from huitou.core.http_api.operations import PERMISSION, SECTION, WRITES

Json = dict[str, Any]


def openapi_json() -> str:
    """docs/reference/openapi.json"""
    return json.dumps(schema(), ensure_ascii=False, indent=1, sort_keys=True)


def api_page(note: str) -> str:
    """docs/reference/api.md"""
    lines = [
        "# Operations of the API",
        "",
        note,
        "",
        "How to call them is told in [the API](../guide/api.md). The whole document, with every field, is",
        "[openapi.json](openapi.json); a running Huitou serves it at `/api/v1/openapi.json`.",
        "",
    ]
    document = schema()
    for tag in document["tags"]:
        lines += [f"## {tag['name']}", ""]
        for path, method, operation in operations(document):
            if operation["tags"] == [tag["name"]]:
                lines += _operation(path, method, operation)
    return "\n".join(lines)


def by_section() -> Iterator[Json]:
    """The operations as the console's page lists them: by section, each with its parameters and fields of the body."""
    document = schema()
    for key, title in SECTIONS.items():
        listed = [
            {
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "permission": operation[PERMISSION],
                "values": list(_values(document, operation)),
            }
            for path, method, operation in operations(document)
            if operation[SECTION] == key
        ]
        if listed:
            yield {"title": title, "operations": listed}


def _values(document: Json, operation: Json) -> Iterator[str]:
    yield from (p["name"] for p in operation["parameters"] if p.get("in") == "query")
    for form in operation.get("requestBody", {}).get("content", {}).values():
        name = form["schema"].get("$ref", "").rsplit("/", 1)[-1]
        yield from document["components"]["schemas"].get(name, form["schema"]).get("properties", {})


def _operation(path: str, method: str, operation: Json) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`"
    yield ""
    text = operation["description"].rsplit("\n\n", 1)[0] if "\n\n" in operation["description"] else ""
    # Without more to tell, the description repeats the summary.
    text = " ".join(text.split()).removeprefix(f"{operation['summary']}.")
    yield f"{operation['summary']}. {text.strip()}".rstrip()
    yield ""
    permission = operation[PERMISSION]
    yield f"- Permission: {f'`{permission}`' if permission else 'any key, any session'}"
    if named := [p for p in operation["parameters"] if p.get("in") in {"query", "path"}]:
        yield f"- Parameters: {', '.join(_parameter(p) for p in named)}"
    for media_type, form in operation.get("requestBody", {}).get("content", {}).items():
        yield f"- Body: {_form(form['schema'], media_type)}"
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            content = answer.get("content", {})
            told = [_form(form["schema"], media_type) for media_type, form in content.items()]
            yield f"- Answer: {status} {', '.join(told) or 'without a body'}"
    if operation.get(WRITES):
        yield "- Takes `Idempotency-Key`"
    yield ""


def _parameter(parameter: Json) -> str:
    return f"`{parameter['name']}`{' (required)' if parameter['required'] and parameter['in'] == 'query' else ''}"


def _form(form: Json, media_type: str) -> str:
    if "$ref" in form:
        return f"`{form['$ref'].rsplit('/', 1)[-1]}`"
    if form.get("properties"):
        return f"`{media_type}` with {', '.join(f'`{name}`' for name in form['properties'])}"
    return f"`{media_type}`"
