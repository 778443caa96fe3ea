"""OA tokens and consent codes: signed, self-describing, single use.

A token carries its OA, its generation and its birth, signed with a key drawn from the app's secret, so it stays good when the
simulator restarts. What was used up is the only thing to remember (`snapshot`, `restore`). When even that memory is lost, the
newest signed refresh token, or `dev-refresh:<oa_id>`, is taken once more: a developer's stack must not lock itself out.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from govchat.simulator.refusals import Refusal

ACCESS_SECONDS = 90_000  # 25 h
REFRESH_SECONDS = 90 * 86_400  # "3 months"
CODE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Pair:
    """One answer of the token endpoint."""

    access_token: str
    refresh_token: str


@dataclass(slots=True)
class Ledger:
    """What happened to the tokens of one OA. `used` is the highest refresh generation taken; -1: none, as on the first day."""

    used: int = -1
    issued: int = 0
    access: str = ""
    access_ends: float = 0.0
    removed: str = ""  # an access token expired by hand: answers -220 where an older one answers -216
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class _Code:
    app_id: str
    oa_id: str
    challenge: str
    ends: float


@dataclass(frozen=True, slots=True)
class _Seen:
    kind: str
    oa_id: str
    generation: int
    born: float


@dataclass(slots=True)
class TokenBook:
    """Tokens of all OAs. `keys` maps an OA id to its signing key, `first` to its first refresh token. Times are Unix seconds."""

    keys: dict[str, bytes]
    first: dict[str, str]
    _ledgers: dict[str, Ledger] = field(default_factory=dict)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _access: dict[str, str] = field(default_factory=dict)

    def oa_of(self, access_token: str, now: float) -> str:
        """The OA this access token speaks for. Raises `Refusal` -216 (unknown, replaced) or -220 (expired, removed)."""
        oa_id = self._access.get(access_token)
        if oa_id is None:
            oa_id = self._adopt(access_token, now)
        if now >= self._ledgers[oa_id].access_ends:
            raise Refusal(-220)
        return oa_id

    def refresh(self, oa_ids: set[str], refresh_token: str, now: float) -> tuple[str, Pair]:
        """Trade a refresh token of one of `oa_ids` (those of the calling app) for a new pair; it is used up at once."""
        seen = self._read("r", refresh_token) or self._first(refresh_token)
        if seen is None or seen.oa_id not in oa_ids:
            raise Refusal(-14014)
        ledger = self._ledger(seen.oa_id)
        if ledger.revoked:
            raise Refusal(-14014, "the Official Account withdrew its consent")
        if seen.generation <= ledger.used or (seen.born and now >= seen.born + REFRESH_SECONDS):
            raise Refusal(-14020)
        ledger.used = seen.generation
        ledger.issued = max(ledger.issued, seen.generation)
        return seen.oa_id, self._issue(seen.oa_id, ledger, now)

    def consent(self, app_id: str, oa_id: str, challenge: str, now: float) -> str:
        """A code of the consent page: good for ten minutes, once."""
        code = secrets.token_urlsafe(48)
        self._codes = {key: kept for key, kept in self._codes.items() if kept.ends > now}
        self._codes[code] = _Code(app_id, oa_id, challenge, now + CODE_SECONDS)
        return code

    def exchange(self, app_id: str, code: str, verifier: str, now: float) -> tuple[str, Pair]:
        """Trade a consent code for a pair; earlier tokens of this OA end. Raises `Refusal` -14024."""
        kept = self._codes.pop(code, None)
        if kept is None or kept.app_id != app_id or now >= kept.ends:
            raise Refusal(-14024, "the code is unknown, used or older than ten minutes")
        if kept.challenge:
            digest = hashlib.sha256(verifier.encode()).digest()
            if not hmac.compare_digest(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), kept.challenge):
                raise Refusal(-14024, "code_verifier does not fit the code_challenge")
        ledger = self._ledger(kept.oa_id)
        ledger.revoked = False
        ledger.issued = max(ledger.issued, ledger.used)
        ledger.used = ledger.issued
        return kept.oa_id, self._issue(kept.oa_id, ledger, now)

    def expire(self, oa_id: str) -> None:
        """End the present access token: the next call with it is answered -220."""
        ledger = self._ledger(oa_id)
        self._access.pop(ledger.access, None)
        ledger.removed, ledger.access = ledger.access, ""

    def revoke(self, oa_id: str) -> None:
        """The OA's administrator withdraws the consent: no token works until somebody consents again."""
        self.expire(oa_id)
        self._ledger(oa_id).revoked = True

    def reset(self, oa_id: str) -> None:
        """Forget everything about this OA: its first refresh token is good again."""
        self.expire(oa_id)
        self._ledgers.pop(oa_id, None)

    def snapshot(self) -> dict[str, Ledger]:
        """What must be remembered, by OA id."""
        return self._ledgers

    def restore(self, ledgers: Mapping[str, Ledger]) -> None:
        """Take up what an earlier life remembered; OAs that are gone are forgotten."""
        for oa_id, ledger in ledgers.items():
            if oa_id in self.keys:
                self._ledgers[oa_id] = ledger
                if ledger.access:
                    self._access[ledger.access] = oa_id

    def _ledger(self, oa_id: str) -> Ledger:
        return self._ledgers.setdefault(oa_id, Ledger())

    def _first(self, token: str) -> _Seen | None:
        for oa_id, first in self.first.items():
            if hmac.compare_digest(token.encode(), first.encode()):
                return _Seen("r", oa_id, 0, 0.0)
        return None

    def _issue(self, oa_id: str, ledger: Ledger, now: float) -> Pair:
        ledger.issued += 1
        self._access.pop(ledger.access, None)
        ledger.access = self._write("a", oa_id, ledger.issued, now)
        ledger.access_ends = now + ACCESS_SECONDS
        ledger.removed = ""
        self._access[ledger.access] = oa_id
        return Pair(ledger.access, self._write("r", oa_id, ledger.issued, now))

    def _write(self, kind: str, oa_id: str, generation: int, now: float) -> str:
        said = f"{kind}.{oa_id}.{generation}.{int(now)}.{secrets.token_hex(8)}"
        return f"sim-{said}.{self._sign(oa_id, said)}"

    def _sign(self, oa_id: str, said: str) -> str:
        return hmac.new(self.keys[oa_id], said.encode(), hashlib.sha256).hexdigest()

    def _read(self, kind: str, token: str) -> _Seen | None:
        said, _, signature = token.removeprefix("sim-").rpartition(".")
        parts = said.split(".")
        if not token.startswith("sim-") or len(parts) != 5 or parts[0] != kind or parts[1] not in self.keys:
            return None
        if not hmac.compare_digest(self._sign(parts[1], said).encode(), signature.encode()):
            return None
        return _Seen(kind, parts[1], int(parts[2]), float(parts[3]))

    def _adopt(self, token: str, now: float) -> str:
        seen = self._read("a", token)
        if seen is None:
            raise Refusal(-216)
        ledger = self._ledger(seen.oa_id)
        if token == ledger.removed or now >= seen.born + ACCESS_SECONDS:
            raise Refusal(-220)
        if ledger.issued or ledger.revoked or ledger.access:
            raise Refusal(-216, "replaced by a newer access token")
        # Issued in an earlier life whose memory is lost: the signature vouches for it.
        ledger.access, ledger.access_ends = token, seen.born + ACCESS_SECONDS
        self._access[token] = seen.oa_id
        return seen.oa_id
