"""What is refused about campaigns, each with the way out."""

from govchat.errors import DomainError


class CampaignNotFound(DomainError):
    """No campaign of that id."""

    status = 404
    code = "campaign_not_found"
    title = "No such campaign"


class CampaignMessageInvalid(DomainError):
    """Zalo would not take the message, or a field in it is unknown."""

    status = 422
    code = "campaign_message_invalid"
    title = "The message can't be sent like this"


class CampaignAudienceInvalid(DomainError):
    """The audience names something that is not there."""

    status = 422
    code = "campaign_audience_invalid"
    title = "The audience can't be made"


class CampaignStateConflict(DomainError):
    """The campaign's state does not allow it."""

    status = 409
    code = "campaign_state_conflict"
    title = "The campaign's state does not allow that"


class CampaignNeedsSecondPerson(DomainError):
    """Who drafted a campaign can't approve it."""

    status = 403
    code = "campaign_needs_second_person"
    title = "A second person must approve"


class CampaignEmergencyReserved(DomainError):
    """Emergencies are approved by those the province has named."""

    status = 403
    code = "campaign_emergency_reserved"
    title = "Emergencies are approved by named persons"


class CampaignOverBudget(DomainError):
    """The month's budget does not hold what may be spent."""

    status = 409
    code = "campaign_over_budget"
    title = "The month's budget does not reach"


class CampaignNoTesters(DomainError):
    """A test goes to listed testers alone, and there is none like that."""

    status = 409
    code = "campaign_no_testers"
    title = "There is no tester to send it to"


class CampaignPicturePending(DomainError):
    """Zalo does not have the picture yet."""

    status = 409
    code = "campaign_picture_pending"
    title = "Zalo does not have the picture yet"


class CampaignCitizenUnknown(DomainError):
    """Nobody of that id is known to the Official Account."""

    status = 404
    code = "campaign_citizen_unknown"
    title = "Nobody of that id is known"


class AudienceListUnreadable(DomainError):
    """The file is no list of people."""

    status = 422
    code = "audience_list_unreadable"
    title = "The file is no list of people"
