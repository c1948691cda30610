"""The shared nouns: who calls (Identity), what was issued (Session, TokenPair), what an endpoint reads and answers."""

from gateway.model.choices import ACCOUNTS_OWN, PLAIN_REFRESH, Choice, RefreshRules
from gateway.model.identity import ANONYMOUS, Account, ErpSession, Identity, OAuthClient, Session, TokenKind, TokenPair
from gateway.model.messages import Call, CookieRule, CredentialReading, Handler, Headers, Reply
from gateway.model.providers import ErpAnswer, ErpClient, ErpProvider, PasswordVerifier
from gateway.model.tasks import Clock, spawn

__all__ = [
    "ACCOUNTS_OWN",
    "ANONYMOUS",
    "PLAIN_REFRESH",
    "Account",
    "Call",
    "Choice",
    "Clock",
    "CookieRule",
    "CredentialReading",
    "ErpAnswer",
    "ErpClient",
    "ErpProvider",
    "ErpSession",
    "Handler",
    "Headers",
    "Identity",
    "OAuthClient",
    "PasswordVerifier",
    "RefreshRules",
    "Reply",
    "Session",
    "TokenKind",
    "TokenPair",
    "spawn",
]
