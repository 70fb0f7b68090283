"""An identity provider of its own, Canaille, with the people and the portals of a council."""

import html
import json
import os
import re
import secrets
import subprocess
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
from joserfc import jwk

from waiting import free_port, until

PROGRAM = os.environ.get("CANAILLE_PROGRAM", "canaille")
API = "ehcp-api"
BACK = "http://127.0.0.1/signed-in"
MAKERS = {
    "RS256": lambda: jwk.RSAKey.generate_key(2048, auto_kid=True),
    "ES256": lambda: jwk.ECKey.generate_key("P-256", auto_kid=True),
    "EdDSA": lambda: jwk.OKPKey.generate_key("Ed25519", auto_kid=True),
}
ALGORITHMS = list(MAKERS)


def new_keys():
    """One key of each kind."""
    return [make().as_dict(private=True) for make in MAKERS.values()]


class Directory:
    """Signs with `active` keys and publishes them beside the `inactive` ones."""

    def __init__(self, folder):
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.issuer = f"http://{self.address}"
        self.secret = secrets.token_hex(16)
        self.passwords = {}
        self.process = None
        folder.mkdir()

    def configure(self, active, inactive=()):
        def table(key):
            return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items()) + " }"

        self.folder.joinpath("canaille.toml").write_text(
            f"""
SECRET_KEY = "{self.secret}"
SERVER_NAME = "{self.address}"
PREFERRED_URL_SCHEME = "http"
[CANAILLE]
NAME = "Council"
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///{self.folder}/people.db"
[CANAILLE_OIDC]
ACTIVE_JWKS = [{", ".join(map(table, active))}]
INACTIVE_JWKS = [{", ".join(map(table, inactive))}]
"""
        )

    def run(self, *arguments):
        environment = dict(os.environ, CANAILLE_CONFIG=str(self.folder / "canaille.toml"))
        log = self.folder.joinpath("log").open("a")
        return subprocess.Popen(
            [PROGRAM, *arguments], env=environment, cwd=self.folder, stdout=log, stderr=log
        )

    def manage(self, *arguments):
        if self.run(*arguments).wait() != 0:
            raise SystemExit(f"canaille {arguments}:\n{self.folder.joinpath('log').read_text()}")

    def add_person(self, name, *groups):
        self.passwords[name] = secrets.token_hex(16)
        self.manage(
            "create", "user", "--user-name", name, "--family-name", name, "--emails", f"{name}@example.org",
            "--password", self.passwords[name],
        )  # fmt: skip
        for group in groups:
            self.manage("create", "group", "--display-name", group, "--members", name)

    def add_portal(self, name, algorithm, audience):
        """A portal whose tokens are meant for `audience`, signed by the key of `algorithm`."""
        self.manage(
            "create", "client", "--client-id", name, "--client-name", name, "--client-uri", BACK,
            "--client-secret", self.secret, "--redirect-uris", BACK, "--grant-types", "authorization_code",
            "--response-types", "code", "--scope", "openid", "--scope", "groups", "--audience", audience,
            "--id-token-signed-response-alg", algorithm, "--token-endpoint-auth-method", "client_secret_basic",
        )  # fmt: skip

    def add_audience(self, name):
        self.manage("create", "client", "--client-id", name, "--client-name", name, "--client-uri", BACK)

    def start(self):
        self.process = self.run("run", "--bind", self.address)

        def answers():
            try:
                return httpx.get(f"{self.issuer}/.well-known/openid-configuration").is_success
            except httpx.HTTPError:
                return False

        until(answers, "the identity provider answers")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def sign_in(self, person, portal):
        """Signs a person in by the forms that a browser would show, and gives the access token."""
        with httpx.Client(base_url=self.issuer) as browser:
            answer = browser.get(
                "/oauth/authorize",
                params={
                    "response_type": "code", "client_id": portal, "scope": "openid groups",
                    "redirect_uri": BACK, "nonce": secrets.token_hex(8), "state": "x",
                },  # fmt: skip
            )
            for _ in range(10):
                if not answer.is_redirect:
                    fields = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', answer.text)
                    form = {name: html.unescape(value) for name, value in fields}
                    form["password" if "password" in form else "login"] = (
                        self.passwords[person] if "password" in form else person
                    )
                    answer = browser.post(answer.url, data=form)
                    continue
                place = urljoin(str(answer.url), answer.headers["location"])
                if not place.startswith(BACK):
                    answer = browser.get(place)
                    continue
                answer = browser.post(
                    "/oauth/token",
                    auth=(portal, self.secret),
                    data={
                        "grant_type": "authorization_code", "redirect_uri": BACK,
                        "code": parse_qs(urlsplit(place).query)["code"][0],
                    },  # fmt: skip
                )
                return answer.raise_for_status().json()["access_token"]
        raise SystemExit(f"{person} could not sign in:\n{answer.text}")
