"""A Flask application with Flask-JWT-Extended set up as ItemPath's tokens show it: what the dialect is compared with."""

import datetime as dt

from flask import Flask, jsonify
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, get_jwt_identity, jwt_required

KEY = "a-key-of-its-own-of-32-bytes-or-more"


class FlaskItemPath:
    """Tokens of the user `mgordon`, a route for access tokens and one for refresh tokens, run in this process."""

    def __init__(self, **config):
        self.app = Flask("itempath")
        self.app.config |= {"JWT_SECRET_KEY": KEY, "JWT_IDENTITY_CLAIM": "identity", "JWT_COOKIE_CSRF_PROTECT": False}
        self.app.config |= config
        self.revoked = set()
        manager = JWTManager(self.app)
        manager.token_in_blocklist_loader(lambda _, claims: claims["jti"] in self.revoked)

        @self.app.get("/api/stations")
        @jwt_required()
        def stations():
            return jsonify(identity=get_jwt_identity())

        @self.app.post("/api/users/refresh")
        @jwt_required(refresh=True)
        def refresh():
            return jsonify(accessToken=create_access_token(get_jwt_identity(), fresh=False))

    def access(self, seconds=None, identity="mgordon"):
        return self._made(create_access_token, seconds, identity)

    def refresh(self, seconds=None, identity="mgordon"):
        return self._made(create_refresh_token, seconds, identity)

    def application(self):
        return self._made(create_access_token, False, "mgordon")

    def ask(self, method, path, authorization=None):
        """Status, content type and body."""
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = self.app.test_client().open(path, method=method, headers=headers)
        return answer.status_code, answer.content_type, answer.data

    def _made(self, create, seconds, identity):
        life = dt.timedelta(seconds=seconds) if seconds not in {None, False} else seconds
        with self.app.app_context():
            return create(identity, expires_delta=life)
