"""People of a real identity provider sign in to a service that makes no tokens of its own for people; the provider
exchanges its keys, withdraws the old ones, and goes away, while the service runs."""

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import httpx

from directory import ALGORITHMS, API, Directory, new_keys
from waiting import free_port, until

FOLDER = Path(sys.argv[1])
REFRESH_SECONDS = 10


def start_service(directory):
    FOLDER.joinpath("issuers.toml").write_text(
        f"""
[[issuers]]
issuer = "{directory.issuer}"
audience = "{API}"
discovery = true
algorithms = {ALGORITHMS}
la = "885"
subject_prefix = "council:"
refresh_seconds = {REFRESH_SECONDS}
refetch_seconds = 1

[issuers.claims]
roles = "groups"

[issuers.roles]
"EHCP-Officers" = "caseworker"
"EHCP-Auditors" = "auditor"
"""
    )
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            os.environ["EHCP"], "serve", "--bind", address, "--data", str(FOLDER / "data"),
            "--issuers-file", str(FOLDER / "issuers.toml"), "--built-in-issuer", "off",
        ],  # fmt: skip
        stderr=FOLDER.joinpath("service.log").open("w"),
    )
    service = httpx.Client(base_url=f"http://{address}")

    def is_ready():
        try:
            return service.get("/health/ready").is_success
        except httpx.HTTPError:
            return False

    until(is_ready, "the service is ready")
    return process, service


def ask(service, token):
    return service.get("/v1/cases", headers={"Authorization": f"Bearer {token}"})


def let_in(service, token, what):
    answer = ask(service, token)
    assert answer.status_code == 200, f"{what}: {answer.status_code} {answer.text}"
    return answer.json()["items"]


def refused(service, token, reason, what):
    answer = ask(service, token)
    assert answer.status_code == 401 and answer.json()["reason"] == reason, f"{what}: {answer.text}"
    assert answer.headers["www-authenticate"].startswith("Bearer error="), what


def portal(algorithm):
    return f"portal-{algorithm}"


def tell(directory):
    """Everything, from the first sign-in to a provider that is gone."""
    first, second = new_keys(), new_keys()
    directory.configure(first)
    directory.manage("install")
    directory.add_person("officer", "EHCP-Officers")
    directory.add_person("auditor", "EHCP-Auditors")
    directory.add_person("gardener")
    directory.add_audience(API)
    directory.add_audience("parking-api")
    for algorithm in ALGORITHMS:
        directory.add_portal(portal(algorithm), algorithm, API)
    directory.add_portal("parking", "RS256", "parking-api")
    directory.start()
    service_process, service = start_service(directory)
    try:
        tokens = {each: directory.sign_in("officer", portal(each)) for each in ALGORITHMS}
        child = {"given_name": "Ada", "family_name": "Example", "date_of_birth": "2019-03-01"}
        opened = service.post(
            "/v1/cases",
            json=child,
            headers={
                "Authorization": f"Bearer {tokens['RS256']}",
                "Idempotency-Key": f'"{uuid.uuid4()}"',
            },
        )
        assert opened.status_code == 201, opened.text
        for algorithm, token in tokens.items():
            seen = let_in(service, token, f"an officer by {algorithm}")
            assert [case["id"] for case in seen] == [opened.json()["id"]]
        refused(service, directory.sign_in("gardener", portal("ES256")), "no_role", "somebody of no group")
        refused(service, directory.sign_in("officer", "parking"), "wrong_audience", "meant for another")
        header, claims, signature = tokens["EdDSA"].split(".")
        altered = ("B" if signature[0] == "A" else "A") + signature[1:]
        refused(service, f"{header}.{claims}.{altered}", "bad_signature", "an altered signature")

        auditor = directory.sign_in("auditor", portal("EdDSA"))
        trail = service.get("/v1/audit", headers={"Authorization": f"Bearer {auditor}"})
        subjects = {entry["subject"] for entry in trail.raise_for_status().json()["items"]}
        assert "council:officer" in subjects, subjects

        directory.stop()
        directory.configure(second, first)
        directory.start()
        renewed = {each: directory.sign_in("officer", portal(each)) for each in ALGORITHMS}
        for algorithm in ALGORITHMS:
            let_in(service, renewed[algorithm], f"the new key of {algorithm}")
            let_in(service, tokens[algorithm], f"the old key of {algorithm}, still published")

        directory.stop()
        directory.configure(second)
        directory.start()
        until(
            lambda: ask(service, tokens["RS256"]).status_code == 401,
            "a withdrawn key is refused",
            seconds=3 * REFRESH_SECONDS,
        )
        for algorithm in ALGORITHMS:
            refused(service, tokens[algorithm], "unknown_key", f"the withdrawn key of {algorithm}")
            let_in(service, renewed[algorithm], f"the new key of {algorithm}, alone")

        directory.stop()
        for algorithm in ALGORITHMS:
            let_in(service, renewed[algorithm], f"the key of {algorithm}, its provider gone")
    finally:
        service_process.terminate()
        service_process.wait()
    log = FOLDER.joinpath("service.log").read_text()
    assert not re.search(r"eyJ|Ada|Example|officer", log), log
    print(f"Signed in by {', '.join(ALGORITHMS)}; keys exchanged and withdrawn while the service ran.")


provider = Directory(FOLDER / "provider")
try:
    tell(provider)
finally:
    if provider.process is not None:
        provider.stop()
