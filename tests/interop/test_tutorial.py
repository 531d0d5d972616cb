# SPDX-License-Identifier: MIT
"""What docs/tutorial.md and docs/channels.md show is built and run, and prints what stands there.

A block of C with a main() is a program, and the text block behind it its output. Another block of
C is a piece: it stands in an example, or, in channels.md, is put into the frame shown on top.
"""

import re

import building
import harness

DOCS = harness.ROOT / "docs"
BLOCK = re.compile(r"^```(c|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
FRAME_LINE = "/* the piece stands here */"
TUTORIAL_STEPS = 12
CHANNEL_PIECES = 8


def blocks(name):
    """(heading, kind, text) of each block of a document."""
    text = (DOCS / name).read_text()
    headings = [(found.start(), found[1]) for found in HEADING.finditer(text)]
    for found in BLOCK.finditer(text):
        before = [heading for start, heading in headings if start < found.start()]
        yield before[-1] if before else "", found[1], found[2]


def programs(name):
    """(heading, C, what it prints or None) of each block of C."""
    shown = list(blocks(name))
    for (heading, kind, text), after in zip(shown, [*shown[1:], ("", "c", "")]):
        if kind == "c":
            yield heading, text, after[2] if after[1] == "text" else None


class Documents(building.Builds, harness.Case):
    def on_free_ports(self, text):
        for port in set(re.findall(r"127\.0\.0\.1:(\d+)", text)):
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{harness.free_port()}")
        return text

    def check(self, text, number, output, *words):
        program = self.build_text(self.on_free_ports(text), f"block{number}", *words)
        child = self.child(program)
        self.assertEqual(child.wait_exit(), 0, child.said())
        self.clean(child)
        self.assertEqual(child.err(), "")
        self.assertEqual(child.out() + "\n", output, child.said())

    def test_tutorial(self):
        examples = [path.read_text() for path in building.EXAMPLES.rglob("*.c")]
        steps = 0
        for number, (heading, text, output) in enumerate(programs("tutorial.md")):
            with self.subTest(step=heading):
                steps += 1
                self.assertTrue(heading.startswith(f"{steps}. "), f"a step without code? {heading}")
                if "int main(" in text:
                    self.check(text, number, output)
                else:
                    self.assertTrue(any(text in example for example in examples), text)
        self.assertEqual(steps, TUTORIAL_STEPS)

    def test_steps_run_beside_what_the_readme_starts(self):
        ports = [set(re.findall(r"tcp://[^\s:]+:(\d+)", path.read_text()))
                 for path in (DOCS / "tutorial.md", harness.ROOT / "README.md")]
        self.assertTrue(all(ports))
        self.assertEqual(ports[0] & ports[1], set())

    def test_channels(self):
        shown = list(programs("channels.md"))
        frame = shown.pop(0)[1]
        self.assertEqual(frame.count(FRAME_LINE), 1)
        for number, (heading, text, output) in enumerate(shown):
            with self.subTest(piece=heading):
                self.check(frame.replace(FRAME_LINE, text), number, output,
                           "-Wno-unused-function")
        self.assertGreaterEqual(len(shown), CHANNEL_PIECES)

    def test_links_lead_somewhere(self):
        for name in ("tutorial.md", "channels.md"):
            for target in re.findall(r"\]\(([^)#:]+)\)", (DOCS / name).read_text()):
                self.assertTrue((DOCS / target).exists(), f"{name}: {target} does not exist")


if __name__ == "__main__":
    harness.main()
