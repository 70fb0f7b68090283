"""The first five minutes of a portal, with nothing but the generated client."""

import datetime
import os
import uuid

from ehcp_client import AuthenticatedClient
from ehcp_client.api.advice import get_advice_matrix, open_advice_request, submit_advice
from ehcp_client.api.assessments import get_assessment, open_assessment, record_assessment_event
from ehcp_client.api.cases import change_case, open_case
from ehcp_client.api.clocks import list_clocks
from ehcp_client.api.timelines import compute_timeline
from ehcp_client.models import (
    AdviceRequestInput,
    AssessmentEventInputAssessDecisionNotified,
    AssessmentInput,
    AssessmentOpeningInputRequestReceived,
    CaseDetails,
    CaseDetailsPatch,
    SubmissionInput,
    TimelineEventInputRequestReceived,
    TimelineInput,
)

CLIENT = AuthenticatedClient(
    base_url=os.environ["EHCP_URL"],
    token=os.environ["EHCP_TOKEN"],
    raise_on_unexpected_status=True,
)


def day(text):
    return datetime.date.fromisoformat(text)


def key():
    return f'"{uuid.uuid4()}"'


def done(answer, status):
    """What an operation answered, which must be what it is for."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert answer.parsed is not None, answer.content
    return answer.parsed


def clock_of(clocks, kind):
    (found,) = [clock for clock in clocks if clock.kind == kind]
    return found


# Ask the calculator.
asked = TimelineInput(
    procedure="assessment",
    events=[
        TimelineEventInputRequestReceived(
            type_="request_received", occurred_on=day("2026-01-05"), requested_by="parent"
        )
    ],
    as_of=day("2026-02-20"),
)
timeline = done(compute_timeline.sync_detailed(client=CLIENT, body=asked), 200)
assert timeline.state == "considering_request"
decision = clock_of(timeline.clocks, "assess_decision")
assert (decision.due_on, decision.status, decision.days_late) == (day("2026-02-16"), "overdue", 4)

# Open a case and an assessment on it.
person = CaseDetails(
    given_name="Ada", family_name="Example", date_of_birth=day("2017-11-02"), caseworker="generated-client"
)
case = done(open_case.sync_detailed(client=CLIENT, body=person, idempotency_key=key()), 201)
request = AssessmentOpeningInputRequestReceived(
    type_="request_received", occurred_on=day("2026-01-05"), requested_by="parent"
)
assessment = done(
    open_assessment.sync_detailed(
        client=CLIENT, body=AssessmentInput(case_id=case.id, event=request), idempotency_key=key()
    ),
    201,
)
assert (assessment.state, assessment.version) == ("considering_request", 1)

# Decide to assess; the same key again gives the same answer and records nothing.
decide = AssessmentEventInputAssessDecisionNotified(
    type_="assess_decision_notified", occurred_on=day("2026-02-10"), decision="assess"
)
once = key()
answers = [
    record_assessment_event.sync_detailed(
        assessment.id, client=CLIENT, body=decide, if_match='"v1"', idempotency_key=once
    )
    for _ in range(2)
]
recorded = done(answers[0], 201)
assert answers[0].content == answers[1].content
assert recorded.assessment.state == "assessing"
assert clock_of(recorded.assessment.clocks, "assess_decision").status == "met"

# A stale version is refused, and the refusal says which is the present one.
stale = record_assessment_event.sync_detailed(
    assessment.id, client=CLIENT, body=decide, if_match='"v1"', idempotency_key=key()
)
problem = done(stale, 412)
assert (problem.code, problem["current_version"]) == ("stale_version", recorded.assessment.version)

# Deciding has asked the authority's default contributors already; ask one more service of health.
ask = AdviceRequestInput(
    requirement="medical",
    service="occupational_therapy",
    requested_on=day("2026-02-11"),
    received_on=day("2026-02-12"),
)
advice = done(
    open_advice_request.sync_detailed(assessment.id, client=CLIENT, body=ask, idempotency_key=key()), 201
)
assert (advice.state, advice.due_on) == ("requested", day("2026-03-26"))

# See it late.
late = done(get_assessment.sync_detailed(assessment.id, client=CLIENT, as_of=day("2026-04-01")), 200)
(flag,) = [flag for flag in late.flags if flag.code == "advice_late" and flag.advice_request_id == advice.id]
assert (flag.since_on, flag.whose_move) == (day("2026-03-27"), "health")
matrix = done(get_advice_matrix.sync_detailed(assessment.id, client=CLIENT, as_of=day("2026-04-01")), 200)
(row,) = [item for item in matrix.items if item.request_id == advice.id]
assert (row.status, row.days_late, row.whose_move) == ("late", 6, "health")

# The worklist from one call.
worklist = done(
    list_clocks.sync_detailed(
        client=CLIENT,
        caseworker="generated-client",
        status="overdue",
        as_of=day("2026-04-01"),
        include=["case", "explanation"],
    ),
    200,
)
(item,) = [item for item in worklist.items if item.advice_request_id == advice.id]
assert (item.kind, item.bearer, item.due_on, item.days_late) == ("advice", "health", day("2026-03-26"), 6)
assert item.case.family_name == "Example"
assert item.explanation

# The advice comes in.
submission = SubmissionInput(summary="Seen in clinic.", authors=["Dr Example"], occurred_on=day("2026-04-02"))
submitted = done(
    submit_advice.sync_detailed(
        advice.id, client=CLIENT, body=submission, if_match=f'"v{advice.version}"', idempotency_key=key()
    ),
    201,
)
assert (submitted.state, submitted.clock.status, submitted.clock.days_late) == ("submitted", "late", 7)

# Change the case; null removes.
changed = done(
    change_case.sync_detailed(
        case.id, client=CLIENT, body=CaseDetailsPatch(sex="F", caseworker=None), if_match='"v1"'
    ),
    200,
)
assert changed.version == 2 and not changed.caseworker

print("The generated client told the story of the first five minutes.")
