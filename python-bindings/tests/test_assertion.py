"""Assertions: what programs behind an application are told, checked by PyJWT as they would."""

from pathlib import Path

import jwt
import pytest
from conftest import PASSWORD, basic, config
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from authchain import Assertion, AuthError, ConfigError, Context, Status

NOW = 1_800_000_000  # the moment of every request here, in Unix seconds
SECRET = "a secret of the programs behind, which is long enough for HS512 as well"
MADE = {
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "PS384": rsa.generate_private_key(public_exponent=65537, key_size=2048),
}


MEANT = ["Host", "authorization", "COOKIE", "Content-Length", "content_type", "Connection", "Transfer_Encoding", "TE"]
MEANT += ["Upgrade", "Forwarded", "X-Forwarded-For", "x_forwarded_anything", "X-Auth-User", "X_AUTH_USER_ID"]
MEANT += ["X-Auth-Scheme"]


def private(algorithm: str) -> str:
    """The key of an algorithm, as a configuration has it."""
    plain = serialization.NoEncryption()
    pem = MADE[algorithm].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return f"key = '''\n{pem.decode()}'''"


def asserting(database: Path, *lines: str) -> str:
    """A configuration with such an `[assertion]`."""
    return config(database) + "\n[assertion]\n" + "\n".join(lines) + "\n"


def shared(algorithm: str = "HS256") -> list[str]:
    """The lines of a secret."""
    return [f'key = "{SECRET}"', f'algorithm = "{algorithm}"']


def asked(context: Context) -> Assertion:
    """What is said of alice to `app`."""
    with context.request({"Authorization": basic("alice", PASSWORD)}, now_us=NOW * 1_000_000 + 999_999) as request:
        assert request.authenticate().status == Status.OK
        made = request.assertion("app")
        assert made is not None
        return made


def believed(token: str, key: object, algorithm: str, audience: str = "app") -> dict[str, object]:
    """The claims, as a program behind reads them; the clock is that of the requests."""
    checks = {"require": ["iss", "aud", "sub", "iat", "exp", "jti"], "verify_exp": False, "verify_iat": False}
    claims: dict[str, object] = jwt.decode(
        token,
        key,  # type: ignore[arg-type]
        [algorithm],
        checks,  # type: ignore[arg-type]
        audience=audience,
        issuer="authchain",
    )
    assert claims["iat"] == NOW
    return claims


@pytest.mark.parametrize("algorithm", MADE)
def test_an_assertion_is_believed_by_whoever_has_the_public_key(database: Path, algorithm: str) -> None:
    with Context(text=asserting(database, private(algorithm), f'algorithm = "{algorithm}"')) as context:
        made = asked(context)
    assert made.header == "X-Auth-Assertion"
    assert made.text not in repr(made)
    public = MADE[algorithm].public_key()
    claims = believed(made.text, public, algorithm)
    jti = claims.pop("jti")
    assert isinstance(jti, str)
    assert len(jti) == 32
    assert claims == {
        "iss": "authchain",
        "aud": "app",
        "sub": "1",
        "iat": NOW,
        "exp": NOW + 60,
        "preferred_username": "alice",
        "email": "alice@example.com",
        "scheme": "basic",
        "is_staff": False,
        "is_superuser": False,
    }
    with pytest.raises(jwt.InvalidAudienceError):
        believed(made.text, public, algorithm, audience="another")
    with pytest.raises(jwt.InvalidSignatureError):
        believed(made.text[:-6] + "AAAAAA", public, algorithm)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret_works_as_well(database: Path, algorithm: str) -> None:
    own = [*shared(algorithm), 'kid = "2026-11"', 'header = "X-Who"', "lifetime = 5"]
    with Context(text=asserting(database, *own)) as context:
        made = asked(context)
    assert made.header == "X-Who"
    assert jwt.get_unverified_header(made.text) == {
        "alg": algorithm,
        "typ": "authchain-assertion+jwt",  # no token of another kind, whatever else the key signs
        "kid": "2026-11",
    }
    assert believed(made.text, SECRET, algorithm)["exp"] == NOW + 5


def test_nothing_is_said_of_nobody_or_without_a_table(database: Path, context: Context) -> None:
    with context.request({"Authorization": basic("alice", PASSWORD)}) as request:
        assert request.authenticate().status == Status.OK
        with pytest.raises(AuthError) as unsupported:
            request.assertion("app")
        assert unsupported.value.status == Status.ENOTSUP
    with Context(text=asserting(database, *shared())) as able, able.request({"x_auth_assertion": "forged"}) as request:
        assert request.assertion("app") is None
        assert request.authenticate("open").status == Status.ANONYMOUS
        assert request.assertion("app") is None
        assert {"X-Auth-Assertion", "x_auth_assertion"} <= set(request.edits().remove)


@pytest.mark.parametrize(
    "lines, text",
    [
        ([], "key"),
        (['key = "short"', 'algorithm = "HS256"'], "shorter than the hash"),
        (['key = "no PEM"'], "PEM"),
        ([private("ES256")], "Ed25519"),
        ([private("ES256"), 'algorithm = "HS256"'], "secret"),
        ([f'key = "{SECRET}"', 'algorithm = "none"'], "algorithm does not take"),
        ([*shared(), 'header = "X Who"'], "header does not take"),
        ([*shared(), "lifetime = 0"], "lifetime does not take"),
        *(([*shared(), f'header = "{name}"'], "has a meaning of its own") for name in MEANT),
    ],
)
def test_what_cannot_sign_is_refused_with_its_place(database: Path, lines: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text) as refused, Context(text=asserting(database, *lines)):
        pass
    assert refused.value.line > 1
    assert SECRET not in str(refused.value)
    assert "PRIVATE" not in str(refused.value)


@pytest.mark.parametrize("setting", ["secret_key", "secret_key_fallbacks"])
def test_what_makes_sessions_signs_no_assertion(database: Path, setting: str) -> None:
    usual = asserting(database, *shared())
    own = usual.replace(SECRET, "a secret key for tests, never used elsewhere")
    if setting == "secret_key_fallbacks":
        own = f"secret_key_fallbacks = ['another', '{SECRET}']\n{usual}"
    with pytest.raises(ConfigError, match="the key is `secret_key`, or was") as refused, Context(text=own):
        pass
    assert "expected a key of its own" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_an_assertion_is_no_token_of_a_scheme_with_the_same_key(database: Path) -> None:
    more = f"""
[chains.jwt]
schemes = ["jwt"]
[schemes.jwt]
signing_key = "{SECRET}"
user_id_claim = "sub"
token_type_claim = ""
blacklist = false
"""
    with Context(text=asserting(database, *shared()) + more) as context:
        made = asked(context).text
        claims = jwt.decode(made, options={"verify_signature": False})
        token = {"Authorization": f"Bearer {jwt.encode(claims, SECRET)}"}
        assert context.authenticate(token, chain="jwt", now_us=NOW * 1_000_000).user.name == "alice"
        refused = context.authenticate({"Authorization": f"Bearer {made}"}, chain="jwt", now_us=NOW * 1_000_000)
        assert refused.status == Status.REFUSED
