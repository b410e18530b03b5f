"""_ffi.py says what include/authchain.h says."""

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from authchain import Status, _ffi

HEADER = ROOT / "include/authchain.h"

# What the header defines for C programs themselves, and what plug-ins define.
INLINE = {"auth_text", "auth_sized_", "auth_plugin_entry"}


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def declared() -> set[str]:
    names = re.findall(r"\b(auth_[a-z0-9_]+)\(", without_comments(HEADER.read_text()))
    return set(names) - INLINE


def constants() -> dict[str, int]:
    text = without_comments(HEADER.read_text())
    found = re.findall(r"#define (AUTH_[A-Z_]+) (\d+)$|^ *(AUTH_[A-Z_]+) = (-?\d+),", text, re.M)
    return {define or member: int(number or value) for define, number, member, value in found}


def test_the_table_and_the_header_have_the_same_functions() -> None:
    assert declared() == set(_ffi.FUNCTIONS)


@pytest.mark.parametrize("name", sorted(_ffi.FUNCTIONS))
def test_a_function_takes_as_many_arguments_as_the_header_says(name: str) -> None:
    found = re.search(rf"\b{name}\((.*?)\);", without_comments(HEADER.read_text()), re.DOTALL)
    assert found is not None
    arguments = [] if found[1] == "void" else found[1].split(",")
    assert len(_ffi.FUNCTIONS[name][1]) == len(arguments)


def test_a_function_returns_what_the_header_says() -> None:
    kinds = {
        "enum auth_status": ctypes.c_int,
        "int": ctypes.c_int,
        "const char *": ctypes.c_char_p,
        "uint32_t": ctypes.c_uint32,
        "size_t": ctypes.c_size_t,
        "int64_t": ctypes.c_int64,
        "void": None,
        "struct auth_str": _ffi.auth_str,
    }
    text = without_comments(HEADER.read_text())
    for name, (restype, _) in _ffi.FUNCTIONS.items():
        found = re.search(rf"AUTH_API\s+(?:AUTH_MUST_USE\s+)?([a-z0-9_ ]+?[ *]+){name}\(", text)
        assert found is not None, name
        kind = " ".join(found[1].split())
        expected = kinds.get(kind, ctypes.c_void_p if kind.endswith("*") else "?")
        assert restype is expected, (name, kind)


def test_statuses_and_constants_have_the_numbers_of_the_header() -> None:
    header = constants()
    assert {f"AUTH_{s.name}": s.value for s in Status} == {
        name: number for name, number in header.items() if hasattr(Status, name.removeprefix("AUTH_"))
    }
    ours = {
        name: value
        for name, value in vars(_ffi).items()
        if name.isupper() and isinstance(value, int)
    }
    assert ours
    assert ours == {name: header[f"AUTH_{name}"] for name in ours}


def layout_program() -> str:
    """A C program that prints size and offsets of every struct of the table."""
    lines = []
    for struct in _ffi.STRUCTS:
        name = struct.__name__
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        for field, *_ in struct._fields_:
            offset, size = f"offsetof({name}, {field})", f"sizeof((({name} *)0)->{field})"
            lines.append(f'printf("{name}.{field} %zu %zu\\n", {offset}, {size});')
    body = "\n".join(lines)
    return f'#include <stdio.h>\n#include "authchain.h"\nint main(void) {{\n{body}\nreturn 0;\n}}\n'


def layout_here() -> list[str]:
    lines = []
    for struct in _ffi.STRUCTS:
        name = struct.__name__
        lines.append(f"{name} {ctypes.sizeof(struct)}")
        for field, *_ in struct._fields_:
            place = getattr(struct, field)
            lines.append(f"{name}.{field} {place.offset} {place.size}")
    return lines


def test_structs_are_laid_out_as_in_c(tmp_path: Path) -> None:
    source, program = tmp_path / "layout.c", tmp_path / "layout"
    source.write_text(layout_program())
    compiler = os.environ.get("CC", "gcc")
    include = f"-I{HEADER.parent}"
    subprocess.run([compiler, include, "-o", program, source], check=True)
    printed = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == layout_here()


def test_structs_have_all_fields_of_the_header() -> None:
    text = without_comments(HEADER.read_text())
    for struct in _ffi.STRUCTS:
        found = re.search(rf"typedef struct {struct.__name__} \{{(.*?)\}} {struct.__name__};", text, re.DOTALL)
        assert found is not None
        fields = re.findall(r"(?:\(\*(\w+)\)\([^)]*\)|(\w+));", found[1])
        assert [pointer or plain for pointer, plain in fields] == [f[0] for f in struct._fields_]


def imported(**environment: str) -> str:
    """What `import authchain` says in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", "import authchain"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "python-bindings"), **environment},
        capture_output=True,
        text=True,
    )
    return run.stderr.splitlines()[-1] if run.stderr else ""


def test_a_missing_library_is_an_import_error_that_says_what_to_do() -> None:
    said = imported(AUTHCHAIN_LIBRARY="/nowhere/libauthchain.so")
    assert said.startswith("ImportError: /nowhere/libauthchain.so cannot be used: ")
    assert said.endswith("(install libauthchain or set AUTHCHAIN_LIBRARY to its file)")


def test_a_library_of_another_abi_is_an_import_error(tmp_path: Path) -> None:
    source, library = tmp_path / "other.c", tmp_path / "libother.so"
    functions = "\n".join(f"void {name}(void) {{}}" for name in _ffi.FUNCTIONS if name != "auth_abi_version")
    source.write_text(functions + "\nunsigned auth_abi_version(void) { return 99; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    said = imported(AUTHCHAIN_LIBRARY=str(library))
    assert said == f"ImportError: {library} has ABI 99, this package needs ABI 1"
    source.write_text("unsigned auth_abi_version(void) { return 1; }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    assert "undefined symbol: auth_" in imported(AUTHCHAIN_LIBRARY=str(library))
