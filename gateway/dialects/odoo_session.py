"""What Odoo tells of a session (`session_info`), made of what the identity provider says of the user."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from gateway.model import Account, Session

CONTEXT: Final = "odoo"
"""Key of `Session.context` below which all of it is kept."""
SEED_KEYS: Final = frozenset({"session_id", "company_id"})
"""Keys of session_info that Odoo no longer has: the first one until 12, the second until 13."""
SYSTEM: Final = "base.group_system"
ADMIN: Final = "base.group_erp_manager"
"""Names of Odoo's groups: as roles of the user, they are what is_system and is_admin are read from."""

_VERSION: Final = re.compile(r"((?:saas[~-])?[1-9][0-9]*)\.([0-9]+)")
ONLY_TOLD: Final = frozenset(
    {"is_internal_user", "partner_display_name", "support_url", "active_ids_limit", "max_file_upload_size"}
)
"""Keys that are told where the ERP told them: the gateway has nothing to say of them."""
_FACTS: Final = {
    "uid": int,
    "active_ids_limit": int,
    "company_id": int,
    "is_admin": bool,
    "is_internal_user": bool,
    "is_system": bool,
    "max_file_upload_size": int,
    "name": str,
    "partner_display_name": str,
    "partner_id": int,
    "server_version": str,
    "server_version_info": list,
    "support_url": str,
    "user_companies": dict,
    "user_context": dict,
}
"""What an ERP may have told of the user at login, and the type of each."""


def version_info(version: str) -> list[Any]:
    """`18.0` as `server_version_info`. Raises ValueError."""
    match = _VERSION.fullmatch(version)
    if match is None:
        raise ValueError("must be a version of Odoo such as 18.0 or saas~17.4")
    serie, minor = match.groups()
    return [int(serie) if serie.isdigit() else serie, int(minor), 0, "final", 0, ""]


def major(version: str) -> int:
    """The number of the serie: 17 of `saas~17.4`."""
    return int(re.sub(r"\D*([0-9]+).*", r"\1", version))


def chosen(account: Account, database: str) -> tuple[str | None, dict[str, Any]]:
    """The tenant and the context of a session for this account in this database.

    A tenant that is named like the database is the one that is meant; otherwise the account's own default.
    """
    named = next((each for each in account.tenants if str(each.name) == database), None)
    tenant = named or (account.tenants[0] if len(account.tenants) == 1 else None)
    facts: Mapping[str, Any] = account.erp_session.facts if account.erp_session is not None else {}
    known = {key: facts[key] for key, kind in _FACTS.items() if key in facts and type(facts[key]) is kind}
    of_tenant = {"company_id": _number(getattr(tenant, "id", 1)), "lang": getattr(tenant, "language", "")}
    context = {**of_tenant, **known, "db": database, "partner_id": known.get("partner_id")}
    return (str(named.name) if named is not None else None), {CONTEXT: context}


def session_info(session: Session, *, version: str, base_url: str, sid: str, keys: Sequence[str]) -> dict[str, Any]:
    """The members in Odoo's order; `keys`: those of SEED_KEYS that are told."""
    kept: Mapping[str, Any] = session.context.get(CONTEXT, {})
    uid = kept.get("uid", _number(session.user_id))
    companies: dict[str, Any] = {"current_company": kept.get("company_id"), "allowed_companies": {}}
    context = {"lang": kept.get("lang") or "en_US", "tz": "UTC", "uid": uid}
    is_system = kept.get("is_system", SYSTEM in session.roles)
    told = {
        "uid": uid,
        "session_id": sid,
        "is_system": is_system,
        "is_admin": kept.get("is_admin", is_system or ADMIN in session.roles),
        "is_public": False,
        "is_internal_user": kept.get("is_internal_user"),
        "user_context": kept.get("user_context", context),
        "db": kept.get("db", ""),
        "server_version": kept.get("server_version", version),
        "server_version_info": kept.get("server_version_info", version_info(version)),
        "support_url": kept.get("support_url"),
        "name": kept.get("name", session.user),
        "username": session.user,
        "partner_display_name": kept.get("partner_display_name"),
        "company_id": kept.get("company_id"),
        "partner_id": kept.get("partner_id"),
        "user_companies": kept.get("user_companies", companies),
        "web.base.url": base_url,
        "active_ids_limit": kept.get("active_ids_limit"),
        "max_file_upload_size": kept.get("max_file_upload_size"),
    }
    left_out = (SEED_KEYS - set(keys)) | (ONLY_TOLD - kept.keys())
    return {key: value for key, value in told.items() if key not in left_out}


def _number(text: object) -> Any:
    """Ids are whole numbers in Odoo; one that is none is told as it is."""
    return int(str(text)) if str(text).isdecimal() and str(text).isascii() else text
