"""Valid values for whatever a route takes, made from its declaration alone."""

from typing import Any

import msgspec
import pytest

from govchat.kit.ids import new_id

NATIONAL = {"MaHoSo": "H18.07-261103-4713", "MaTTHC": "1.013225", "ChuHoSo": "x", "TrangThaiHoSo": "2"}

# "operation_id": a body that its schema alone doesn't tell.
BODIES: dict[str, Any] = {
    "link_follower": {"phone": "0912345678", "evidence": "Phiếu đồng ý số 12/2026"},
    "add_callback": {"url": "https://motcua.example/govchat"},
    "put_callback": {"url": "https://motcua.example/govchat"},
    "put_dossiers": {
        "items": [
            {
                "code": "H18.07-261103-4712",
                "procedure_code": "1.013225",
                "applicant": {"name": "x"},
                "status": 1,
                "handler": {"unit": "x"},
                "changed_at": "2026-11-16T08:00:00+07:00",
            }
        ]
    },
    "draft_campaign": {
        "name": "Thông báo",
        "class": "announcement",
        "message": {"text": "Lịch tiếp công dân."},
        "audience": {"all_followers": True},
    },
    "synchronise_national_dossiers": {"data": NATIONAL},
    "exchange_national": {"service": "DongBoHoSoMC", "data": NATIONAL},
    "exchange_national_by_address": {"data": NATIONAL},
    "open_national_session": {},
    "update_national_progress": {"data": [{"MaHoSo": "H18.07-261103-4713", "TrangThai": "4"}]},
}


def body_for(operation_id: str, annotation: Any) -> Any:
    """A body that fits what the handler takes as `data`."""
    if operation_id in BODIES:
        return BODIES[operation_id]
    schema = msgspec.json.schema(annotation)
    made = _made(schema, schema.get("$defs", {}))
    try:
        msgspec.convert(made, annotation, strict=False)
    except msgspec.ValidationError as error:
        pytest.fail(f'no body can be made for "{operation_id}" ({error}): add BODIES["{operation_id}"] to {__file__}')
    return made


def _made(schema: dict[str, Any], defs: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _made(defs[schema["$ref"].rpartition("/")[2]], defs)
    for choice in schema.get("anyOf", ()):
        if choice.get("type") != "null":
            return _made({**schema, "anyOf": (), **choice}, defs)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: _made(fields[name], defs) for name in schema.get("required", ())}
    if kind == "array":
        return [_made(schema["items"], defs) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    if kind == "boolean":
        return False
    if schema.get("format") == "date-time":
        return "2026-11-16T08:00:00+07:00"
    if schema.get("format") == "uuid":
        return str(new_id())
    return "x" * max(3, schema.get("minLength", 0))
