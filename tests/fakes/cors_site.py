"""A gateway that pages of one other origin may call with the user's session cookie: the ERP's own address."""

import pytest
from fakes.erp import Erp, answer
from fakes.gateway_process import GatewayProcess, password_hash

CONFIG = """\
logs: {{access: off, audit: off}}
identity_providers:
  staff:
    type: users
    users: [{{username: ada, id: 2, password_hash: "{hash}"}}]
logins:
  odoo: {{dialect: odoo, path: /web/session, identity_provider: staff, cors: {cors}}}
  native: {{dialect: native, path: /auth, identity_provider: staff}}
upstreams:
  erp: {{servers: ["{erp}"]}}
  down: {{servers: ["http://127.0.0.1:1"]}}
routes:
  - {{name: api, path: /api/**, upstream: erp, credentials: [bearer, cookie], cors: {cors}}}
  - {{name: read-only, path: /read/**, upstream: erp, credentials: [cookie], cors: {{origins: ["{erp}"]}}}}
  - {{name: down, path: /down/**, upstream: down, public: true, cors: {cors}}}
  - {{name: plain, path: /plain/**, upstream: erp, credentials: [cookie]}}
"""


class CorsSite:
    """`origin` is the one that is listed; `/page` there is a page."""

    def __init__(self, directory):
        self.erp = Erp()
        self.origin = self.erp.url
        cors = f'{{origins: ["{self.origin}"], credentials: true}}'
        text = CONFIG.format(hash=password_hash("password"), erp=self.erp.url, cors=cors)
        self.gateway = GatewayProcess(directory, text).start()
        self.forget()

    def forget(self):
        self.erp.forget()
        self.erp.answers["/page"] = answer(200, b"<title>page</title>", [("Content-Type", "text/html")])

    def stop(self):
        self.gateway.stop()
        self.erp.stop()


@pytest.fixture(scope="session")
def running_cors_site(tmp_path_factory):
    site = CorsSite(tmp_path_factory.mktemp("cors-site"))
    yield site
    site.stop()


@pytest.fixture
def cors_site(running_cors_site):
    running_cors_site.forget()
    return running_cors_site
