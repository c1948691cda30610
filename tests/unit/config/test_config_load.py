from pathlib import Path

import pytest
import yaml
from fakes.configs import HASH, MINIMAL, USERS

from gateway.config import load as loading
from gateway.config.load import load, load_admin_address, load_place, read_tree
from gateway.config.problems import ConfigRefused

ROOT = Path(__file__).resolve().parents[3]


def with_server(line):
    return MINIMAL + f"server: {line}\n"


def with_route(line):
    return MINIMAL.replace("upstream: odoo}", f"upstream: odoo, {line}}}")


BAD = {
    # Not a YAML mapping at all.
    "an empty file": ("", ["1:1: is empty"]),
    "only a comment": ("# later\n", ["1:1: is empty"]),
    "only a null": ("~\n", ["1:1: is empty"]),
    "only blanks": ("\n  \n", ["1:1: is empty"]),
    "a list": ("- a\n", ["1:1: must be a mapping of sections, such as server, upstreams and routes"]),
    "a text": ("hello\n", ["1:1: must be a mapping of sections, such as server, upstreams and routes"]),
    "a second document": (MINIMAL + "---\na: 1\n", ["5:1: a second document begins here"]),
    "bytes that are no UTF-8": (b"a: caf\xe9\n", ["1:7: is not UTF-8 text"]),
    "UTF-16": ("upstreams: {}\n".encode("utf-16"), ["1:1: is not UTF-8 text"]),
    "a NUL": (b"a: b\0\n", ["1:5: holds a character that YAML does not allow"]),
    # Cut off.
    "cut within a quoted text": (MINIMAL + 'server: {listen: "127.0', ["is not YAML: while scanning a quoted scalar"]),
    "cut within braces": (MINIMAL + "server: {listen: localhost:1", ["is not YAML: while parsing a flow mapping"]),
    "cut after a key": (MINIMAL + "server:", ["5:8: server: has no value"]),
    "cut before the routes": (MINIMAL.partition("routes")[0], ["1:1: routes: is missing"]),
    "a brace that is never closed": (
        MINIMAL + "logs: {\nadmin: {}\n",
        ["7:1: is not YAML: while parsing a flow mapping (begun on line 5) did not find"],
    ),
    "cut within a word": (MINIMAL + "logs: {access: stdo", ["is not YAML"]),
    # Written wrongly.
    "a tab as indentation": (
        "server:\n\tlisten: x\n",
        ["2:1: is not YAML: while scanning for the next token found character that cannot start any token; indent"],
    ),
    "a missing quote": (MINIMAL + "server: {listen: '127.0.0.1:8080}\n", ["is not YAML"]),
    "wrong indentation": ("upstreams:\n  a: 1\n c: 2\n", ["is not YAML"]),
    "an unquoted variable in braces": (
        with_server("{listen: ${LISTEN}}"),
        ['5:18: quote it: between braces or brackets write "${…}" in quotes'],
    ),
    "an unquoted variable in brackets": (
        with_server("{trusted_proxies: [${A}, ${B}]}"),
        ["5:28: quote it"],
    ),
    "an unquoted hash in braces": (
        MINIMAL + f"clients:\n  - {{id: portal, secret_hash: {HASH}, grants: [password]}}\n",
        ["6:31: clients[0].secret_hash: quote it: between braces or brackets a comma ends an unquoted hash"],
    ),
    "an unquoted password with a comma in braces": (
        MINIMAL + "store: {password: first,second, username: gw}\n",
        ["5:25: store: a key without a value; if the value before it holds a comma, quote it"],
    ),
    "no blank behind a colon": (with_route("public:true"), ["behind a key's colon stands a blank"]),
    "an at sign at the start": (with_server("{listen: @all}"), ["any token; quote a value that begins with '@'"]),
    # Tags, anchors, aliases.
    "a Python tag": (with_server("!!python/object/apply:os.system ['true']"), ["5:9: server: tags are not allowed"]),
    "a binary tag": (with_server("{public_url: !!binary aGk=}"), ["tags are not allowed"]),
    "a string tag": (with_server("{workers: !!str 1}"), ["tags are not allowed"]),
    "a tag of one's own": (with_server("!include other.yaml"), ["tags are not allowed"]),
    "an alias to nothing": (with_server("*nothing"), ["5:9: server: there is no such anchor"]),
    "an anchor that holds itself": ("x-a: &a [*a]\n" + MINIMAL, ["1:10: x-a[0]: an anchor that holds itself"]),
    "an anchor defined twice": ("x-a: &a 1\nx-b: &a 2\n" + MINIMAL, ['2:6: x-b: the anchor "a" is defined twice']),
    "an alias bomb": (
        "x-a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"x-{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + MINIMAL,
        ["aliases stand for more than 100000 values"],
    ),
    "merging what is no mapping": (
        "x-a: &a [1]\n" + MINIMAL + "server: {<<: *a}\n",
        ["6:10: server: << takes a mapping or a list of mappings"],
    ),
    "merging twice": (
        "x-a: &a {public_url: ''}\n" + MINIMAL + "server: {<<: *a, <<: *a}\n",
        ["6:18: server: is written twice; merge several mappings with << : [*one, *two]"],
    ),
    "brackets nested without end": ("x-a: " + "[" * 5000 + "\n" + MINIMAL, ["is nested more than 50 levels deep"]),
    # Keys.
    "a key twice": (
        MINIMAL + "logs: {level: info}\nlogs: {level: debug}\n",
        ["6:1: logs: is written twice, first on line 5"],
    ),
    "a key twice, deep down": (
        with_server("{limits: {connections: 1, connections: 2}}"),
        ["5:35: server.limits.connections: is written twice, first on line 5"],
    ),
    "an upstream twice": (
        MINIMAL.replace("routes:", '  odoo: {servers: ["http://h"]}\nroutes:'),
        ["3:3: upstreams.odoo: is written twice, first on line 2"],
    ),
    "a list as a key": ("? [a]\n: 1\n" + MINIMAL, ["1:3: a key must be a plain text"]),
    "a null as a key": ("~: 1\n" + MINIMAL, ["1:1: a key must be a plain text"]),
    "an unknown section": (MINIMAL + "upstream: {}\n", ['5:1: upstream: unknown key; did you mean "upstreams"?']),
    "an unknown key": (with_server("{lisen: x:1}"), ['5:10: server.lisen: unknown key; did you mean "listen"?']),
    "an unknown key in a list": (
        with_route("rquire: {roles: [a]}"),
        ['4:44: routes[0].rquire: unknown key; did you mean "require"?'],
    ),
    "an anchor key below the top": (with_server("{x-more: 1}"), ["5:10: server.x-more: unknown key"]),
    # The foot-guns of YAML 1.1.
    "no for false": (with_route("public: no"), ["4:52: routes[0].public: must be true or false"]),
    "on for true": (with_route("public: on"), ["must be true or false"]),
    "one for true": (with_route("public: 1"), ["must be true or false"]),
    "octal": (with_server("{limits: {connections: 010}}"), ["must be a whole number in plain decimal digits"]),
    "hexadecimal": (with_server("{limits: {connections: 0x10}}"), ["must be a whole number in plain decimal digits"]),
    "underscores": (with_server("{limits: {connections: 1_000}}"), ["must be a whole number in plain decimal digits"]),
    "an exponent": (with_server("{limits: {connections: 1e3}}"), ["must be a whole number in plain decimal digits"]),
    "a fraction": (with_server("{limits: {connections: 1.0}}"), ["must be a whole number in plain decimal digits"]),
    "base sixty": (with_server("{timeouts: {idle: 1:30}}"), ["must be a duration with its unit"]),
    "a duration without a unit": (with_server("{timeouts: {idle: 30}}"), ["must be a duration with its unit"]),
    "infinity": (with_server("{timeouts: {idle: .inf}}"), ["must be a duration with its unit"]),
    "a decimal megabyte": (with_server("{limits: {body_bytes: 10MB}}"), ["must be a size in bytes"]),
    "a null among values": (with_server("{public_url: null}"), ["5:22: server.public_url: has no value"]),
    "a null in a list": (with_route("hosts: [a, ~]"), ["routes[0].hosts[1]: has no value"]),
    # Shapes.
    "a text for a section": (with_server("on"), ["5:9: server: must be a mapping of keys to values"]),
    "a mapping for a list": (MINIMAL + "api_keys: {id: a}\n", ["5:11: api_keys: must be a list"]),
    "a text for a list": (with_route("methods: GET"), ["routes[0].methods: must be a list"]),
    "a list for a text": (with_server("{listen: [a]}"), ["must be host:port"]),
    "a mapping for a text": (with_route("errors: {a: b}"), ["routes[0].errors: must be a single value"]),
    "a text for a mapping": (MINIMAL.replace("{servers:", "x #{servers:"), ["upstreams.odoo: must be a mapping"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_the_place_of_its_mistake(refused, case):
    text, expected = BAD[case]

    problems = refused(text)

    for words in expected:
        assert any(words in problem for problem in problems), problems
    assert len(problems) == len(expected), problems


@pytest.mark.parametrize("case", BAD)
def test_the_parser_in_python_refuses_the_same_files(refused, case, monkeypatch):
    """Where PyYAML has no C parser, the same mistakes are found."""
    monkeypatch.setattr(loading, "_LOADER", yaml.SafeLoader)

    assert refused(BAD[case][0])


def test_the_sample_configuration_loads_without_a_warning():
    loaded = load(ROOT / "config.yaml", {})

    assert loaded.warnings == []
    assert [route.name for route in loaded.config.routes][:2] == ["public", "products"]


def test_the_sample_configuration_never_loads_when_cut_before_its_first_route_is_whole(load_text):
    text = (ROOT / "config.yaml").read_text()
    first_route = text.index("upstream: demo", text.index("routes:\n"))

    for end in range(0, first_route, 41):
        with pytest.raises(ConfigRefused):
            load_text(text[:end])


def test_a_file_whose_last_line_does_not_end_is_warned_of(warned):
    assert "the last line does not end" in warned(MINIMAL.rstrip())[0]


def test_a_file_in_braces_may_end_without_a_line_break(warned):
    text = '{"upstreams": {"odoo": {"servers": ["http://h"]}}, "routes": [{"path": "/**", "upstream": "odoo"}]}'

    assert warned(text) == []


def test_all_problems_of_all_sections_are_reported_at_once_in_file_order(refused):
    text = (
        "server: {listen: nowhere, workers: 0}\n"
        "admin: {listen: 0.0.0.0:8081}\n"
        "store: {url: redi://x}\n"
        "logins:\n"
        "  native: {dialect: nat/e, path: /auth/, identity_provider: staff}\n"
        + MINIMAL.replace("upstream: odoo", "upstream: oddo")
    )

    assert [problem.split(": ")[:2] for problem in refused(text)] == [
        ["1:18", "server.listen"],
        ["1:36", "server.workers"],
        ["2:8", "admin.token"],
        ["3:14", "store.url"],
        ["5:21", "logins.native.dialect"],
        ["5:34", "logins.native.path"],
        ["5:61", "logins.native.identity_provider"],
        ["9:38", "routes[0].upstream"],
    ]


def test_a_problem_reads_as_the_contract_shows_it(refused):
    text = MINIMAL.replace("upstream: odoo", "upstream: oddo")

    assert refused(text) == ['4:38: routes[0].upstream: no upstream named "oddo"; did you mean "odoo"?']


def test_values_that_yaml_takes_for_something_else_stay_text_where_text_is_meant(load_text):
    text = MINIMAL + USERS.replace("GardenAdmin", "no").replace("101", "0101").replace(
        "[sales]", "[on, 1e3, 2027-01-01]"
    )

    options = load_text(text).config.identity_providers["staff"].options

    assert options["users"][0]["username"] == "no"
    assert options["users"][0]["id"] == "0101"
    assert options["users"][0]["roles"] == ["on", "1e3", "2027-01-01"]


def test_anchors_and_merge_keys_work_and_written_keys_win(load_text):
    text = """\
        x-timeouts: &timeouts {connect: 1s, response: 5s}
        x-more: &more {idle: 7s, connect: 9s}
        upstreams:
          a: {servers: ["http://a"], timeouts: *timeouts}
          b: {servers: ["http://b"], timeouts: {<<: [*timeouts, *more], response: 6s}}
        routes:
          - {path: /a/**, upstream: a}
          - {path: /b/**, upstream: b}
        """

    upstreams = load_text(text).config.upstreams

    assert upstreams["a"].timeouts.response == 5.0
    assert (upstreams["b"].timeouts.connect, upstreams["b"].timeouts.response, upstreams["b"].timeouts.idle) == (
        1,
        6,
        7,
    )


def test_variables_in_unused_anchors_are_not_asked_for(load_text):
    load_text("x-later: {token: '${NOT_SET}'}\n" + MINIMAL)


def test_an_unreadable_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(ConfigRefused) as refusal:
        load(tmp_path / "missing.yaml", {})

    assert str(refusal.value) == f"{tmp_path}/missing.yaml: cannot be read: No such file or directory"


def test_a_directory_is_no_configuration(tmp_path):
    with pytest.raises(ConfigRefused, match="cannot be read: Is a directory"):
        load(tmp_path, {})


def test_a_runaway_file_is_refused_before_it_is_parsed(refused, monkeypatch):
    monkeypatch.setattr(loading, "MAX_FILE_BYTES", 100)

    assert "is larger than 100 bytes" in refused(MINIMAL)[0]


def test_a_byte_order_mark_is_no_obstacle(load_text):
    load_text(b"\xef\xbb\xbf" + MINIMAL.encode())


def test_a_tree_knows_line_and_column_of_every_value():
    tree = read_tree("a:\n  - b: c\n", "f")

    assert (tree.entries["a"].value.items[0].entries["b"].value.mark.line) == 2
    assert (tree.entries["a"].value.items[0].entries["b"].value.mark.column) == 8


def test_the_place_of_a_gateway_is_found_in_a_file_that_is_faulty_elsewhere(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("admin: {listen: '127.0.0.1:9999'}\nroutes: 7\nsignin: '${NOT_SET}'\n")

    admin, store, base = load_place(path, {"GATEWAY_STORE_URL": "embedded://elsewhere"})

    assert (admin.listen.port, store.url, base) == (9999, "embedded://elsewhere", tmp_path)


def test_a_faulty_place_is_refused_without_the_faults_of_other_sections(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("admin: {listen: nowhere}\nserver:\n")

    with pytest.raises(ConfigRefused) as refusal:
        load_place(path, {})

    assert [problem.where for problem in refusal.value.problems] == ["admin.listen"]


def test_where_health_is_asked_is_found_without_any_secret(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("admin: {listen: '0.0.0.0:9000', token: '${NOT_SET}'}\nroutes: nonsense\n")

    assert str(load_admin_address(path, {})) == "0.0.0.0:9000"
    assert str(load_admin_address(path, {"GATEWAY_ADMIN_LISTEN": "127.0.0.1:9001"})) == "127.0.0.1:9001"
    path.write_text("routes: []\n")
    assert str(load_admin_address(path, {})) == "127.0.0.1:8081"


def test_a_fault_where_health_is_asked_is_told(tmp_path):
    path = tmp_path / "config.yaml"
    for section in ("{listen: nowhere}", "{listen: '${NOT_SET}'}", "nonsense"):
        path.write_text(f"admin: {section}\n")

        with pytest.raises(ConfigRefused) as refused:
            load_admin_address(path, {})
        assert all(problem.where.startswith("admin") for problem in refused.value.problems)
