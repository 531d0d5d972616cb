#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the layer table and the limits of style: prints FILE:LINE: SENTENCE for each breach.

Usage: check.py [ROOT]; exits 1 when there was a breach. test_check.py shows that each rule can
fail. The table below is the one of CONTRIBUTING.md.
"""

import re
import sys
from pathlib import Path

# What each folder of src/ may include, apart from itself and the public headers.
LAYERS = {
    "base": set(),
    "wire": {"base"},
    "loop": {"base"},
    "green": {"base", "loop"},
    "core": {"base", "loop", "green"},
    "pattern": {"base", "core"},
    "transport": {"base", "loop", "green", "wire", "core"},
    "device": {"base", "core", "pattern", "green"},
    "api": {"base", "wire", "loop", "green", "core", "pattern", "transport", "device"},
}
# Who may know the libraries we stand on: folders of src/, or single files in them.
LIBRARIES = {
    "sodium.h": {"wire/curve.c"},
}
# C elsewhere that sees include/ only; its other quoted includes are files of its own tree.
PUBLIC_ONLY = ("app", "bench", "examples", "tests/behaviour", "tests/threads", "tests/interop",
               "tests/support", "tests/storm")

C_FOLDERS = ("include", "src", "app", "bench", "examples", "tests")
SCRIPT_SUFFIXES = (".py", ".sh", ".cmake")
SCRIPT_FILES = ("dev", ".ci/run", "CMakeLists.txt", "tests/CMakeLists.txt",
                "bench/CMakeLists.txt")

COLUMNS = 100
SOURCE_LINES = 600
HEADER_LINES = 150
FUNCTION_LINES = 70
ARCHITECTURE_LINES = 200

# Spelt so that this file passes its own check.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def blank(match):
    """Spaces in place of a comment or literal, its line breaks kept."""
    return re.sub(r"[^\n]", " ", match[0])


def bare_code(text):
    """C without comments, literals and preprocessor lines; lines keep their numbers."""
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  blank, text, flags=re.DOTALL)
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", blank, text, flags=re.MULTILINE)


def functions(text):
    """Yields (name, first line, lines) of each function defined in a C file."""
    code = bare_code(text)
    depth = start = 0
    head = None
    for found in re.finditer(r"[{};]", code):
        mark, at = found[0], found.start()
        if mark == "{":
            if depth == 0:
                declared = code[start:at]
                named = re.search(r"(\w+)\s*\(", declared)
                head = named and declared.rstrip().endswith(")") and (
                    named[1], start + len(declared) - len(declared.lstrip()))
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0 and head:
                first = code.count("\n", 0, head[1]) + 1
                yield head[0], first, code.count("\n", 0, at) + 2 - first
                head = None
        if depth == 0:
            start = found.end()


def check_layers(root, path, lines):
    place = path.relative_to(root)
    folder = place.parts[0]
    public_only = place.as_posix().startswith(tuple(name + "/" for name in PUBLIC_ONLY))
    for number, line in enumerate(lines, 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        quoted, name = found[1] == '"', found[2]
        target = name.split("/")[0]
        if ".." in name.split("/"):
            yield number, f'"{name}" climbs out of its folder; write "layer/file.h"'
        elif folder == "src":
            yield from check_source_include(place, number, quoted, name)
        elif public_only and target in LAYERS:
            yield number, f'"{name}" is inside the engine; this folder sees include/ only'
        elif quoted and target not in LAYERS and target != "greenmq":
            if not (path.parent / name).exists() and not (root / "tests" / name).exists():
                yield number, f'"{name}" is no file of this folder'


def check_source_include(place, number, quoted, name):
    layer, target = place.parts[1], name.split("/")[0]
    own = "/".join(place.parts[1:])
    if name in LIBRARIES:
        if not LIBRARIES[name] & {layer, own}:
            yield number, f"<{name}> is for {' and '.join(sorted(LIBRARIES[name]))} only"
    elif target == "greenmq" or not quoted and target not in LAYERS:
        return
    elif "/" not in name or not quoted:
        yield number, f'{name}: includes within src/ are written "layer/file.h"'
    elif layer not in LAYERS:
        yield number, f"src/{layer} is not in the layer table"
    elif target not in LAYERS[layer] | {layer}:
        yield number, f'"{name}": {layer} may not include {target}'


def check_text(lines):
    for number, line in enumerate(lines, 1):
        if len(line) > COLUMNS:
            yield number, f"{len(line)} columns; the limit is {COLUMNS}"
        if "\t" in line:
            yield number, "a tab; indent with spaces"
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if UNFINISHED.search(line):
            yield number, f"{UNFINISHED.search(line)[0]}: finish it or leave it out"


def check_licence(path, lines):
    if path.suffix in (".c", ".h"):
        if not lines or lines[0] != "/* SPDX-License-Identifier: MIT */":
            yield 1, "the first line must be /* SPDX-License-Identifier: MIT */"
    elif "# SPDX-License-Identifier: MIT" not in lines[:2]:
        yield 1, "the first line, or the one below #!, must be # SPDX-License-Identifier: MIT"


def check_c(path, public, lines):
    limit = HEADER_LINES if path.suffix == ".h" else SOURCE_LINES
    if len(lines) > limit and not public:
        yield limit + 1, f"{len(lines)} lines; the limit is {limit}"
    text = "\n".join(lines)
    for name, first, length in functions(text):
        if length > FUNCTION_LINES:
            yield first, f"{name}() has {length} lines; the limit is {FUNCTION_LINES}"
    for number, line in enumerate(bare_code(text).split("\n"), 1):
        if not public and re.search(r"\btypedef\s+(const\s+)?(struct|union)\b", line):
            yield number, "a typedef for a struct; write struct NAME where it is used"


def check_layer_folders(root):
    for folder in sorted((root / "src").glob("*/")):
        if folder.is_dir() and folder.name not in LAYERS:
            yield folder, 1, f"src/{folder.name} is not in the layer table"


def check_architecture(root):
    path = root / "ARCHITECTURE.md"
    if path.exists():
        count = len(path.read_text().splitlines())
        if count > ARCHITECTURE_LINES:
            yield path, ARCHITECTURE_LINES + 1, f"{count} lines; the limit is {ARCHITECTURE_LINES}"


def check_rooms(root):
    """src/README.md names each file of src/ and app/ in the part of its layer."""
    path = root / "src" / "README.md"
    if not path.exists():
        return
    rooms = {part.split(":")[0].strip(): set(re.findall(r"\w+", part))
             for part in re.split(r"^## ", path.read_text(), flags=re.MULTILINE)[1:]}
    for source in sorted([*root.glob("src/*/*.*"), *root.glob("app/*.*")]):
        room = source.parent.name
        if source.suffix in (".c", ".h", ".S") and source.stem not in rooms.get(room, ()):
            yield path, 1, f"{room}/{source.stem} is not named under \"{room}\""


def check_file(root, path):
    lines = path.read_text().splitlines()
    yield from check_text(lines)
    yield from check_licence(path, lines)
    if path.suffix in (".c", ".h"):
        yield from check_c(path, root / "include" in path.parents, lines)
        yield from check_layers(root, path, lines)


def files(root):
    for folder in C_FOLDERS + ("cmake",):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".c", ".h") + SCRIPT_SUFFIXES:
                yield path
    for name in SCRIPT_FILES:
        if (root / name).exists():
            yield root / name


def check_tree(root):
    """Yields (path, line, sentence) for every breach below root."""
    yield from check_layer_folders(root)
    yield from check_architecture(root)
    yield from check_rooms(root)
    for path in files(root):
        for number, sentence in check_file(root, path):
            yield path, number, sentence


def main(root):
    breaches = 0
    for path, number, sentence in check_tree(root):
        print(f"{path.relative_to(root)}:{number}: {sentence}")
        breaches += 1
    if breaches == 0:
        print(f"{sum(1 for _ in files(root))} files keep the layers and the limits")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
