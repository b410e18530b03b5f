"""Compiles the module into the wheel: `$CC` (gcc), Python's headers and authchain.h, which $AUTHCHAIN_INCLUDE finds."""

import os
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "authchain_fast.abi3.so"
FLAGS = ["-std=c99", "-O2", "-pedantic", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]
HARDER = ["-Wl,-z,relro,-z,now", "-s"]


class Hook(BuildHookInterface):  # type: ignore[type-arg]
    """Called by hatchling before it builds a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles, and names the platform."""
        made = Path(self.directory, MODULE)
        made.parent.mkdir(parents=True, exist_ok=True)
        include = os.environ.get("AUTHCHAIN_INCLUDE", str(Path(self.root, "../../include")))
        folders = [f"-I{include}", "-isystem", sysconfig.get_path("include")]
        compiler = os.environ.get("CC", "gcc")
        subprocess.run([compiler, *FLAGS, *HARDER, *folders, str(Path(self.root, "authchain_fast.c")), "-o", str(made)], check=True)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"cp310-abi3-{platform}"
        build_data["force_include"][str(made)] = MODULE
