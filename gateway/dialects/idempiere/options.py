"""The switches of an idempiere login, named after iDempiere's own (SysConfig) keys; the defaults are as documented."""

from gateway.config.section import Section
from gateway.config.values import Flag, Names, Whole


class IdempiereOptions(Section):
    """The dialect's keys of a login."""

    mandatory_client_id_on_refresh: Flag = False
    """REST_MANDATORY_CLIENT_ID_ON_REFRESH: a refresh without `clientId` is refused. iDempiere's code says true."""
    mandatory_user_id_on_refresh: Flag = False
    """REST_MANDATORY_USER_ID_ON_REFRESH: the same for `userId`."""
    mandatory_organization_id: Flag = False
    """A login that could choose from several organizations has to; otherwise the first one is the default."""
    expose_jwk: Flag = False
    """IDEMPIERE_REST_EXPOSE_JWK: `GET …/jwk` shows the secret of access tokens to everybody. The store still has to
    know a token, so that nobody can make one that counts."""
    menu_tree_id: Whole = 0
    """`menuTreeId` of the answers, which the documentation does not have; 0 leaves it out."""
    login_languages: Names = ()
    """Languages that a login may ask for; empty for those of the user's clients. Others are ignored."""

    @property
    def publishes_secret(self) -> bool:
        """Whether anybody can read the secret that access tokens are signed with."""
        return self.expose_jwk
