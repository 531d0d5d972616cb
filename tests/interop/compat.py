# SPDX-License-Identifier: MIT
"""greenmq in libzmq's place: where it lies, and how a program gets onto it.

Both sides use plain libraries without sanitizers, which other people's programs can load.
"""

import os
import pathlib
import subprocess

import harness

BUILD = pathlib.Path(os.environ.get("GREENMQ_BUILD_DIR", harness.ROOT / "build/dev"))
COMPAT = harness.find_built(
    "GREENMQ_COMPAT", ("build/dev/lib/compat", "build/lib/compat"), "libzmq.so.5").parent
PLAIN = next(folder for folder in (BUILD / "lib/plain", BUILD / "lib", COMPAT.parent)
             if (folder / "libgreenmq.so").exists())
PROGRAMS = harness.HERE / "programs"
CC = os.environ.get("CC", "cc")
CXX = os.environ.get("CXX", "c++")

LIBZMQ, GREENMQ = "libzmq", "greenmq"


def environment(library, **more):
    """An environment in which what is linked with libzmq.so.5 runs on the library."""
    env = {**os.environ, **more}
    env.pop("LD_LIBRARY_PATH", None)
    if library == GREENMQ:
        env["LD_LIBRARY_PATH"] = str(COMPAT)
    return env


def run(*argv, env=None, limit_s=harness.LIMIT_S, **more):
    """What a command printed; an AssertionError with its words when it failed."""
    told = subprocess.run([str(word) for word in argv], env=env, capture_output=True, text=True,
                          timeout=limit_s, check=False, stdin=subprocess.DEVNULL, **more)
    if told.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, argv))}\n  rc {told.returncode}\n"
                             f"{told.stdout}{told.stderr}")
    return told.stdout


def pkg_config(folder, *words):
    """The words that pkg-config prints when it looks into a folder first."""
    return run("pkg-config", *words,
               env={**os.environ, "PKG_CONFIG_PATH": str(folder)}).split()
