"""A browser without a screen: follows redirects, keeps cookies, and sends forms with all that stands in them."""

import re
from html.parser import HTMLParser

import aiohttp
import pytest
from fakes.admin import TOKEN

COOKIE = "gateway_console"


class Form:
    """What is sent if nothing is typed."""

    def __init__(self, attributes):
        self.action, self.method = attributes["action"], attributes["method"]
        self.fields = []
        self.buttons = []

    def holds(self, fields):
        return all((name, value) in self.fields for name, value in fields.items())


class Document(HTMLParser):
    """One page: its status, headers, text, forms, and the rows of its tables."""

    def __init__(self, status, headers, text, place):
        super().__init__()
        self.status, self.headers, self.source, self.place = status, headers, text, place
        self.forms, self.rows, self.tags, self.links = [], [], [], []
        self._words, self._written = [], None
        self.feed(text)
        self.close()

    @property
    def text(self):
        """What a reader sees."""
        return re.sub(r"\s+", " ", " ".join(self._words))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        if tag == "form":
            self.forms.append(Form(values))
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self._in_cell = True
        elif tag == "a":
            self.links.append(values["href"])
        elif tag == "input" and (values.get("type") != "checkbox" or "checked" in values):
            self.forms[-1].fields.append((values["name"], values.get("value", "")))
        elif tag == "select":
            self.forms[-1].fields.append((values["name"], None))
        elif tag == "textarea":
            self._written = values["name"]
            self.forms[-1].fields.append((values["name"], ""))
        elif tag == "option":
            name, chosen = self.forms[-1].fields[-1]
            if chosen is None or "selected" in values:
                self.forms[-1].fields[-1] = (name, values.get("value"))
                self._option = "value" not in values
            else:
                self._option = False

    def handle_endtag(self, tag):
        if tag == "textarea":
            self._written = None
        elif tag == "option":
            self._option = False
        elif tag in ("td", "th"):
            self._in_cell = False

    _option = _in_cell = False

    def handle_data(self, data):
        if self._written:
            name, before = self.forms[-1].fields[-1]
            self.forms[-1].fields[-1] = (name, before + data.removeprefix("\n"))
            return
        if self._option:
            self.forms[-1].fields[-1] = (self.forms[-1].fields[-1][0], data)
        self._words.append(data)
        if self._in_cell:
            self.rows[-1][-1] += data.strip()

    def form(self, action, **hidden):
        """The first form that goes there and holds these values."""
        return next(form for form in self.forms if form.action == action and form.holds(hidden))


class Browser:
    """Goes where it is told; `page` is what it shows."""

    def __init__(self, url):
        self.url = url
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.page = None

    async def go(self, path, **options):
        return await self._load("GET", path, **options)

    async def send(self, action, typed=None, *, headers=None, **hidden):
        """Type into a form of this page and send it; `hidden` tells it from others with the same action."""
        fields = self.page.form(action, **hidden).fields
        typed = typed or {}
        sent = [(name, value) for name, value in fields if name not in typed and value is not None]
        for name, value in typed.items():
            sent += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return await self.post(action, sent, headers=headers)

    async def post(self, action, fields, *, headers=None, **options):
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return await self._load("POST", action, data=aiohttp.FormData(fields), headers=own, **options)

    async def sign_in(self, token=TOKEN):
        await self.go("/sign-in")
        return await self.send("/sign-in", {"token": token})

    async def _load(self, method, path, **options):
        async with self.session.request(method, self.url + path, **options) as answer:
            text = await answer.text()
            self.page = Document(answer.status, answer.headers, text, answer.url.path_qs)
        return self.page

    def cookies(self):
        return {cookie.key: cookie for cookie in self.session.cookie_jar}

    async def close(self):
        await self.session.close()


@pytest.fixture
async def browse():
    """Opens browsers."""
    opened = []

    def open_(url):
        opened.append(Browser(url))
        return opened[-1]

    yield open_
    for browser in opened:
        await browser.close()


@pytest.fixture
async def visitor(admin, browse):
    """Somebody who is not signed in, at a small data path's listener."""
    browser = browse(f"http://127.0.0.1:{admin.port}")
    browser.gateway = admin.gateway
    return browser


@pytest.fixture
async def operator(visitor):
    """Somebody who is signed in."""
    await visitor.sign_in()
    return visitor
