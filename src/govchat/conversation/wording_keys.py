"""Every sentence's key with its placeholders: `OWN` is what `wording/vi.toml` must have, no more and no less; `ROOMS` says what other
rooms say in their own words, under the room's name. A province may say any of them in its own words.
"""

from collections.abc import Mapping
from types import MappingProxyType

from govchat.kit.phrases import phrases, placeholders


def _declared(section: str, **names: str) -> dict[str, frozenset[str]]:
    return {f"{section}.{name}": frozenset(placeholders.split()) for name, placeholders in names.items()}


OWN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **_declared(
            "button", lookup="", another="", help="", contact="", menu="", secret="", phone="", one_code="code"
        ),
        **_declared("button", portal="", national_portal=""),
        **_declared("front", welcome="province example", greeting="", menu="", thanks="", help="example", help_more=""),
        **_declared("front", not_understood="", not_understood_more="", not_understood_again=""),
        **_declared("contact", office="province", hotline="hotline", address="address", portal="url", automatic=""),
        **_declared("contact", nothing_known="", call="hotline", call_nowhere=""),
        **_declared("media", picture="example", picture_privacy="", place="", sticker="", other=""),
        **_declared("ask", code="example", code_shape="example", whole_code="tail example", secret="code"),  # noqa: S106 -- a sentence
        **_declared("ask", code_first="example", secret_odd="code", lost_code="", lost_secret="", personal_number=""),  # noqa: S106 -- a sentence
        **_declared("phone", ask="code", form_title="", form_subtitle="", missing="", thanks="example", no_match=""),
        **_declared("dossier", head="code", status="label sentence", status_unknown="", unit="unit", received="at"),
        **_declared(
            "dossier", waiting_since="at", due="at", due_paused="at", changed="at", late_days="days", late_today=""
        ),
        **_declared(
            "dossier", procedure="name", applicant="name", officer="name", note="note", results="", result="name"
        ),
        **_declared("dossier", more="", more_several="", unknown="code", slowed="code wait", no_answer=""),
        **_declared("dossier", minutes="number", hours="number"),
        **_declared("aside", other_province="code province", ministry="code", unknown_unit="code", impossible="code"),
        **_declared("aside", future="code", over="code"),
        **_declared(
            "button", browse="", by_event="", by_field="", next="", group="title", procedure="name", mine="", scan=""
        ),
        **_declared(
            "button", lost_code="", subscribe="", unsubscribe="", unsubscribe_all="", link="", petition="", vneid=""
        ),
        **_declared("button", supplement="", payment="", result="", file_here="", field_documents="", field_fee=""),
        **_declared("button", field_time="", field_where="", field_how="", field_legal_basis=""),
        **_declared("front", cancelled="", abuse="", out_of_scope="", calm="", slower=""),
        **_declared("contact", human=""),
        **_declared("phone", link=""),
        **_declared("media", no_code="example", foreign_code="example", person="", receipt_elsewhere="province"),
        **_declared("procedure", no_fee="", no_fee_usual="", free="when", conditions_unknown="", guessed=""),
        **_declared("procedure", case="", guessed_else="", fee_set="fee", time_recheck=""),
        **_declared("front", nothing_begun=""),
        **_declared("privacy", mine="", mine_open="code title due", mine_done="code title", mine_answered="code title"),
        **_declared("dossier", now="code label sentence"),
        **_declared("follow", none_at_all=""),
        **_declared("dossier", early="days", when_due="code at", when_left="days", when_today="", when_unknown="code"),
        **_declared("dossier", who_unit="code unit", who_nobody="code", who_hidden="", by_code_alone="example"),
        **_declared("dossier", why_late="code at", why_unsaid="", why_ask="unit", why_in_time="code at"),
        **{f"next.status_{number}": frozenset[str]() for number in range(1, 11)},
        **_declared(
            "follow", offer="", done="code", code_first="example", proof_first="code", ended="count", none_ended=""
        ),
        **_declared("follow", left="count", opted_out="", still_followed="count", none_mine="example", mine="count"),
        **_declared("follow", mine_line="code label", mine_due="at", mine_followed=""),
        **_declared(
            "procedure", head="name", elsewhere="", fee="fee", fee_usual="fee", unpublished_fee="", time="time"
        ),
        **_declared("procedure", time_usual="time", time_differs="", unpublished_time="", papers="papers"),
        **_declared(
            "procedure", papers_more="papers", documents="", documents_usual="", documents_bring="", item="item"
        ),
        **_declared("procedure", where="place", where_any="province", agency="agency", hours="hours", note="note"),
        **_declared("procedure", how="ways result", result_unnamed="", forms="", forms_where="", legal_basis=""),
        **_declared(
            "procedure", decision="decision", not_published="what", which="", which_of="", choice="number name"
        ),
        **_declared("procedure", gone=""),
        **_declared("field", fee="", time="", documents="", where="", how="", online="", form="", legal_basis=""),
        **_declared("field", conditions=""),
        **_declared("place", commune="", province="", ministry=""),
        **_declared("channel", online="", post="", counter=""),
        **_declared("online", full="", partial="", none="", unclear=""),
        **_declared("browse", root="", events="", fields="", group="title count", nothing="title"),
        **_declared(
            "guide", file_online="", file_this="name", supplement="", payment="", result="", withdraw="", scan=""
        ),
        **_declared("guide", complaint_status="", offices="", rating=""),
        **_declared("guide", privacy="", staff=""),
        **_declared(
            "button", map="", person="", cancel="", petition_scene="", petition_reflection="", petition_proposal=""
        ),
        **_declared("button", petition_status="", petition_confirm="", petition_reopen="", my_petitions=""),
        **_declared(
            "button", privacy_kept="", privacy_export="", privacy_erase="", privacy_withdraw="", privacy_correct=""
        ),
        **_declared("hours", open="hours", closed="why", saturday="day hours", off="", ahead="day why", why_workday=""),
        **_declared(
            "hours", why_makeup="", why_saturday="", why_holiday="", why_compensatory="", why_swap="", why_weekend=""
        ),
        **_declared(
            "petition", kinds="", text_scene="", text_reflection="", text_proposal="", more="", limit="", unknown=""
        ),
        **_declared(
            "petition", filed="code category forward due", filed_before="code category forward due", settled=""
        ),
        **_declared("button", petition_skip="", petition_done="", petition_more="", petition_category=""),
        **_declared(
            "button",
            petition_anonymous="",
            report="",
            one_petition="code",
            no_reason="",
            rate_code="code",
            agree_survey="",
        ),
        **_declared("petition", kinds_told="", photo_held="", place_held="", photo_added="count", photos_full=""),
        **_declared("petition", photo_large="", photo_type="", photo_infected="", photo_away="", place_added=""),
        **_declared("petition", commune_added="commune", category_added="category", name_added="", note_added=""),
        **_declared("petition", anonymous_added="", ask_photos="", ask_commune="", ask_name="", ask_category=""),
        **_declared("petition", ask_why="", has_photos="count", has_place="", complete="code holds"),
        **_declared(
            "petition", photo_held_told="", place_held_told="", withdraw_note="", withdrawn="code", ask_note=""
        ),
        **_declared("follow", survey="", survey_done=""),
        **_declared("contact", which="", address_unknown="", maps="", one_stop="name address"),
        **_declared(
            "button",
            again="",
            map_of="name",
            file_online="",
            withdraw="",
            opt_out="",
            complaint="",
            dispute="",
            rate="",
        ),
        **_declared("front", also="what"),
        **_declared("petition", photo_dropped=""),
        **_declared("media", none_kept=""),
        **_declared("consent", ask="", broadcast_done="", survey_ended=""),
        **_declared("button", agree=""),
        **_declared(
            "group",
            civil_status="",
            residence="",
            land="",
            building="",
            business="",
            vehicles="",
            certification="",
            welfare="",
            complaints="",
            birth="",
            marriage="",
            death="",
            moving="",
            buying="",
            house="",
            shop="",
            papers="",
            hardship="",
        ),
        **_declared(
            "hours", mostly_not_on="day why", others="", place="name hours", span="first last days", now_open=""
        ),
        **_declared("hours", now_closed="at", usual="hours", noon="start end", no_morning="", no_afternoon=""),
        **_declared("hours", no_evening=""),
        **_declared("contact", office_unknown="", ask_there=""),
        **_declared("hours", on="day hours", not_on="day why", again="at", unsettled=""),
        **_declared("rating", which="", how="code", too_early="code", given="code", unproved="code"),
        **_declared("petition", confirmed="code", reopened="code due", head="title code state", dates="received due"),
        **_declared("petition", overdue="", answer="answer", none="", mine="count", mine_line="code state"),
        **_declared("rating", refused="", noted=""),
        **_declared("privacy", none=""),
    }
)

# The rooms that speak to citizens themselves.
SPEAKING = (
    *("petitions", "ratings", "handoff", "privacy", "citizens", "dossiers", "offices", "procedures", "tenants"),
    *("notices", "campaigns", "outbox", "receipts"),
)


def room_texts() -> dict[str, str]:
    """What these rooms say, by key, in the product's words."""
    return {f"{room}.{key}": text for room in SPEAKING for key, text in phrases(f"govchat.{room}").items()}


ROOMS: Mapping[str, frozenset[str]] = MappingProxyType({key: placeholders(text) for key, text in room_texts().items()})
KEYS: Mapping[str, frozenset[str]] = MappingProxyType({**OWN, **ROOMS})
