# SPDX-License-Identifier: MIT
"""What cmake --install leaves: programs that are built with it by pkg-config and by CMake, shared
and static, in C and in C++. All of it is done after the whole was moved elsewhere."""

import pathlib
import shutil
import tempfile
import unittest

import compat

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
HELLO = "hello peer socket buffer term msg ctx turn fail\n"


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="gmq"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        compat.run("cmake", "--install", compat.BUILD, "--prefix", cls.folder / "first")
        cls.prefix = (cls.folder / "first").rename(cls.folder / "second")
        cls.libdir = next(cls.prefix.rglob("libgreenmq.a")).parent
        cls.compat = next(cls.prefix.rglob("libzmq.so.5")).parent

    def build(self, source, *words, compiler=compat.CC):
        program = self.folder / "program"
        compat.run(compiler, compat.PROGRAMS / source, "-o", program, *words)
        return program

    def libraries(self, program):
        """The paths from which the program gets its shared libraries."""
        lines = compat.run("ldd", program, env=compat.environment(compat.LIBZMQ)).splitlines()
        return "\n".join(line for line in lines if "greenmq" in line or "zmq" in line)

    def test_headers(self):
        found = {path.name for path in (self.prefix / "include/greenmq").iterdir()}
        self.assertLessEqual({"zmq.h", "zmq_utils.h", "greenmq.h"}, found)
        self.assertEqual([path.name for path in (self.prefix / "include").iterdir()], ["greenmq"])

    def test_nothing_says_where_it_was_made(self):
        for path in self.prefix.rglob("*"):
            if path.suffix in (".pc", ".cmake", ".h"):
                for place in (self.folder / "first", compat.BUILD.resolve()):
                    self.assertNotIn(str(place), path.read_text(), path)

    def test_pkg_config(self):
        words = compat.pkg_config(self.libdir / "pkgconfig", "--cflags", "--libs", "greenmq")
        program = self.build("hello.c", "-DWITH_GREENMQ_H", *words, f"-Wl,-rpath,{self.libdir}")
        self.assertEqual(compat.run(program), HELLO)
        self.assertIn(str(self.libdir), self.libraries(program))

    def test_pkg_config_builds_the_examples(self):
        words = compat.pkg_config(self.libdir / "pkgconfig", "--cflags", "--libs", "greenmq")
        for path, said in (("c/pusher.c", "all have ended\n"), ("c/echo.c", "1000 words"),
                           ("guide/race.c", "the baton went through 1000 hands\n")):
            program = self.build(EXAMPLES / path, *words, f"-Wl,-rpath,{self.libdir}")
            self.assertIn(said, compat.run(program))

    def test_pkg_config_cpp(self):
        words = compat.pkg_config(self.libdir / "pkgconfig", "--cflags", "--libs", "greenmq")
        program = self.build("hello.cpp", *words, f"-Wl,-rpath,{self.libdir}",
                             compiler=compat.CXX)
        self.assertEqual(compat.run(program), "hello\n")

    def test_pkg_config_static(self):
        words = compat.pkg_config(self.libdir / "pkgconfig", "--static", "--cflags", "--libs",
                                  "greenmq")
        self.assertIn("-lsodium", words)
        self.assertNotIn("-luv", words)
        words = ["-l:libgreenmq.a" if word == "-lgreenmq" else word for word in words]
        program = self.build("hello.c", "-DWITH_GREENMQ_H", *words)
        self.assertEqual(self.libraries(program), "")
        self.assertEqual(compat.run(program), HELLO)

    def test_pkg_config_in_libzmqs_place(self):
        words = compat.pkg_config(self.compat, "--cflags", "--libs", "libzmq")
        program = self.build("hello.c", *words, f"-Wl,-rpath,{self.compat}")
        self.assertEqual(compat.run(program), HELLO)
        self.assertIn(str(self.compat), self.libraries(program))

    def test_cmake(self):
        build = self.folder / "build"
        compat.run("cmake", "-G", "Ninja", "-S", compat.PROGRAMS, "-B", build,
                   f"-DCMAKE_PREFIX_PATH={self.prefix}", limit_s=60)
        compat.run("cmake", "--build", build, limit_s=60)
        for name, said in (("hello", HELLO), ("hello_static", HELLO), ("hello_cpp", "hello\n")):
            with self.subTest(program=name):
                self.assertEqual(compat.run(build / name), said)
                libraries = self.libraries(build / name)
                if name == "hello_static":
                    self.assertEqual(libraries, "")
                else:
                    self.assertIn(str(self.libdir), libraries)


class FromTheBuild(unittest.TestCase):
    def test_libzmq_pc(self):
        words = compat.pkg_config(compat.COMPAT, "--cflags", "--libs", "libzmq")
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "hello")
            compat.run(compat.CC, compat.PROGRAMS / "hello.c", "-o", program, *words)
            self.assertEqual(compat.run(program, env=compat.environment(compat.GREENMQ)), HELLO)


if __name__ == "__main__":
    unittest.main(verbosity=2)
