from fakes.configs import MINIMAL

from gateway.config.overrides import scalar_paths, variable


def test_a_variable_overrides_the_file_and_a_flag_overrides_both(load_text):
    text = MINIMAL + "server: {listen: 127.0.0.1:1}\n"

    assert load_text(text).config.server.listen.port == 1
    assert load_text(text, {"GATEWAY_SERVER_LISTEN": "127.0.0.1:2"}).config.server.listen.port == 2
    assert (
        load_text(
            text, {"GATEWAY_SERVER_LISTEN": "127.0.0.1:2"}, {"server.listen": "127.0.0.1:3"}
        ).config.server.listen.port
        == 3
    )


def test_sections_that_are_not_written_can_be_overridden(load_text):
    environ = {
        "GATEWAY_SERVER_TIMEOUTS_IDLE": "7s",
        "GATEWAY_SERVER_LIMITS_BODY_BYTES": "1KiB",
        "GATEWAY_STORE_KEY_PREFIX": "erp:",
        "GATEWAY_ADMIN_TOKEN": "0123456789abcdef0123456789abcdef",
    }

    config = load_text(MINIMAL, environ).config

    assert config.server.timeouts.idle == 7.0
    assert config.server.limits.body_bytes == 1024
    assert config.store.key_prefix == "erp:"
    assert config.admin.token.reveal().startswith("0123")


def test_an_override_replaces_the_twin_too(load_text):
    text = MINIMAL + "store: {password_file: gone}\nadmin: {token: short}\n"
    environ = {"GATEWAY_STORE_PASSWORD": "hush", "GATEWAY_ADMIN_TOKEN_FILE": "token"}

    config = load_text(text, environ, files={"token": "from-the-file"}).config

    assert config.store.password.reveal() == "hush"
    assert config.admin.token.reveal() == "from-the-file"


def test_an_override_is_taken_literally(load_text):
    environ = {"GATEWAY_STORE_USERNAME": "null", "GATEWAY_STORE_PASSWORD": "${HOME}"}

    config = load_text(MINIMAL, environ).config

    assert config.store.username == "null"
    assert config.store.password.reveal() == "${HOME}"


def test_an_override_does_not_leak_through_a_shared_anchor(load_text):
    text = "x-t: &t {idle: 3s}\nserver: {timeouts: *t}\n" + MINIMAL.replace('8069"]', '8069"], timeouts: *t')

    config = load_text(text, {"GATEWAY_SERVER_TIMEOUTS_IDLE": "9s"}).config

    assert config.server.timeouts.idle == 9.0
    assert config.upstreams["odoo"].timeouts.idle == 3.0


def test_a_bad_override_is_refused_under_its_own_name(refused):
    problems = refused(MINIMAL, {"GATEWAY_SERVER_LISTEN": "", "GATEWAY_SERVER_WORKERS": "many"}, {"store.timeout": "5"})

    address = "must be host:port, such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080, quoted"
    assert problems == [
        f"GATEWAY_SERVER_LISTEN: server.listen: {address}",
        "GATEWAY_SERVER_WORKERS: server.workers: must be 1 to 256, or auto",
        "flag store.timeout: store.timeout: must be a duration with its unit, such as 500ms, 15s, 10m, 1h or 30d",
    ]


def test_a_list_is_not_overridden(refused):
    problems = refused(MINIMAL, {"GATEWAY_SERVER_TRUSTED_PROXIES": "10.0.0.0/8"}, {"admin.hosts": "erp.example"})

    assert problems == [
        "GATEWAY_SERVER_TRUSTED_PROXIES: server.trusted_proxies: is a list; only single values can be overridden",
        "flag admin.hosts: admin.hosts: is a list; only single values can be overridden",
    ]


def test_an_unknown_flag_is_refused_with_the_nearest_one(refused):
    assert refused(MINIMAL, flags={"server.lisen": "x"}) == [
        'flag server.lisen: sets nothing; did you mean "server.listen"?'
    ]


def test_an_unknown_variable_is_warned_of_because_kubernetes_sets_some(warned):
    warnings = warned(MINIMAL, {"GATEWAY_SERVER_LISEN": "x", "GATEWAY_ADMIN_PORT_8081_TCP": "tcp://10.0.0.1:8081"})

    assert warnings == [
        "GATEWAY_ADMIN_PORT_8081_TCP: sets nothing",
        'GATEWAY_SERVER_LISEN: sets nothing; did you mean "GATEWAY_SERVER_LISTEN"?',
    ]


def test_variables_of_others_are_left_alone(warned):
    assert warned(MINIMAL, {"GATEWAY_HOST": "x", "GATEWAY_ROUTES_0_PATH": "/", "PATH": "/bin"}) == []


def test_no_two_keys_share_a_variable():
    names = [variable(path) for path in scalar_paths()]

    assert len(set(names)) == len(names)
