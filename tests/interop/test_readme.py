# SPDX-License-Identifier: MIT
"""What the README, the manual pages and the C examples show is true: it compiles, runs, exists."""

import re
import shlex
import shutil
import signal
import subprocess
import sys
import unittest
import urllib.request

import building
import compat
import harness
import zmq

README = harness.ROOT / "README.md"
COMMAND_PAGE = harness.ROOT / "docs/greenmq.1.scd"
LIBRARY_PAGE = harness.ROOT / "docs/greenmq.3.scd"
GREEN_PAGE = harness.ROOT / "docs/greenmq-green.3.scd"
HEADERS = harness.ROOT / "include/greenmq"
EXAMPLE = harness.ROOT / "examples/c/queue.c"
EXAMPLE_LINES = 22
COMMANDS = ("queue", "forwarder", "streamer", "demo")


def code_of(path):
    """A C file without the comment on its top."""
    text = path.read_text()
    return text[text.index("#include"):].strip()


def readme_code():
    return re.search(r"```c\n(.*?)```", README.read_text(), re.DOTALL)[1].strip()


def command_lines():
    """(where it stands, arguments) of each greenmq command that the documents show."""
    for line in README.read_text().splitlines():
        if found := re.match(r"    (?:build/bin/greenmq|\./dev run) (\w.*?)(?:  +#.*)?$", line):
            yield README.name, shlex.split(found[1])
    for block in re.findall(r"```\n(.*?)```", COMMAND_PAGE.read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("greenmq ") and not line.startswith("greenmq ARGS"):
                yield COMMAND_PAGE.name, shlex.split(line)[1:]


class Examples(building.Builds, harness.Case):
    """The C examples, against the library that was built."""

    def test_the_readme_shows_the_file(self):
        self.assertEqual(readme_code(), code_of(EXAMPLE))
        self.assertIn(readme_code().replace("\\", "\\\\"), LIBRARY_PAGE.read_text())
        self.assertLessEqual(len(readme_code().splitlines()), EXAMPLE_LINES)

    def test_the_readme_shows_a_green_thread(self):
        pieces = re.findall(r"```c\n(.*?)```", README.read_text(), re.DOTALL)
        self.assertEqual(len(pieces), 2)
        self.assertIn(pieces[1], (harness.ROOT / "examples/c/pusher.c").read_text())

    def test_the_readme_example_is_a_queue(self):
        text, ports = readme_code(), {}
        for shown in ("5559", "5560"):
            self.assertIn(shown, text)
            ports[shown] = str(harness.free_port())
            text = text.replace(shown, ports[shown])
        program = subprocess.Popen([self.build_text(text, "queue")], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True,
                                   preexec_fn=harness.die_with_parent)
        self.addCleanup(program.wait)
        self.addCleanup(program.kill)
        self.worker(f"tcp://127.0.0.1:{ports['5560']}", lambda parts: [b"world"])
        client = self.socket(zmq.REQ, f"tcp://127.0.0.1:{ports['5559']}")
        client.send(b"hello")
        self.assertEqual(client.recv(), b"world")
        out, _ = program.communicate("\n", timeout=harness.LIMIT_S)
        self.assertEqual(out.splitlines()[-1], "Requests passed: 1")
        self.assertEqual(program.returncode, 0)

    def test_the_other_examples_run(self):
        said = self.run_through("c/pause.c")
        self.assertIn("received while paused: 0 of 100", said)
        self.assertIn("received afterwards: 100 of 100", said)
        self.assertIn("resumed: received 100, forwarded 100, queued 0", said)

    def test_the_web_server_serves(self):
        endpoint = f"tcp://127.0.0.1:{harness.free_port()}"
        server = self.example("c/web.c", endpoint)
        server.wait_line(f"Serving at {endpoint}")
        for number in range(5):
            url = f"{endpoint.replace('tcp', 'http')}/page/{number}"
            with urllib.request.urlopen(url, timeout=harness.LIMIT_S) as answer:
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.read(), b"Hello, World!\n")
            server.wait_line(f"GET /page/{number} HTTP/1.1")

    def test_the_example_of_the_green_page(self):
        page = GREEN_PAGE.read_text()
        text = re.search(r"```\n(#include.*?)```", page, re.DOTALL)[1].replace("\\\\", "\\")
        child = self.child(self.build_text(text, "green"))
        self.assertEqual(child.wait_exit(), 0, child.said())
        self.assertEqual(self.clean(child), ["tick"] * 3)


