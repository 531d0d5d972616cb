# SPDX-License-Identifier: MIT
"""include/greenmq/zmq.h held against libzmq's <zmq.h>, and against the language standards.

A program compiled with either header must run with either library, so every constant, size,
offset and signature has to be the same. Both headers go through the C compiler, never through a
list kept here: what libzmq declares and ours lacks is a failure.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.environ.get(
    "GREENMQ_SOURCE_DIR", os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
INCLUDE = os.path.join(SOURCE, "include")
OURS = os.path.join(INCLUDE, "greenmq", "zmq.h")
CC = os.environ.get("CC", "cc")
ALL = "-DGREENMQ_DECLARE_ALL"
DRAFT = "-DZMQ_BUILD_DRAFT_API"

LAYOUT = """
#include <stddef.h>
#include <stdio.h>
struct pad_msg { char c; zmq_msg_t member; };
struct pad_item { char c; zmq_pollitem_t member; };
#define SHOW(what) printf("%s %zu\\n", #what, (size_t)(what))
int main(void)
{
    SHOW(sizeof(zmq_msg_t));
    SHOW(sizeof(((zmq_msg_t *)0)->_));
    SHOW(offsetof(struct pad_msg, member));
    SHOW(sizeof(zmq_fd_t));
    SHOW((zmq_fd_t)-1 < 0);
    SHOW(sizeof(zmq_pollitem_t));
    SHOW(offsetof(struct pad_item, member));
    SHOW(offsetof(zmq_pollitem_t, socket));
    SHOW(offsetof(zmq_pollitem_t, fd));
    SHOW(offsetof(zmq_pollitem_t, events));
    SHOW(offsetof(zmq_pollitem_t, revents));
    SHOW(sizeof(struct zmq_msg_t));
    SHOW(sizeof(struct zmq_pollitem_t));
    return 0;
}
"""


def compile_and_run(source, flags=()):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.c")
        with open(path, "w") as file:
            file.write(source)
        program = os.path.join(folder, "program")
        subprocess.run([CC, "-std=c11", *flags, path, "-o", program], check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout


def preprocess(header, flags):
    return subprocess.run([CC, "-E", *flags, "-x", "c", header], check=True, capture_output=True,
                          text=True).stdout


def defined(header, flags):
    """The names of the header's macros, each with its text and whether it takes arguments."""
    names = {}
    for line in preprocess(header, ["-dM", *flags]).splitlines():
        match = re.match(r"#define (\w+)(\([^)]*\))?(?: (.*))?$", line)
        if match and re.match(r"ZMQ_|EFSM$|ENOCOMPATPROTO$|ETERM$|EMTHREAD$", match[1]):
            names[match[1]] = (match[2] is not None, match[3] or "")
    return names


def values(header, flags=()):
    """What each macro of the header evaluates to: a number, a text, or that it is just defined."""
    result, lines = {}, []
    for name, (takes_arguments, text) in defined(header, flags).items():
        if takes_arguments or not text:
            result[name] = "defined"
        elif text.startswith('"'):
            result[name] = text
        else:
            lines.append('printf("%%s %%lld\\n", "%s", (long long)(%s));' % (name, name))
    lines.append('printf("ZMQ_MAKE_VERSION %d\\n", ZMQ_MAKE_VERSION(1 + 1, 2 + 2, 3 + 3));')
    body = '#include "%s"\n#include <stdio.h>\nint main(void) { %s return 0; }\n' % (
        header, "\n".join(lines))
    for line in compile_and_run(body, flags).splitlines():
        name, value = line.split()
        result[name] = int(value)
    return result


def fallback_errnos(header):
    """The numbers that the header gives to errors which the system's errno.h does not define."""
    names = re.findall(r"^#ifndef (E[A-Z]+)$", pathlib.Path(header).read_text(), re.M)
    show = "".join('printf("%%s %%d\\n", "%s", %s);' % (name, name) for name in names)
    with tempfile.TemporaryDirectory() as folder:
        open(os.path.join(folder, "errno.h"), "w").close()
        return compile_and_run('#include "%s"\n#include <stdio.h>\nint main(void) { %s }\n' % (
            header, show), ["-I", folder])


def signature(declaration):
    """A declaration without attributes, names of arguments and optional spaces."""
    text = re.sub(r"__attribute__ ?\(\((?:[^()]|\([^()]*\))*\)\)|\bextern\b", " ", declaration)
    head, name, arguments = re.search(r"(.*?)\(?(zmq_\w+)\)? ?\((.*)\)", text).groups()
    types = []
    for argument in arguments.split(","):
        words = re.findall(r"\w+|\*", argument)
        if len(words) > 1 and re.match(r"\w", words[-1]):
            words.pop()
        types.append(" ".join(words))
    return name, (" ".join(re.findall(r"\w+|\*", head)), tuple(types))


