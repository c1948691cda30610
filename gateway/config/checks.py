"""Rules between sections: every name that is used exists, no name is given twice, nothing protected is left open.

They look at the data rather than at the models, so that a mistake in one section does not hide those in others.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.config.document import Document
from gateway.config.identities import UsersOptions
from gateway.config.problems import Location, did_you_mean
from gateway.config.routes import IN_BODY
from gateway.config.schema import default_route_name
from gateway.config.section import Options
from gateway.config.store_url import SCHEMES


def check(document: Document) -> None:
    """Report what is wrong between the sections."""
    _check_users(document)
    _check_references(document)
    _check_given_once(document)
    _check_generated_secrets(document)
    _check_routes_name_logins(document)
    _check_listeners(document)


def _named(document: Document, section: str) -> dict[str, Any]:
    found = document.data.get(section)
    return found if isinstance(found, dict) else {}


def _listed(document: Document, section: str) -> Iterator[tuple[Location, dict[str, Any]]]:
    found = document.data.get(section)
    for index, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, dict):
            yield (section, index), item


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _check_users(document: Document) -> None:
    for name, provider in _named(document, "identity_providers").items():
        if isinstance(provider, dict) and provider.get("type") == "users":
            options = Options((key, value) for key, value in provider.items() if key != "type")
            document.bind(UsersOptions, options, ("identity_providers", name))


def _check_references(document: Document) -> None:
    providers, logins = _named(document, "identity_providers"), _named(document, "logins")
    kids = [key.get("kid") for _, key in _listed(document, "signing_keys")]
    for name, login in logins.items():
        if isinstance(login, dict):
            at: Location = ("logins", name)
            _one(document, (*at, "identity_provider"), login, "identity provider", providers)
            _one(document, (*at, "signing_key"), login, "signing key", [kid for kid in kids if isinstance(kid, str)])
    for name, provider in providers.items():
        if isinstance(provider, dict):
            _one(
                document, ("identity_providers", name, "upstream"), provider, "upstream", _named(document, "upstreams")
            )
    for at, route in _listed(document, "routes"):
        _one(document, (*at, "upstream"), route, "upstream", _named(document, "upstreams"))
        _one(document, (*at, "errors"), route, "login", logins)
        _many(document, (*at, "logins"), route, "login", logins)
    for at, client in _listed(document, "clients"):
        _many(document, (*at, "logins"), client, "login", logins)
    names = [name for _, name in _route_names(document)]
    for at, key in _listed(document, "api_keys"):
        _many(document, (*at, "routes"), key, "route", names)


def _one(document: Document, where: Location, holder: dict[str, Any], kind: str, known: Iterable[str]) -> None:
    _known(document, where, holder.get(str(where[-1])), kind, known)


def _many(document: Document, where: Location, holder: dict[str, Any], kind: str, known: Iterable[str]) -> None:
    values = holder.get(str(where[-1]))
    for index, value in enumerate(values if isinstance(values, list) else ()):
        _known(document, (*where, index), value, kind, known)


def _known(document: Document, where: Location, value: object, kind: str, known: Iterable[str]) -> None:
    if isinstance(value, str) and value and value not in known:
        document.report(where, f'no {kind} named "{value}"{did_you_mean(value, known)}')


def _route_names(document: Document) -> Iterator[tuple[Location, str]]:
    for at, route in _listed(document, "routes"):
        name = route.get("name", default_route_name(int(at[1])))
        if isinstance(name, str):
            yield ((*at, "name") if "name" in route else at), name


def _check_given_once(document: Document) -> None:
    _once(document, "route", _route_names(document))
    for section, key, kind in (
        ("clients", "id", "client"),
        ("api_keys", "id", "API key"),
        ("api_keys", "hash", "API key with this hash"),
        ("signing_keys", "kid", "signing key"),
    ):
        _once(document, kind, (((*at, key), item[key]) for at, item in _listed(document, section) if key in item))
    mounted = (
        (("logins", name, "path"), f"{login.get('path')} in {login.get('dialect')} for {sorted(hosts)}")
        for name, login in _named(document, "logins").items()
        if isinstance(login, dict) and (hosts := _texts(login.get("hosts"))) is not None
    )
    _once(document, "login on this path", mounted)


def _once(document: Document, kind: str, named: Iterable[tuple[Location, object]]) -> None:
    seen: set[str] = set()
    for where, name in named:
        if isinstance(name, str) and name in seen:
            document.report(where, f"there is another {kind}" + ("" if " " in kind else f' named "{name}"'))
        seen.add(str(name))


def _check_generated_secrets(document: Document) -> None:
    """Only the embedded store's directory can keep a secret that nobody wrote down."""
    store = _named(document, "store")
    url = store.get("url", "")
    if not isinstance(url, str) or url.partition("://")[0] not in set(SCHEMES) - {"embedded"}:
        return
    why = "with a Redis url nothing can be generated: every gateway on it needs the same one"
    if not (store.get("encryption_key") or store.get("encryption_key_file")):
        document.report(("store", "encryption_key"), f"is empty; {why}")
    if not document.data.get("signing_keys"):
        document.report(("signing_keys",), f"is empty; {why}")
    for at, key in _listed(document, "signing_keys"):
        if str(key.get("algorithm")).startswith("HS") and not (key.get("secret") or key.get("secret_file")):
            document.report((*at, "secret"), f"is empty; {why}")


def _check_routes_name_logins(document: Document) -> None:
    """A user is (identity provider, id): with several providers a route must say whose users it means."""
    logins = [login for login in _named(document, "logins").values() if isinstance(login, dict)]
    providers = {str(login.get("identity_provider")) for login in logins}
    if len(providers) < 2:
        return
    for at, route in _listed(document, "routes"):
        if (
            not route.get("logins")
            and not _is_open(route)
            and not IN_BODY.intersection(_texts(route.get("credentials")))
        ):
            document.report(at, "must name its `logins`: they use more than one identity provider")


def _is_open(route: dict[str, Any]) -> bool:
    """No credential is ever asked for on this route."""
    if str(route.get("public")).lower() == "true":
        return True
    path, entries = route.get("path"), _texts(route.get("anonymous"))
    whole = {f"{method} {path}" for method in _texts(route.get("methods"))}
    return path in entries or "/**" in entries or (bool(whole) and whole <= set(entries))


def _check_listeners(document: Document) -> None:
    server = _named(document, "server").get("listen", "127.0.0.1:8080")
    admin = _named(document, "admin").get("listen", "127.0.0.1:8081")
    if isinstance(server, str) and server == admin and not server.endswith(":0"):
        document.report(("admin", "listen"), "is the public listener's address, too")
