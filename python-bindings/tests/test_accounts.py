"""Tokens and users, there and back, and Django's view of them."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PASSWORD, ROOT

from authchain import AuthError, Context, Status, User


def django(database: Path, *arguments: str) -> str:
    """What the real Django says about the database."""
    site = [sys.executable, str(ROOT / "tests/peer/site.py"), "--db", str(database)]
    return subprocess.run([*site, *arguments], check=True, capture_output=True, text=True).stdout.strip()


def test_a_token_from_birth_to_death(context: Context, database: Path) -> None:
    token = context.create_token("alice")
    assert len(token.key) == 40
    assert token.key not in repr(token)
    assert context.create_token("alice") == token
    assert django(database, "checktoken", token.key) == "alice"
    owner = context.verify_token(token.key)
    assert owner is not None
    assert owner.name == "alice"
    [listed] = context.tokens("alice")
    assert (listed.id, listed.user) == (token.id, "alice")
    fresh = context.create_token("alice", reset=True)
    assert fresh.key != token.key
    assert context.verify_token(token.key) is None
    context.create_token("bob")
    assert [t.user for t in context.tokens()] == ["alice", "bob"]
    assert context.revoke_token(fresh.key) is True
    assert context.revoke_token(fresh.key) is False
    assert context.verify_token(fresh.key) is None
    assert context.tokens("alice") == []


def test_a_token_of_django_is_a_token_here(context: Context, database: Path) -> None:
    key = django(database, "addtoken", "bob")
    owner = context.verify_token(key)
    assert owner is not None
    assert owner.name == "bob"


def test_a_token_of_an_inactive_user_has_no_owner(context: Context) -> None:
    assert context.verify_token(context.create_token("inactive").key) is None


def test_a_token_of_nobody_or_of_no_kind_is_an_error(context: Context) -> None:
    for call in (lambda: context.create_token("eve"), lambda: context.tokens("eve"), lambda: context.tokens("")):
        with pytest.raises(AuthError, match="no user '") as caught:
            call()
        assert caught.value.status is Status.REFUSED
    with pytest.raises(AuthError) as caught:
        context.create_token("alice", kind="knox")
    assert caught.value.status is Status.ENOTSUP


def test_a_user_from_birth_on(context: Context, database: Path) -> None:
    made = context.create_user("Zo\u00eb", "caf\u00e9", email="zoe@example.com", is_staff=True)
    assert (made.name, made.email, made.is_staff, made.is_superuser) == ("Zo\u00eb", "zoe@example.com", True, False)
    assert made.is_active
    for found in (
        context.lookup(name="Zo\u00eb"),
        context.lookup(id=made.id),
        context.lookup(id=int(made.id or 0)),
        context.lookup(email="zoe@example.com"),
        context.check_password("Zo\u00eb", "caf\u00e9"),
        context.check_password("Zo\u00eb", "caf\u00e9".encode()),
    ):
        assert found == made
    assert django(database, "pending").endswith("No planned migration operations.")
    context.set_password("Zo\u00eb", "new")
    assert context.check_password("Zo\u00eb", "caf\u00e9") is None
    assert context.check_password("Zo\u00eb", "new") == made


def test_a_user_without_a_password_cannot_log_in(context: Context) -> None:
    context.create_user("robot")
    for password in ("", "!", "None"):
        assert context.check_password("robot", password) is None
    assert context.create_token("robot").key


def test_a_name_that_is_taken_or_impossible_is_an_error(context: Context) -> None:
    with pytest.raises(AuthError, match="the name 'alice' is taken") as caught:
        context.create_user("alice", "x")
    assert caught.value.status is Status.REFUSED
    for name in ("", "a\0b", "x" * 255):
        with pytest.raises(AuthError) as caught:
            context.create_user(name)
        assert caught.value.status is Status.EINVAL


def test_looking_up_shows_groups_and_inactive_users(context: Context, database: Path) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO auth_group (id, name) VALUES (1, 'editors'), (2, 'authors')")
        connection.execute("INSERT INTO auth_user_groups (user_id, group_id) VALUES (3, 1), (3, 2)")
    connection.close()
    user = context.lookup(name="inactive")
    assert user is not None
    assert not user.is_active
    assert sorted(user.groups) == ["authors", "editors"]
    assert user.scheme is None
    assert context.lookup(name="Alice") is None
    assert context.lookup(id="x") is None


def test_two_users_of_one_address_are_nobody(context: Context) -> None:
    context.create_user("eve", email="alice@example.com")
    assert context.lookup(email="alice@example.com") is None


def test_looking_up_takes_exactly_one_question(context: Context) -> None:
    for question in ({}, {"name": "alice", "id": "1"}):
        with pytest.raises(TypeError):
            context.lookup(**question)


def test_a_wrong_password_is_nobody(context: Context) -> None:
    assert context.check_password("alice", "wrong") is None
    assert context.check_password("nobody", PASSWORD) is None
    assert context.check_password("inactive", PASSWORD) is None
    assert isinstance(context.check_password("alice", PASSWORD), User)
    with pytest.raises(AuthError, match="no user 'nobody'"):
        context.set_password("nobody", "x")


def test_a_lone_surrogate_is_an_error_that_does_not_show_the_password(context: Context) -> None:
    with pytest.raises(ValueError, match="lone surrogate") as caught:
        context.check_password("alice", "secret\ud800")
    assert "secret" not in str(caught.value)