def declarations(header, flags=()):
    text = re.sub(r"^#.*$", "", preprocess(header, flags), flags=re.M)
    text = re.sub(r"\s+", " ", text)
    # A type in braces is looked at by the program that prints sizes and offsets.
    text = re.sub(r"\{[^{}]*\}", "", text)
    found = (part for part in text.split(";") if re.search(r"\bzmq_\w+\)? ?\(", part))
    return dict(signature(part) for part in found)


def system_header():
    probe = subprocess.run([CC, "-E", "-x", "c", "-"], input="#include <zmq.h>\n",
                           capture_output=True, text=True)
    for path in re.findall(r'^# \d+ "([^"]*/zmq\.h)"', probe.stdout, re.M):
        if "greenmq" not in pathlib.Path(path).read_text():
            return path
    return None


class Standards(unittest.TestCase):
    def compiles(self, compiler, language, standards):
        if not shutil.which(compiler):
            self.skipTest("no %s here" % compiler)
        headers = ["greenmq/zmq.h", "greenmq/zmq_utils.h", "greenmq/greenmq.h"]
        for standard in standards:
            for flags in ([], [ALL], [DRAFT], [ALL, DRAFT]):
                for names in (headers[:1], headers[1:2], headers[2:], headers[::-1]):
                    with self.subTest(standard=standard, flags=flags, names=names):
                        self.compiles_one(compiler, language, standard, flags, names)

    def compiles_one(self, compiler, language, standard, flags, names):
        lines = ["#include <%s>" % name for name in names * 2] + ["int used = ETERM;"]
        run = subprocess.run(
            [compiler, "-std=" + standard, "-Wall", "-Wextra", "-pedantic", "-Werror", *flags,
             "-I" + INCLUDE, "-fsyntax-only", "-x", language, "-"],
            input="\n".join(lines) + "\n", capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_c(self):
        self.compiles(CC, "c", ["c89", "c99", "c11"])

    def test_c_with_clang(self):
        self.compiles("clang", "c", ["c89", "c99", "c11"])

    def test_cpp(self):
        self.compiles("c++", "c++", ["c++98", "c++11", "c++17"])


class BadCalls(unittest.TestCase):
    def test_every_function_is_among_them(self):
        """What a program can call in the wrong way is in the tests that do so."""
        tests = pathlib.Path(SOURCE, "tests")
        files = [tests / "support" / "calls.c"]
        for subject in ("bad_calls*", "timers", "keys", "utils", "iovec", "monitor*"):
            files += (tests / "behaviour").glob("test_%s.c" % subject)
        text = "".join(path.read_text() for path in files)
        functions = [name for name in declarations(OURS) if not name.endswith("_fn")]
        self.assertGreater(len(functions), 60)
        self.assertEqual([name for name in functions if not re.search(name + r"\b", text)], [])


class SameAsLibzmq(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.theirs = system_header()
        if cls.theirs is None:
            raise unittest.SkipTest("libzmq's zmq.h is not installed (libzmq3-dev)")

    def test_constants(self):
        theirs, ours = values(self.theirs), values(OURS, [ALL])
        self.assertGreater(len(theirs), 170)
        for name in ("ZMQ_VERSION", "ZMQ_VERSION_PATCH"):
            del theirs[name], ours[name]
        self.assertEqual(ours, theirs)

    def test_constants_of_what_is_provided(self):
        ours = values(OURS)
        self.assertEqual([name for name in values(self.theirs) if name not in ours], [])

    def test_version(self):
        self.assertEqual(values(OURS)["ZMQ_VERSION"], 40305)

    def test_draft_constants(self):
        theirs, ours = values(self.theirs, [DRAFT]), values(OURS, [ALL, DRAFT])
        # The second was corrected between 4.3.4 and 4.3.5; the poller is not provided.
        changed = {"ZMQ_VERSION", "ZMQ_VERSION_PATCH", "ZMQ_RECONNECT_STOP_AFTER_DISCONNECT"}
        self.assertLessEqual({name for name in theirs if name not in ours}, {"ZMQ_HAVE_POLLER"})
        for name in set(theirs) & set(ours) - changed:
            self.assertEqual((name, ours[name]), (name, theirs[name]))

    def test_errors_that_a_system_may_lack(self):
        self.assertEqual(fallback_errnos(OURS), fallback_errnos(self.theirs))
        self.assertIn("ENETRESET 156384730\n", fallback_errnos(OURS))

    def test_layout(self):
        ours, theirs = ('#include "%s"\n%s' % (path, LAYOUT) for path in (OURS, self.theirs))
        self.assertEqual(compile_and_run(ours), compile_and_run(theirs))

    def test_signatures(self):
        theirs, ours = declarations(self.theirs), declarations(OURS, [ALL])
        functions = [name for name in theirs if not name.endswith("_fn")]
        self.assertEqual(len(functions), 70)
        self.assertEqual(theirs["zmq_msg_gets"],
                         ("const char *", ("const zmq_msg_t *", "const char *")))
        self.assertEqual(ours, theirs)


if __name__ == "__main__":
    unittest.main()
