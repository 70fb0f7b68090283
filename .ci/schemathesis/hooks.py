"""Leads generated requests past the door: to things that exist, in their present version, on days that count.

Random ids name nothing and random versions are stale, so that without this nearly every request ends at 404
or 412. Only those parts of a request are changed that are meant to be right; what is wrong on purpose stays
wrong. `run` beside this file says where the server is and who asks.
"""

import copy
import datetime
import os
import random
import uuid

import requests
import schemathesis
from hypothesis import strategies
from schemathesis.core.parameters import ParameterLocation

BASE = os.environ["EHCP_URL"]
TODAY = datetime.date.fromisoformat(os.environ["EHCP_TODAY"])
SESSION = requests.Session()
SESSION.headers["Authorization"] = f"Bearer {os.environ['EHCP_TOKEN']}"
CHANCE = random.Random(20260105)

# The codes of what a schema says of a body, with the words that tell three of them from the rules of a resource
# of the same name. A request that is right by its schema may be refused for anything else.
BY_THE_SCHEMA = {
    "unknown_field": "",
    "wrong_type": "",
    "not_one_of": "must be one of",
    "too_short": "",
    "too_long": "",
    "out_of_range": "",
    "too_few": "",
    "too_many": "",
    "missing": "is required",
    "malformed": "must be",
}


def get(path):
    return SESSION.get(BASE + path, timeout=10)


def listed(path):
    answer = get(path)
    return answer.json()["items"] if answer.ok else []


def some(path):
    """A few of a list, evenly over it."""
    found = listed(path)
    return CHANCE.sample(found, min(60, len(found)))


def days_of(advice_requests):
    """The day on which each was made."""
    return {item["id"]: datetime.date.fromisoformat(item["requested_on"]) for item in advice_requests}


CASES = [item["id"] for item in some("/v1/cases?limit=200")]


def opened_in(*states):
    """Some assessments in each of the states, with the day on which they opened."""
    return {
        item["id"]: datetime.date.fromisoformat(item["opened_on"])
        for state in states
        for item in some(f"/v1/assessments?limit=200&state={state}")
    }


OPEN_ASSESSMENTS = opened_in("considering_request", "assessing", "drafting", "draft_served")
ASSESSMENTS = OPEN_ASSESSMENTS | opened_in("plan_issued", "assessment_refused")
ADVICE_REQUESTS = days_of(some("/v1/advice-requests?limit=200&state=requested") + some("/v1/advice-requests?limit=200"))
REVIEWS = [item["id"] for item in some("/v1/reviews?limit=200&state=in_period")]
CONSULTATIONS = [item["id"] for item in some("/v1/consultations?limit=200")]
PLANS = [item["id"] for item in some("/v1/plans?limit=200")]
ORGANISATIONS = [item["id"] for item in some("/v1/organisations?limit=200")]

OWNERS = {
    "/v1/cases/": CASES,
    "/v1/assessments/": list(ASSESSMENTS),
    "/v1/advice-requests/": list(ADVICE_REQUESTS),
    "/v1/plans/": PLANS,
    "/v1/reviews/": REVIEWS,
    "/v1/consultations/": CONSULTATIONS,
    "/v1/organisations/": ORGANISATIONS,
}


def weighted(digits, weights):
    return sum(int(digit) * weight for digit, weight in zip(digits, weights))


def nhs_number(serial):
    """In the range that is kept for tests; None where the check digit would be ten."""
    digits = f"999{serial:06}"
    check = 11 - weighted(digits, range(10, 1, -1)) % 11
    return None if check == 10 else f"{digits}{check % 11}"


def uln(serial):
    digits = f"1{serial:08}"
    remainder = weighted(digits, range(10, 1, -1)) % 11
    return None if remainder == 0 else f"{digits}{10 - remainder}"


def upn(serial):
    digits = f"885{serial:08}1"
    return "ABCDEFGHJKLMNPQRTUVWXYZ"[weighted(digits, range(2, 14)) % 23] + digits


def numbers(number, largest):
    return strategies.integers(0, largest).map(number).filter(lambda text: text is not None)


schemathesis.openapi.format("nhs-number", numbers(nhs_number, 999_999))
schemathesis.openapi.format("uln", numbers(uln, 99_999_999))
schemathesis.openapi.format("upn", numbers(upn, 99_999_999))


def mostly():
    return CHANCE.random() < 0.85


def days_since(start):
    """A day from this one to today."""
    return start + datetime.timedelta(days=CHANCE.randrange(max((TODAY - start).days, 0) + 1))


@schemathesis.hook
def before_call(context, case, kwargs):
    # What was meant to be wrong stays so, also where a changed part would look right by itself.
    case.freeze_metadata()

    def is_right(location):
        meta = case.meta
        return meta is None or meta.generation.mode.is_positive or not meta.is_negative_at(location)

    if case.path_parameters and is_right(ParameterLocation.PATH) and mostly():
        case.path_parameters = placed(case.path, case.path_parameters)
    if case.query and is_right(ParameterLocation.QUERY):
        # A cursor is opaque, so any text is one by its form; and a list of clocks refuses known_at.
        refused = {"cursor", "known_at"} if case.path == "/v1/clocks" else {"cursor"}
        case.query = {name: value for name, value in case.query.items() if name not in refused}
    if isinstance(case.body, dict) and is_right(ParameterLocation.BODY) and mostly():
        case.body = dated(case, following(case, superseding(case, grounded(copy.deepcopy(case.body)))))
    if is_right(ParameterLocation.HEADER):
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = f'"{uuid.UUID(int=CHANCE.getrandbits(128))}"'
        if "If-Match" in case.headers:
            case.headers["If-Match"] = (mostly() and version_of(case)) or '"v999"'


