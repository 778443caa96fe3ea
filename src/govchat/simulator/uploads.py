"""Pictures and files given to the simulator: by an OA (upload API, 7 days of life) or by a citizen (the phone page).

Bytes stay in memory, or beside the state file when there is one. What an OA uploads is checked as Zalo would: extension, content,
size, uploads per month.
"""

import secrets
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from govchat.simulator.refusals import Refusal

MIB = 1024 * 1024
LIFE_SECONDS = 7 * 86_400
PER_MONTH = 5_000

_LIMITS = {"image": 1 * MIB, "gif": 5 * MIB, "file": 5 * MIB}
_EXTENSIONS = {
    "image": {".jpg", ".jpeg", ".png"},
    "gif": {".gif"},
    "file": {".pdf", ".doc", ".docx", ".csv"},
}
_MAGIC: dict[str, tuple[bytes, ...]] = {
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".pdf": (b"%PDF-",),
    ".doc": (b"\xd0\xcf\x11\xe0",),
    ".docx": (b"PK\x03\x04",),
}
TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".csv": "text/csv",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """`oa_id` is empty for what a citizen sent; `born` is Unix seconds."""

    id: str
    oa_id: str
    kind: str
    name: str
    size: int
    born: float

    @property
    def content_type(self) -> str:
        return TYPES.get(PurePath(self.name).suffix.lower(), "application/octet-stream")


@dataclass(slots=True)
class Uploads:
    """All uploads, by id. `folder`: where bytes are kept; None keeps them in memory."""

    folder: Path | None = None
    kept: dict[str, Upload] = field(default_factory=dict)
    _bytes: dict[str, bytes] = field(default_factory=dict)
    _months: dict[tuple[str, int], int] = field(default_factory=dict)

    def from_oa(self, oa_id: str, kind: str, name: str, data: bytes, now: float) -> Upload:
        """Take an upload of the API. Raises `Refusal` -201 (name or content), -210 (size), -211 (monthly quota)."""
        suffix = PurePath(name).suffix.lower()
        if not suffix:
            raise Refusal(-201, "file: the file name needs an extension")
        if suffix not in _EXTENSIONS[kind]:
            raise Refusal(-201, f"file: {suffix} is not accepted here")
        if not data:
            raise Refusal(-201, "file: empty")
        if len(data) > _LIMITS[kind]:
            raise Refusal(-210, f"file: {len(data)} bytes, at most {_LIMITS[kind]}")
        if suffix in _MAGIC and not data.startswith(_MAGIC[suffix]):
            raise Refusal(-201, f"file: the content is not {suffix}")
        month = (oa_id, int(now // (30 * 86_400)))
        if self._months.get(month, 0) >= PER_MONTH:
            raise Refusal(-211, "5,000 uploads this month")
        self._months[month] = self._months.get(month, 0) + 1
        return self._put(oa_id, kind, name, data, now)

    def from_citizen(self, name: str, data: bytes, now: float) -> Upload:
        return self._put("", "image", PurePath(name).name or "anh.jpg", data, now)

    def usable(self, oa_id: str, upload_id: str, kinds: tuple[str, ...], now: float, field_name: str) -> Upload:
        """The upload this OA may send. Raises `Refusal` -201 (unknown or of another OA), -100 (older than 7 days)."""
        upload = self.kept.get(upload_id)
        if upload is None or upload.oa_id != oa_id or upload.kind not in kinds:
            raise Refusal(-201, f"{field_name}: unknown to this Official Account")
        if now >= upload.born + LIFE_SECONDS:
            raise Refusal(-100)
        return upload

    def read(self, upload: Upload) -> bytes | None:
        if upload.id in self._bytes:
            return self._bytes[upload.id]
        path = self.folder / upload.id if self.folder else None
        return path.read_bytes() if path and path.is_file() else None

    def _put(self, oa_id: str, kind: str, name: str, data: bytes, now: float) -> Upload:
        upload = Upload(secrets.token_urlsafe(24), oa_id, kind, name, len(data), now)
        self.kept[upload.id] = upload
        if self.folder is None:
            self._bytes[upload.id] = data
        else:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / upload.id).write_bytes(data)
        return upload
