"""What can be doubtful in a catalogue: the kinds of doubt, each with the words shown to whoever may settle it.

A doubt never changes a figure. It stands beside it until the province says the field itself (`PUT /v1/procedures/{code}`, or a file).
"""

from collections.abc import Iterator

from govchat.procedures.catalogue import Flag, Procedure

KINDS: dict[str, str] = {
    "maybe_hours": "con số này ở nguồn khác là giờ, hoặc là bội của 8: có thể giờ bị lưu thành ngày; đối chiếu quyết định công bố",
    "plain_days": "ghi “ngày”, không rõ ngày làm việc hay ngày lịch; đối chiếu quyết định công bố",
    "plain_hours": "ghi “giờ”, không rõ giờ làm việc hay giờ đồng hồ; đối chiếu quyết định công bố",
    "several_limits": "có nhiều thời hạn, không rõ thời hạn nào cho trường hợp nào: chưa dùng để tính ngày hẹn trả",
    "limits_by_channel": "các thời hạn khác nhau ghi theo kênh nộp, thường là theo trường hợp hoặc khu vực: ghi rõ từng trường hợp",
    "sources_differ": "các cột của tệp nói khác nhau về thời hạn: chọn một",
    "unread": "không đọc được thành số hoặc mục: giữ nguyên văn, nhập lại bằng tay",
    "fee_missing": "chưa có phí, lệ phí: nhập mức thu, hoặc ghi “Không”",
    "fee_small": "mức thu nhỏ bất thường, có thể tính bằng nghìn đồng: ghi đủ số tiền",
    "limit_missing": "chưa có thời hạn giải quyết: hệ thống không tự tính được ngày hẹn trả",
    "agency_missing": "chưa có cơ quan thực hiện",
    "documents_missing": "chưa có thành phần hồ sơ",
    "name_missing": "chưa có tên thủ tục",
    "name_differs": "tên khác hẳn tên đang có của mã này: kiểm tra lại mã",
    "code_irregular": "mã không theo dạng d.dddddd của cơ sở dữ liệu quốc gia: kiểm tra lại mã",
    "code_completed": "mã bị bảng tính đổi thành số; đã khớp với mã có trong danh mục: định dạng cột mã là văn bản",
    "old_level": "mức độ 1–4 là cách ghi cũ: ghi toàn trình hay một phần",
    "district": "cấp huyện không còn từ 01/07/2025: ghi cấp xã hay cấp tỉnh",
    "variants_by_row": "mã này đứng ở nhiều dòng: đã gộp lại, kiểm tra từng trường hợp",
    "unconfirmed": "con số chưa có nguồn xác nhận: kiểm tra rồi nhập lại",
}

_MISSING = (("limit", "limit_missing"), ("agencies", "agency_missing"), ("documents", "documents_missing"))


def flag(field: str, kind: str, raw: str = "") -> Flag:
    """A doubt with its words; `raw` is cut to what a list can show."""
    return Flag(field, kind, KINDS[kind], raw[:500])


def doubts_of(procedure: Procedure) -> Iterator[Flag]:
    """Everything doubtful about a procedure: what its sources left open, what is missing, what nobody has confirmed."""
    told = {(each.field, each.kind) for each in procedure.flags}
    yield from procedure.flags
    if not procedure.name:
        yield flag("name", "name_missing")
    limit = procedure.limit
    empty = {
        "limit": limit.value is None and not limit.variants and ("limit", "unread") not in told,
        "agencies": not procedure.agencies,
        "documents": not procedure.documents,
    }
    for field, kind in _MISSING:
        if empty[field]:
            yield flag(field, kind)
    if "plain_days" in limit.caveats and ("limit", "plain_days") not in told:
        yield flag("limit", "plain_days", limit.spelled)
    if not procedure.fee.text:
        yield flag("fee", "fee_missing")
    elif procedure.fee.certainty in ("typical", "unconfirmed"):
        yield flag("fee", "unconfirmed", procedure.fee.text)
    if limit.spelled and limit.certainty in ("typical", "unconfirmed") and not any(f == "limit" for f, _ in told):
        yield flag("limit", "unconfirmed", limit.spelled)
    if procedure.code_certainty in ("typical", "unconfirmed"):
        yield flag("code", "unconfirmed", procedure.code)