class WhichLibrary(unittest.TestCase):
    """The README's ways to find out whether a binding runs on greenmq."""

    def setUp(self):
        shown = re.search(r"^    LD_LIBRARY_PATH=build/lib/compat (python3 -c .*)$",
                          README.read_text(), re.MULTILINE)
        self.words = shlex.split(shown[1])[1:]

    def test_the_library_is_asked(self):
        for library, told in ((compat.GREENMQ, "True\n"), (compat.LIBZMQ, "False\n")):
            self.assertEqual(
                compat.run(sys.executable, *self.words, env=compat.environment(library)), told)

    def test_the_files_that_are_loaded(self):
        self.assertIn("`grep libzmq /proc/PID/maps`", README.read_text())
        program = "import zmq; print(open('/proc/self/maps').read())"
        for library in (compat.GREENMQ, compat.LIBZMQ):
            maps = compat.run(sys.executable, "-c", program, env=compat.environment(library))
            files = {line.split()[-1] for line in maps.splitlines() if "libzmq" in line}
            self.assertEqual(len(files), 1, files)
            self.assertEqual(files == {str((compat.COMPAT / "libzmq.so.5").resolve())},
                             library == compat.GREENMQ, files)


class Documents(harness.Case):
    """The README and the manual pages, against the command."""

    def local(self, word):
        """An argument as shown, on ports and paths that no other test uses."""
        word = re.sub(r"(?<!>)tcp://[^,:]+:\w+", "tcp://127.0.0.1:*", word.replace("*:", "all:"))
        return re.sub(r"ipc:///[^,]+", f"ipc://{self.folder}/tasks", word)

    def test_every_command_line_is_accepted(self):
        shown = list(command_lines())
        self.assertGreaterEqual(len([1 for place, _ in shown if place == README.name]), 4)
        self.assertGreaterEqual(len([1 for place, _ in shown if place != README.name]), 6)
        for place, words in shown:
            with self.subTest(place=place, words=words):
                self.assertIn(words[0], COMMANDS)
                child = self.child(harness.find_command(), *map(self.local, words))
                child.wait_line("running; end with Ctrl-C")
                child.signal(signal.SIGTERM)
                self.assertEqual(child.wait_exit(), 0, child.said())

    def test_the_manual_has_every_option(self):
        page = COMMAND_PAGE.read_text()
        described = set(re.findall(r"^(?:\*-\w\*, )?\*(--[\w-]+)\*", page, re.MULTILINE))
        offered = set()
        for command in COMMANDS:
            told = subprocess.run([harness.find_command(), command, "--help"], check=True,
                                  capture_output=True, text=True).stdout
            offered |= set(re.findall(r"^ +(?:-\w, )?(--[\w-]+)", told, re.MULTILINE))
        self.assertEqual(described, offered)

    def test_the_manual_has_every_function(self):
        header = (harness.ROOT / "include/greenmq/greenmq.h").read_text()
        page = LIBRARY_PAGE.read_text()
        for name in set(re.findall(r"\b(gmq_\w+)\(", header)):
            self.assertTrue(f"*{name}*(" in page, f"{name} is not in {LIBRARY_PAGE.name}")
        for name in set(re.findall(r"\b(GMQ_(?:DROP|LEAVE|DEVICE|EVENT)_\w+) =", header)):
            if not name.endswith("_REASONS"):
                self.assertTrue(name in page, f"{name} is not in {LIBRARY_PAGE.name}")

    def test_the_manual_has_every_green_function(self):
        page = GREEN_PAGE.read_text()
        for name in set(re.findall(r"\b(gmq_\w+)\(", (HEADERS / "green.h").read_text())):
            self.assertIn(f"*{name}*(", page)
        for name in re.findall(r"^#define (\w+)\(", (HEADERS / "posix.h").read_text(), re.M):
            self.assertIn(f"*{name}*", page)

    def test_what_posix_h_does_not_make_green(self):
        """The header and the page name the same calls, and no macro has such a name."""
        header, page = (HEADERS / "posix.h").read_text(), GREEN_PAGE.read_text()
        listed = re.search(r"all its\n \* green threads: (.*?);", header, re.DOTALL)[1]
        listed = {name.split()[0] for name in re.sub(r"\n \*", " ", listed).split(", ")}
        part = re.search(r"It makes no other call green.*?^The macros do not", page, re.M | re.S)[0]
        heads = "".join(re.findall(r"^\*.*$", part, re.MULTILINE))
        self.assertEqual(listed, set(re.findall(r"\*(\w+)\*", heads)))
        self.assertLessEqual({"send", "recv", "select", "accept4", "epoll_wait"}, listed)
        self.assertFalse(listed & set(re.findall(r"^#define (\w+)\(", header, re.MULTILINE)))

    def test_links_lead_somewhere(self):
        for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
            self.assertTrue((harness.ROOT / target).exists(), f"{target} does not exist")

    def test_the_manual_pages_are_well_formed(self):
        if not shutil.which("scdoc"):
            self.skipTest("scdoc is not installed")
        for page in (COMMAND_PAGE, LIBRARY_PAGE, GREEN_PAGE):
            made = subprocess.run(["scdoc"], input=page.read_text(), capture_output=True,
                                  text=True, check=False)
            self.assertEqual(made.returncode, 0, f"{page.name}: {made.stderr}")


if __name__ == "__main__":
    unittest.main()
