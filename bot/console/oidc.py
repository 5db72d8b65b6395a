"""Sign-in with an OpenID Connect provider: authorization code with PKCE, state and nonce; the token's signature and claims are checked.

Calls go over the network and are made in a thread (`asyncio.to_thread`), never on web's event loop. The library is imported only where
a provider is set.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any

TIMEOUT = 10.0
LEEWAY = 60
"""Seconds that the provider's clock may differ."""
OLDEST = 600
"""Seconds since the token was made."""
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
"""Signatures with the provider's public keys only: never "none", never a shared secret."""
STRONG = {"mfa", "otp", "hwk", "swk", "sc", "fpt", "face", "iris", "vbm", "sms"}
"""What `amr` (RFC 8176) says of more than a password; "mfa" alone is enough, of the others a second method is wanted."""


class OidcError(Exception):
    """The provider's answer is not to be believed, or did not come. The text names the check, never the answer."""


@dataclass(frozen=True)
class Flow:
    """What we keep between leaving for the provider and coming back."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Person:
    """Who the provider says it is.

    Attributes:
        strong: it asked for more than one factor.
        proved_at: when the person last proved it there; 0 where it does not say.
    """

    email: str
    name: str
    strong: bool
    proved_at: float


@dataclass(frozen=True)
class Provider:
    """A provider and our registration there."""

    issuer: str
    client_id: str
    client_secret: str | None
    back: str

    def start(self, again: bool = False) -> tuple[str, Flow]:
        """The address to send the browser to, and what to keep. `again`: the person has to prove anew who they are.

        Raises:
            OidcError: the provider cannot be reached.
        """
        flow = Flow(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48))
        extra: dict[str, Any] = {"prompt": "login", "max_age": 0} if again else {}
        with self._client() as client:
            address, _ = client.create_authorization_url(
                self._discovered()["authorization_endpoint"], state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier, **extra
            )
        return str(address), flow

    def finish(self, flow: Flow, code: str, state: str) -> Person:
        """Change the code for the token, and the token for a person.

        Raises:
            OidcError: something does not fit.
        """
        if not secrets.compare_digest(state, flow.state):
            raise OidcError("state")
        found = self._discovered()
        return self._person(self._token(found["token_endpoint"], code, flow), found["jwks_uri"], flow)

    def _client(self) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            self.client_id,
            self.client_secret,
            scope="openid email profile",
            redirect_uri=self.back,
            code_challenge_method="S256",
            default_timeout=TIMEOUT,
        )

    def _token(self, endpoint: str, code: str, flow: Flow) -> str:
        import requests
        from authlib.common.errors import AuthlibBaseError

        try:
            with self._client() as client:
                answer = client.fetch_token(endpoint, code=code, code_verifier=flow.verifier, grant_type="authorization_code")
        except (AuthlibBaseError, requests.RequestException, ValueError):
            raise OidcError("code") from None
        if not isinstance(answer.get("id_token"), str):
            raise OidcError("token")
        return str(answer["id_token"])

    def _discovered(self) -> dict[str, Any]:
        found = _get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise OidcError("issuer")
        return found

    def _person(self, token: str, keys: str, flow: Flow) -> Person:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            decoded = jwt.decode(token, KeySet.import_key_set(_get(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]
            claims = decoded.claims
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
                nonce={"essential": True, "value": flow.nonce},
            ).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError):
            raise OidcError("token") from None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.client_id:
            raise OidcError("audience")
        if time.time() - claims["iat"] > OLDEST:
            raise OidcError("age")
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str) or not email:
            raise OidcError("email")
        name, proved = claims.get("name"), claims.get("auth_time")
        proved_at = float(proved) if isinstance(proved, int | float) else 0.0
        return Person(email.strip().lower(), name.strip()[:80] if isinstance(name, str) else "", _strong(claims.get("amr")), proved_at)


def _strong(methods: object) -> bool:
    if not isinstance(methods, list):
        return False
    named = {method for method in methods if isinstance(method, str)}
    return "mfa" in named or (len(named) > 1 and bool(named & STRONG))


def _get(address: str) -> dict[str, Any]:
    import requests

    try:
        answer = requests.get(address, timeout=TIMEOUT, allow_redirects=False)
        answer.raise_for_status()
        found = answer.json()
    except (requests.RequestException, ValueError):
        raise OidcError("unreachable") from None
    if not isinstance(found, dict):
        raise OidcError("unreachable")
    return found