def placed(path, parameters):
    """The parameters of a path with the ids of what exists."""
    ids = next((ids for start, ids in OWNERS.items() if path.startswith(start)), [])
    if path.startswith("/v1/advice-requests/{id}/") and mostly():
        state = "submitted" if path.endswith(("/acceptance", "/return")) else "requested"
        waiting = days_of(listed(f"/v1/advice-requests?limit=200&state={state}"))
        ADVICE_REQUESTS.update(waiting)
        ids = list(waiting) or ids
    if path.endswith("/existing-advice"):
        ids = list(OPEN_ASSESSMENTS) or ids
    if not ids:
        return parameters
    parameters = {**parameters, "id": CHANCE.choice(ids)}
    if "number" in parameters:
        written = listed(f"/v1/plans/{parameters['id']}/versions")
        if written:
            parameters["number"] = CHANCE.choice(written)["number"]
    if "person_id" in parameters:
        people = listed(f"/v1/cases/{parameters['id']}/people")
        if people:
            parameters["person_id"] = CHANCE.choice(people)["id"]
    return parameters


def version_of(case):
    """The entity tag of what a request acts on, read just before."""
    resource, last = case.path.rsplit("/", 1)
    if "{" in last or case.path == "/v1/settings":
        resource = case.path
    return get(resource.format(**case.path_parameters)).headers.get("ETag")


def grounded(value):
    """A body that refers to what exists."""
    known = {"case_id": CASES, "organisation_id": ORGANISATIONS}
    if isinstance(value, list):
        return [grounded(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: CHANCE.choice(known[name]) if isinstance(held, str) and known.get(name) else grounded(held)
        for name, held in value.items()
    }


def superseding(case, body):
    """A correction of what is on record."""
    if isinstance(body.get("changes"), list):
        recorded = [event["id"] for event in listed(case.path.format(**case.path_parameters))]
        for change in body["changes"]:
            if recorded and isinstance(change, dict):
                change["supersedes"] = CHANCE.choice(recorded)
    return body


def following(case, body):
    """A version of a plan that was written from the newest."""
    if case.path == "/v1/plans/{id}/versions":
        written = listed(case.path.format(**case.path_parameters))
        body["based_on_version"] = written[-1]["number"] if written else None
    return body


def dated(case, body):
    """A body whose acts can have happened when they did: after what they follow, and not ahead of today."""
    if case.path == "/v1/timelines":
        if isinstance(body.get("events"), list):
            opening = {"type": "request_received", "occurred_on": "0001-01-01", "requested_by": "parent"}
            body["events"] = [opening, *body["events"]]
        return body
    known = {**ASSESSMENTS, **ADVICE_REQUESTS}
    start = known.get(case.path_parameters.get("id"), TODAY - datetime.timedelta(days=300))
    if case.path == "/v1/cases" and isinstance(body.get("date_of_birth"), str):
        body["date_of_birth"] = days_since(TODAY - datetime.timedelta(days=20 * 365)).isoformat()
    for part in (body, body.get("event")):
        if isinstance(part, dict):
            act_on = days_since(start)
            for name in ("occurred_on", "requested_on", "offered_on"):
                if isinstance(part.get(name), str):
                    part[name] = act_on.isoformat()
            if isinstance(part.get("agreements"), dict):
                part["agreements"] = {name: act_on.isoformat() for name in part["agreements"]}
                part["dated_on"] = (start - datetime.timedelta(days=90)).isoformat()
            if part.get("outcome") == "held":
                part["held_on"] = act_on.isoformat()
            elif "outcome" in part:
                part.pop("held_on", None)
            for name in ("received_on", "sent_on", "decided_on", "served_on"):
                if isinstance(part.get(name), str):
                    part[name] = days_since(act_on).isoformat()
    return body


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what was opened, so that later requests are about it."""
    place = response.headers.get("location", [""])[0]
    for start, ids in OWNERS.items():
        if place.startswith(start) and place.count("/") == 3:
            ids.append(place.removeprefix(start))


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Lets a right request be refused by a rule that no schema can say, which the answer names by its code."""
    if failure.code != "ST202" or response.status_code not in (400, 412, 422):
        return True
    problem = response.json()
    # How a system proves itself is refused in OAuth's words, which name no field.
    oauth = ("invalid_request", "unsupported_grant_type", "invalid_scope", "invalid_grant")
    if problem["code"] == "stale_version" or problem["code"] in oauth:
        return False
    is_of_schema = any(
        fault["message"].startswith(BY_THE_SCHEMA[fault["code"]])
        for fault in problem["errors"]
        if fault["code"] in BY_THE_SCHEMA
    )
    return is_of_schema or not problem["errors"]


class every_operation_is_reached:
    """Of the operations that the role may use, each has done its work at least once."""

    def __init__(self):
        self.statuses = {}

    def after_response(self, ctx, response, case):
        if case.meta is not None and case.meta.generation.mode.is_positive:
            self.statuses.setdefault(case.operation.label, set()).add(response.status_code)

    def after_run(self, ctx):
        unreached = {
            operation: sorted(statuses)
            for operation, statuses in self.statuses.items()
            # A made-up system proves nothing, and who sees every case has no glass to break.
            if min(statuses) >= 300
            and not statuses <= {403, 404}
            and operation not in ("POST /oauth/token", "POST /v1/break-glass-readings")
        }
        assert not unreached, f"never done: {unreached}"


if "EHCP_REACHES_ALL" in os.environ:
    schemathesis.check(every_operation_is_reached)
