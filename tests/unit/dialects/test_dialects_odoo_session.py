"""What session_info tells, and where it is taken from."""

from dataclasses import replace

import pytest
from fakes.still_broker import ACCOUNT, SESSION

from gateway.dialects.odoo_session import chosen, major, session_info, version_info
from gateway.model import ErpSession


class Tenant:
    def __init__(self, number, name, language=""):
        self.id, self.name, self.language = number, name, language


def told(account, database="prod", *, session=SESSION, keys=("session_id", "company_id"), version="18.0"):
    _, context = chosen(account, database)
    session = replace(session, context=context)
    return session_info(session, version=version, base_url="https://gate.example", sid="SID", keys=keys)


def test_a_listed_user_is_told_in_odoos_order():
    assert list(told(ACCOUNT).items()) == [
        ("uid", 101),
        ("session_id", "SID"),
        ("is_system", False),
        ("is_admin", False),
        ("is_public", False),
        ("user_context", {"lang": "en_US", "tz": "UTC", "uid": 101}),
        ("db", "prod"),
        ("server_version", "18.0"),
        ("server_version_info", [18, 0, 0, "final", 0, ""]),
        ("name", "ada"),
        ("username", "ada"),
        ("company_id", 1),
        ("partner_id", None),
        ("user_companies", {"current_company": 1, "allowed_companies": {}}),
        ("web.base.url", "https://gate.example"),
    ]


@pytest.mark.parametrize(("keys", "missing"), [((), {"session_id", "company_id"}), (("company_id",), {"session_id"})])
def test_what_odoo_no_longer_tells_can_be_left_out(keys, missing):
    assert {"session_id", "company_id"} - set(told(ACCOUNT, keys=keys)) == missing


def test_the_tenant_named_like_the_database_is_meant():
    account = replace(ACCOUNT, tenants=(Tenant("7", "prod", "de_DE"), Tenant("8", "test")))

    assert chosen(account, "prod")[0] == "prod"
    assert chosen(account, "neither")[0] is None
    assert told(account, "test")["company_id"] == 8
    assert told(account, "prod")["user_context"]["lang"] == "de_DE"


def test_the_only_tenant_is_the_company_whatever_the_database():
    account = replace(ACCOUNT, tenants=(Tenant("11", "GardenWorld"),))

    assert chosen(account, "prod")[0] is None
    assert told(account)["company_id"] == 11


@pytest.mark.parametrize(
    ("roles", "is_system", "is_admin"),
    [(("base.group_system",), True, True), (("base.group_erp_manager",), False, True), (("sales",), False, False)],
)
def test_odoos_own_groups_make_administrators(roles, is_system, is_admin):
    info = told(ACCOUNT, session=replace(SESSION, roles=roles))

    assert (info["is_system"], info["is_admin"]) == (is_system, is_admin)


def test_what_the_erp_said_of_the_user_counts_and_nothing_of_another_type_or_name():
    facts = {"uid": 2, "company_id": 5, "is_admin": True, "name": "Mitchell", "partner_id": "3", "password": "x"}
    account = replace(ACCOUNT, erp_session=ErpSession(facts=facts))

    info = told(account)

    assert (info["uid"], info["company_id"], info["is_admin"], info["name"]) == (2, 5, True, "Mitchell")
    assert info["user_context"]["uid"] == 2
    assert info["partner_id"] is None
    assert "password" not in info


def test_what_newer_versions_tell_is_told_where_the_erp_did():
    facts = {"is_internal_user": True, "partner_display_name": "M", "active_ids_limit": 20000}
    account = replace(ACCOUNT, erp_session=ErpSession(facts={**facts, "max_file_upload_size": "much"}))

    info = told(account)

    assert {key: info[key] for key in facts} == facts
    assert list(info)[4:7] == ["is_public", "is_internal_user", "user_context"]
    assert not {"max_file_upload_size", "support_url"} & info.keys()


def test_an_id_that_is_no_number_is_told_as_it_is():
    assert told(ACCOUNT, session=replace(SESSION, user_id="a-1"))["uid"] == "a-1"


def test_a_session_without_a_context_is_told_all_the_same():
    info = session_info(SESSION, version="17.0", base_url="", sid="", keys=())

    assert (info["uid"], info["db"]) == (101, "")


@pytest.mark.parametrize(
    ("version", "info", "serie"),
    [("18.0", [18, 0], 18), ("12.0", [12, 0], 12), ("saas~17.4", ["saas~17", 4], 17)],
)
def test_a_version_is_told_in_parts(version, info, serie):
    assert version_info(version) == [*info, 0, "final", 0, ""]
    assert major(version) == serie


@pytest.mark.parametrize("version", ["", "18", "x", "18.0.1", "18.x", "0.1"])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(ValueError, match="a version of Odoo"):
        version_info(version)
