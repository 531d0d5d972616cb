# SPDX-License-Identifier: MIT
"""The scripts of examples/python/, run as their README says, on free ports."""

import collections
import signal
import sys

import harness

SCRIPTS = harness.ROOT / "examples/python"
LINES_MAX = 25


class Examples(harness.Case):
    def example(self, name, *words):
        return self.child(sys.executable, SCRIPTS / name, *words)

    def test_requests_and_replies(self):
        broker = self.broker("queue")
        asker = self.example("req.py", broker.frontend)
        workers = [self.example("rep.py", broker.backend) for _ in range(2)]
        self.assertEqual(asker.wait_exit(), 0)
        self.assertEqual(len(asker.lines["out"]), 10)
        pids = {str(worker.pid) for worker in workers}
        for number, line in enumerate(asker.lines["out"]):
            self.assertRegex(line, rf"^question {number}: answered by process \d+$")
            self.assertIn(line.split()[-1], pids)

    def test_green_clients(self):
        broker = self.broker("queue")
        self.example("rep.py", broker.backend)
        asker = self.example("green.py", broker.frontend)
        self.assertEqual(asker.wait_exit(), 0)
        heard = collections.Counter(line.split(":")[0] for line in asker.lines["out"])
        self.assertEqual(heard, collections.Counter(
            f"client {name}, question {number}" for name in range(10) for number in range(10)))

    def test_publishers_and_subscribers(self):
        broker = self.broker("forwarder")
        self.example("pub.py", broker.frontend)
        listeners = {word: self.example("sub.py", *topic, broker.backend)
                     for word, topic in (("weather report", ["weather"]),
                                         ("sports result", ["sports"]))}
        for word, listener in listeners.items():
            listener.wait_line(word, count=5)
            numbers = [int(line.removeprefix(word)) for line in list(listener.lines["out"])]
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_tasks(self):
        broker = self.broker("streamer")
        takers = [self.example("pull.py", broker.backend) for _ in range(2)]
        for _ in range(2):
            self.assertEqual(self.example("push.py", broker.frontend).wait_exit(), 0)
        broker.signal(signal.SIGINT)  # as the README ends it; what it has taken in it passes on
        self.assertEqual(broker.wait_exit(), 0)
        want = sorted(2 * [f"task {number}" for number in range(100)])
        takers[0].wait_until(lambda: len(self.all_lines(takers)) >= 200, "every task")
        self.assertEqual(sorted(self.all_lines(takers)), want)

    def all_lines(self, children):
        return [line for child in children for line in child.lines["out"]]

    def test_scripts_are_short(self):
        for script in SCRIPTS.glob("*.py"):
            self.assertLessEqual(len(script.read_text().splitlines()), LINES_MAX, script.name)

    def test_readme_names_every_script_and_no_other(self):
        readme = (SCRIPTS / "README.md").read_text()
        for script in SCRIPTS.glob("*.py"):
            self.assertIn(f"`{script.name}", readme)
        for kind in ("queue", "forwarder", "streamer"):
            self.assertIn(f"greenmq {kind} tcp://127.0.0.1:5559 tcp://127.0.0.1:5560", readme)


if __name__ == "__main__":
    harness.main()
