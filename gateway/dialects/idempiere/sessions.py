"""What a session keeps of the choice it was opened for, what becomes of it at a refresh, and what the answer tells."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.dialects.idempiere.clients import Client, Role, are_listed, clients_of
from gateway.dialects.idempiere.numbers import number_of, user_number
from gateway.dialects.idempiere.selection import Selected
from gateway.dialects.idempiere.tokens import NO_WAREHOUSE
from gateway.model import Account, Choice, Session, TokenPair


def choice_of(account: Account, chosen: Selected, more: Mapping[str, str] | None = None) -> Choice:
    """What the broker opens a session for; `more` is kept in its context, too."""
    context = {
        "tenant": chosen.client.key,
        "role": chosen.role.key,
        "organization": chosen.organization.key,
        "warehouse": chosen.warehouse.key if chosen.warehouse else NO_WAREHOUSE,
        "language": chosen.language,
        **(more or {}),
    }
    roles = _roles(account, chosen.client, chosen.role)
    return Choice(tenant=chosen.client.tenant, roles=roles, context=context, left_open=chosen.left_open)


def as_listed_now(session: Session, account: Account) -> Session | None:
    """The session with what its choice is worth today; None where it is not to be had any more."""
    context = session.context
    if "role" not in context or not are_listed(account):
        return session
    for client in clients_of(account):
        for role in client.open_roles:
            for organization in role.organizations:
                if (client.key, role.key, organization.key) == _keys(context):
                    there = context["warehouse"] in {each.key for each in organization.warehouses}
                    context = context if there else {**context, "warehouse": NO_WAREHOUSE}
                    roles = _roles(account, client, role)
                    return replace(session, context=context, roles=roles, tenant=client.tenant)
    return None


def renewed(session: Session, account: Account) -> Session | None:
    """The session from its refresh on; None where what was chosen is not to be had any more.

    It forgets the list of clients, so that what comes of a refresh chooses nothing: iDempiere does the same.
    """
    context = {name: value for name, value in session.context.items() if name != "clients"}
    return as_listed_now(replace(session, context=context), account)


def final_answer(pair: TokenPair, chosen: Selected, menu_tree_id: int) -> dict[str, Any]:
    """The answer of a finished login. Ids that the client sent itself are not told again."""
    resolved, context = dict(chosen.resolved), pair.session.context
    client = {"clientId": resolved.pop("clientId")} if "clientId" in resolved else {}
    menu = context.get("menu_tree") or menu_tree_id
    if "warehouse" in chosen.left_open:  # an ERP that was signed in to may have another default
        resolved.pop("warehouseId", None)
        warehouse = context.get("warehouse", NO_WAREHOUSE)
        resolved |= {} if warehouse == NO_WAREHOUSE else {"warehouseId": number_of(warehouse)}
    return {
        **client,
        "userId": user_number(pair.session),
        **resolved,
        "language": context.get("language", chosen.language),
        **({"menuTreeId": menu} if menu else {}),
        "token": pair.access_token,
        "refresh_token": pair.refresh_token,
    }


def _keys(context: Mapping[str, Any]) -> tuple[Any, ...]:
    return context["tenant"], context["role"], context["organization"]


def _roles(account: Account, client: Client, role: Role) -> tuple[str, ...]:
    """The user's own, and the chosen one by its name where there was something to choose."""
    return tuple(dict.fromkeys((*account.roles, *((role.name,) if client.tenant else ()))))
