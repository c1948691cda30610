"""One client for each dialect, as small as its system's documentation lets it be: log in, refresh, log out."""

import json
from base64 import b64encode
from urllib.parse import urlencode

CLIENT, SECRET = "portal", "portal-secret"
BASIC = ("Authorization", "Basic " + b64encode(f"{CLIENT}:{SECRET}".encode()).decode())
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")


class Refused(Exception):
    """Another answer than the client hoped for."""

    def __init__(self, answer):
        super().__init__(answer)
        self.answer = answer


class DialectClient:
    """Somebody at the login below `path`; `credential` is the header that their requests carry."""

    refreshes = True
    logs_out = True
    is_the_user = True
    """False: an OAuth2 client that logs in for itself."""
    wrong_password = 401

    def __init__(self, plain, path, username, password):
        self.plain, self.path, self.username, self.password = plain, path, username, password
        self.access = self.refresh_token = None

    @property
    def credential(self):
        return ("Authorization", f"Bearer {self.access}")

    def told(self, answer, status=200):
        if answer.status != status:
            raise Refused(answer)
        return answer.json if answer.body else None

    def keep(self, told, access="access_token", refresh="refresh_token"):
        self.access, self.refresh_token = told[access], told.get(refresh, self.refresh_token)

    def form(self, suffix, *headers, **fields):
        return self.plain.ask("POST", self.path + suffix, [FORM, *headers], urlencode(fields).encode())

    def is_refused(self, answer):
        return answer.status == 401


class Native(DialectClient):
    def login(self):
        body = {"username": self.username, "password": self.password}
        self.keep(self.told(self.plain.post(f"{self.path}/login", body)))

    def refresh(self):
        self.keep(self.told(self.plain.post(f"{self.path}/refresh", {"refresh_token": self.refresh_token})))

    def logout(self):
        self.told(self.plain.post(f"{self.path}/logout", None, self.credential), 204)

    def end_all(self):
        """Of this user, in every login."""
        self.told(self.plain.ask("DELETE", f"{self.path}/sessions", [self.credential]), 204)


class OAuth2(DialectClient):
    wrong_password = 400

    def login(self):
        fields = {"grant_type": "password", "username": self.username, "password": self.password}
        self.keep(self.told(self.form("/token", BASIC, **fields)))

    def refresh(self):
        fields = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        self.keep(self.told(self.form("/token", BASIC, **fields)))

    def logout(self):
        self.told(self.form("/revoke", BASIC, token=self.refresh_token))


class Jmix(OAuth2):
    """The same words; what differs is how tokens look, and which ones a refresh leaves alive."""


class Jdx(DialectClient):
    logs_out = is_the_user = False

    def login(self):
        fields = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
        self.keep(self.told(self.form("/token", **fields)))

    def refresh(self):
        fields = {"grant_type": "refresh_token", "refresh_token": self.refresh_token}
        self.keep(self.told(self.form("/token", client_id=CLIENT, client_secret=SECRET, **fields)))


class Idempiere(DialectClient):
    def login(self):
        first = self.told(
            self.plain.post(f"{self.path}/tokens", {"userName": self.username, "password": self.password})
        )
        if "refresh_token" not in first:
            first = self.told(self._choose(first))
        self.keep(first, "token")

    def _choose(self, first):
        self.access = first["token"]
        chosen = {"clientId": first["clients"][0]["id"]}
        chosen["roleId"] = self._first("roles", client=chosen["clientId"])
        where = {"client": chosen["clientId"], "role": chosen["roleId"]}
        chosen["organizationId"] = self._first("organizations", **where)
        return self.plain.ask("PUT", f"{self.path}/tokens", [JSON, self.credential], json.dumps(chosen).encode())

    def _first(self, what, **query):
        told = self.told(self.plain.get(f"{self.path}/{what}?{urlencode(query)}", self.credential))
        return told[what][0]["id"]

    def refresh(self):
        body = {"refresh_token": self.refresh_token}
        self.keep(self.told(self.plain.post(f"{self.path}/refresh", body)), "token")

    def logout(self):
        self.told(self.plain.post(f"{self.path}/logout", {"token": self.access}))


class ItemPath(DialectClient):
    logs_out = False
    wrong_password = 404

    def login(self):
        body = {"username": self.username, "password": self.password}
        self.keep(self.told(self.plain.post(f"{self.path}/login", body)), "accessToken", "refreshToken")

    def refresh(self):
        told = self.told(
            self.plain.post(f"{self.path}/refresh", None, ("Authorization", f"Bearer {self.refresh_token}"))
        )
        self.keep(told, "accessToken", "refreshToken")


class Odoo(DialectClient):
    refreshes = False
    wrong_password = 200

    @property
    def credential(self):
        return ("Cookie", f"session_id={self.access}")

    def login(self):
        params = {"db": "prod", "login": self.username, "password": self.password}
        answer = self._call("authenticate", params)
        if "error" in answer.json:
            raise Refused(answer)
        self.access = answer.one("Set-Cookie").partition(";")[0].partition("=")[2]

    def logout(self):
        assert "error" not in self._call("destroy", {}, self.credential).json

    def is_refused(self, answer):
        return answer.status == 200 and answer.json["error"]["code"] == 100

    def _call(self, method, params, *headers):
        envelope = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
        return self.plain.post(f"{self.path}/{method}", envelope, *headers)


CLIENTS = {
    "native": Native,
    "oauth2": OAuth2,
    "idempiere": Idempiere,
    "odoo": Odoo,
    "jdx": Jdx,
    "itempath": ItemPath,
    "jmix": Jmix,
}
