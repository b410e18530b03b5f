"""A plug-in in a process where the library is out of sight of other shared objects."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, config

from authchain import ConfigError, Context


def is_safe(path: Path) -> bool:
    """Whether only root and this user can change what is below."""
    return path.is_dir() and os.access(path, os.W_OK) and all(
        not folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH) for folder in (path, *path.parents)
    )


@pytest.fixture(scope="module")
def plugin() -> Iterator[Path]:
    """The example, built where nobody else can change it."""
    found = (Path(name).resolve() for name in (Path.home(), "/root", "/run", "/var/lib", "/opt"))
    folder = Path(tempfile.mkdtemp(prefix=".authchain-", dir=next(filter(is_safe, found))))
    source, built = ROOT / "examples/plugin_xusername.c", folder / "xusername.so"
    subprocess.run(["gcc", "-shared", "-fPIC", f"-I{ROOT / 'include'}", source, "-o", built], check=True)
    built.chmod(0o755)
    yield built
    shutil.rmtree(folder)


def text(database: Path, plugin: Path, more: str = "") -> str:
    chain = f'[chains.guide]\nschemes = ["guide"]\n[schemes.guide]\nplugin = "{plugin}"\n'
    return f"{config(database)}{chain}{more}"


def test_a_plugin_says_who_it_is(database: Path, plugin: Path) -> None:
    with Context(text=text(database, plugin, 'header = "X-Badge"\n')) as context:
        verdict = context.authenticate({"X-Badge": "alice"}, chain="guide")
        assert (verdict.user.name, verdict.user.scheme) == ("alice", "guide")
        assert context.authenticate({"X-Badge": "inactive"}, chain="guide").response.status == 403
        assert context.authenticate({"X-Username": "alice"}, chain="guide").response.status == 403


def test_an_option_that_a_plugin_does_not_know_is_a_config_error(database: Path, plugin: Path) -> None:
    with pytest.raises(ConfigError, match="unknown key \"heade\"") as caught:
        Context(text=text(database, plugin, 'heade = "X-Badge"\n'))
    assert (caught.value.line, caught.value.column) == (17, 1)
    assert caught.value.remedy == "known: header"
