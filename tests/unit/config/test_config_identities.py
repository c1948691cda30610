import pytest
from fakes.configs import HASH, MINIMAL, USERS

from gateway.config.identities import UsersOptions, canonical_username


def users(*lines):
    listed = "".join(f"      - {line}\n" for line in lines)
    return MINIMAL + "identity_providers:\n  staff:\n    type: users\n    users:\n" + listed


def user(**changes):
    pairs = {"username": "Ann", "password_hash": f'"{HASH}"', "id": "1"} | changes
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"


def in_tenant(roles):
    return f"[{{id: 9, name: t, roles: [{roles}]}}]"


def in_role(organizations):
    return in_tenant(f"{{id: 8, name: r, organizations: [{organizations}]}}")


def in_organization(warehouses):
    return in_role(f"{{id: 7, name: o, warehouses: [{warehouses}]}}")


def test_the_options_of_listed_users_are_bound_by_assembly(load_text):
    loaded = load_text(MINIMAL + USERS)

    options = loaded.bind(
        UsersOptions, loaded.config.identity_providers["staff"].options, ("identity_providers", "staff")
    )

    assert options.users[0].username == "GardenAdmin"
    assert options.users[0].id == "101"
    assert options.users[0].roles == ("sales",)
    assert options.users[0].type == "user"


@pytest.mark.parametrize("name", ["ANN", "ann", "\uff21nn"])
def test_two_spellings_of_one_name_are_one_user(refused, name):
    problems = refused(users(user(), user(username=f'"{name}"', id="2")))

    assert problems == [f'9:7: identity_providers.staff.users: lists the username "{canonical_username(name)}" twice']


def test_two_users_do_not_share_an_id(refused):
    assert 'lists the id "1" twice' in refused(users(user(), user(username="Bob")))[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pasword_hash": "x"}, 'unknown key; did you mean "password_hash"?'),
        ({"type": "admin"}, "must be one of user, application"),
        ({"roles": "sales"}, "must be a list"),
        ({"tenants": "[{id: 1}]"}, "users[0].tenants[0].name: is missing"),
        ({"tenants": "[{id: 1, name: a}, {id: 2, name: a}]"}, 'lists the tenant "a" twice'),
        ({"tenants": "[{id: 1, name: a}, {id: 1, name: b}]"}, 'lists the tenant id "1" twice'),
        ({"tenants": in_tenant("{id: 1, name: a}, {id: 1, name: b}")}, 'lists the role id "1" twice'),
        ({"tenants": in_role("{id: 1, name: a}, {id: 1, name: b}")}, 'lists the organization id "1" twice'),
        ({"tenants": in_organization("{id: 1, name: a}, {id: 1, name: b}")}, 'lists the warehouse id "1" twice'),
        ({"password_hash": '""'}, "password_hash: is empty"),
        ({"username": '"a\\nb"'}, "username: holds a line break"),
    ],
)
def test_a_user_that_is_not_listed_right_is_refused(refused, changes, expected):
    assert any(expected in problem for problem in refused(users(user(**changes))))


def test_no_users_is_no_way_to_let_everyone_in(refused):
    text = MINIMAL + "identity_providers: {staff: {type: users, users: []}}\n"

    assert refused(text) == ["5:50: identity_providers.staff.users: is empty"]


@pytest.mark.parametrize("kind", ["odoo", "idempiere", "itempath", "jmix", "tryton"])
def test_a_provider_that_signs_in_to_an_erp_names_its_upstream(load_text, refused, kind):
    text = MINIMAL + f"identity_providers: {{erp: {{type: {kind}, upstream: odoo, anything: its own}}}}\n"

    assert load_text(text).config.identity_providers["erp"].type == kind
    assert refused(text.replace("upstream: odoo, any", "upstream: oddo, any")) == [
        f'5:{46 + len(kind)}: identity_providers.erp.upstream: no upstream named "oddo"; did you mean "odoo"?'
    ]


def test_a_provider_type_is_a_name(refused):
    text = MINIMAL + "identity_providers: {erp: {type: us/rs}}\n"

    assert "identity_providers.erp.type" in refused(text)[0]


def test_a_password_hash_may_come_from_a_file(load_text):
    text = users("{username: Ann, password_hash_file: ann.hash, id: 1}")

    loaded = load_text(text, files={"ann.hash": HASH + "\n"})

    assert "ann.hash" in {path.name for path in loaded.files}


def test_a_hash_does_not_show_in_the_repr_of_the_options(load_text):
    assert HASH not in repr(load_text(MINIMAL + USERS).config)
