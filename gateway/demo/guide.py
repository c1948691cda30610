"""What `gateway demo` prints: curl lines that work as they stand, in bash, with curl and sed only."""

DEMO_USER = "GardenAdmin"
DEMO_PASSWORD = "GardenAdmin"  # noqa: S105  # printed on purpose: it opens the demo data only
DEMO_API_KEY = "demo-scanner-key-0123456789abcdef"
DEMO_CLIENT = "portal"
DEMO_CLIENT_SECRET = "portal-secret"  # noqa: S105  # as above

_GUIDE = """\
# The gateway listens on {url} until Ctrl-C. In another terminal:

# Log in: both tokens are kept in shell variables
LOGIN=$(curl -sS {url}/auth/login {json} -d '{{"username": "{user}", "password": "{password}"}}')
ACCESS=$(printf %s "$LOGIN" | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
REFRESH=$(printf %s "$LOGIN" | sed 's/.*"refresh_token": *"\\([^"]*\\)".*/\\1/')

# Call the ERP with the access token; /whoami shows what the ERP is told about you
curl -sS {url}/customers -H "Authorization: Bearer $ACCESS"; echo
curl -sS {url}/whoami -H "Authorization: Bearer $ACCESS"; echo
curl -sS {url}/auth/me -H "Authorization: Bearer $ACCESS"; echo

# Without a token: 401; what is listed as anonymous is let through
curl -sS -i {url}/customers; echo
curl -sS {url}/public/ping; echo

# Refresh: a new pair, and the old refresh token is spent
LOGIN=$(curl -sS {url}/auth/refresh {json} -d '{{"refresh_token": "'"$REFRESH"'"}}')
ACCESS=$(printf %s "$LOGIN" | sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')

# A picture by URL token, as <img src="..."> asks for it: the ERP never sees the token
curl -sS -o product.png -w '%{{http_code}} %{{content_type}}\\n' "{url}/products/1.png?access_token=$ACCESS"

# An API key
curl -sS {url}/products -H 'X-API-Key: {api_key}'; echo

# OAuth2 client credentials
curl -sS {url}/oauth2/token -u {client}:{client_secret} -d grant_type=client_credentials; echo

# Log out: the session and all its tokens are dead at once
curl -sS -X POST {url}/auth/logout -H "Authorization: Bearer $ACCESS"; echo
curl -sS -i {url}/customers -H "Authorization: Bearer $ACCESS"; echo
"""


def guide(base_url: str) -> str:
    """The lines for a gateway at `base_url` (scheme and authority, no slash at the end) with the sample config."""
    return _GUIDE.format(
        json="-H 'Content-Type: application/json'",
        url=base_url.rstrip("/"),
        user=DEMO_USER,
        password=DEMO_PASSWORD,
        api_key=DEMO_API_KEY,
        client=DEMO_CLIENT,
        client_secret=DEMO_CLIENT_SECRET,
    )
