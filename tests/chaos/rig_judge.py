"""What an answer must be, and whether anything in it is somebody else's."""

import base64
import json
import re


class Judge:
    """Knows all users of a rig by name; keeps what was wrong, in words, and how much of it there was."""

    def __init__(self, users):
        self._anybody = re.compile(b"|".join(re.escape(user.name.encode()) for user in users))
        self._ids = {str(user.id): user.name for user in users}
        self._request_ids = set()
        self._session_ids = {}
        self.count = 0
        self.violations = []

    def wrong(self, text):
        self.count += 1
        kind = text.split(":")[0]
        if sum(each.startswith(kind) for each in self.violations) < 8:  # some of each kind tell more than many of one
            self.violations.append(text)

    def mine(self, user, answer):
        """Whoever is named anywhere in an answer, its head and error fields included, is the one who asked."""
        named = {name.decode() for part in (answer.head, answer.body) for name in self._anybody.findall(part)}
        if named - {user.name}:
            self.wrong(f"{user.name} got what names {named - {user.name}}: {answer.head!r} {answer.body[:500]!r}")
        if answer.status >= 400 and answer.body.startswith(b'{"error'):
            self._is_new(answer)

    def echoed(self, user, target, body, answer):
        """The upstream's answer is that to this very request, which came with this user's identity and no secret."""
        self.mine(user, answer)
        said = answer.json
        expected = {"target": target, "body": body, "x-auth-user": user.name, "x-auth-user-id": str(user.id)}
        got = {name: said.get(name) for name in expected}
        if said["x-auth-method"] == "api_key":
            expected["x-auth-user-id"] = user.name  # all that is known of a declared key
        if got != expected or said["secrets"]:
            self.wrong(f"{expected} was answered {said}")
        if f"\r\nX-Target: {target}\r\n".encode() not in answer.head:
            self.wrong(f"{target} got the head {answer.head!r}")

    def issued(self, user, answer):
        """A JWT of this user. Returns the token."""
        self.mine(user, answer)
        token = answer.json["access_token"]
        if token.count(".") == 2:
            payload = token.split(".")[1]
            subject = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sub"]
            if self._ids.get(str(subject)) != user.name:
                self.wrong(f"{user.name} got a token of subject {subject}")
        return token

    def is_me(self, user, answer):
        self.mine(user, answer)
        if (told := answer.json)["user"] != user.name or told["user_id"] != str(user.id):
            self.wrong(f"{user.name} is told to be {told}")

    def lists(self, user, answer):
        """No session that was ever listed for somebody else."""
        self.mine(user, answer)
        for each in answer.json["sessions"]:
            if (owner := self._session_ids.setdefault(each["id"], user.name)) != user.name:
                self.wrong(f"{user.name} is shown a session of {owner}")

    def _is_new(self, answer):
        request_id = answer.json.get("request_id", "")
        if request_id in self._request_ids:
            self.wrong(f"two answers name the request {request_id}")
        if request_id:
            self._request_ids.add(request_id)
