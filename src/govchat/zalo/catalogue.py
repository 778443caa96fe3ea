"""Which struct reads which event: every event name that we know of."""

from govchat.zalo.account_events import (
    AppEvent,
    ButtonAnswered,
    Call,
    FeedbackGiven,
    GroupEvent,
    JourneyEvent,
    OaAllowanceChanged,
    ShopOrder,
    TemplateChanged,
)
from govchat.zalo.chat_events import (
    AnonymousMessage,
    Chatnow,
    Follow,
    GroupMessage,
    InfoSubmitted,
    OaMessage,
    Reaction,
    Receipt,
    TagChanged,
    UserMessage,
    UserUpdated,
    WidgetEvent,
    Withdrawn,
)
from govchat.zalo.header import Event


def _names(prefix: str, kinds: str) -> list[str]:
    return [f"{prefix}{kind}" for kind in kinds.split()]


_CATALOGUE: list[tuple[type[Event], list[str]]] = [
    (UserMessage, _names("user_send_", "text image gif link audio video sticker location file business_card")),
    (OaMessage, _names("oa_send_", "text image gif list file sticker template")),
    (AnonymousMessage, _names("anonymous_send_", "text image file sticker")),
    (AnonymousMessage, _names("oa_send_anonymous_", "text image file sticker")),
    (GroupMessage, _names("user_send_group_", "text image gif link audio video sticker location file business_card")),
    (GroupMessage, _names("oa_send_group_", "text image gif link audio video sticker location file list template")),
    (Receipt, ["user_received_message", "user_seen_message"]),
    (Reaction, ["user_reacted_message", "oa_reacted_message"]),
    (Follow, ["follow", "unfollow"]),
    (Chatnow, ["user_click_chatnow"]),
    (InfoSubmitted, ["user_submit_info"]),
    (UserUpdated, ["update_user_info"]),
    (TagChanged, ["add_user_to_tag", "remove_user_from_tag", "remove_tag"]),
    (Withdrawn, ["user_withdraw"]),
    (WidgetEvent, ["widget_interaction_accepted", "widget_failed_to_sync_user_external_id"]),
    (Call, ["oa_send_consent", "user_reply_consent", "user_call_oa", "oa_call_user"]),
    (ShopOrder, ["shop_has_order"]),
    (GroupEvent, ["create_group", "update_group_info", "delete_group", "disperse_group"]),
    (GroupEvent, ["user_join_group", "user_request_join_group", "user_out_group", "user_leave_group"]),
    (GroupEvent, ["react_request_join_group_accept", "react_request_join_group_reject"]),
    (GroupEvent, ["accept_request_join_group", "reject_request_join_group", "add_group_admin", "remove_group_admin"]),
    (FeedbackGiven, ["user_feedback"]),
    (ButtonAnswered, ["user_click_response_button"]),
    (TemplateChanged, ["change_template_status", "change_template_quality", "change_template_quota"]),
    (OaAllowanceChanged, ["change_oa_daily_quota", "change_oa_template_tags"]),
    (JourneyEvent, ["event_journey_time_out", "event_journey_acknowledged"]),
    (AppEvent, ["permission_revoked", "extension_purchased"]),
]

BY_NAME: dict[str, type[Event]] = {name: kind for kind, names in _CATALOGUE for name in names}
