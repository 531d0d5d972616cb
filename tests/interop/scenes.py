# SPDX-License-Identifier: MIT
"""Three scenes, one for each device, that peers of any kind can play.

All kinds of peers have the roles, words and output of peers.py, so a scene can be cast with any
mixture of them. Called by the tests that bring a kind of peer or of broker.
"""

import itertools


class Scenes:
    """Mixed into a harness.Case that says who plays the broker, and which of its methods make the
    peers; every scene is played with each of them in each role."""

    cast = ("script",)

    def casts(self):
        return itertools.product(self.cast, repeat=2)

    def launch(self, kind):
        raise NotImplementedError

    def each_cast(self, play):
        for first, second in self.casts():
            with self.subTest(first=first, second=second):
                play(getattr(self, first), getattr(self, second))

    def numbers(self, child, name):
        return [int(line.split()[2]) for line in child.lines["out"]
                if line.startswith(f"got {name} ")]

    def test_queue(self):
        self.each_cast(self.play_queue)

    def play_queue(self, asker, answerer):
        broker = self.launch("queue")
        for name in ("w0", "w1"):
            answerer("rep", broker.backend, name)
        askers = [asker("req", broker.frontend, f"c{n}", 200) for n in range(2)]
        for child in askers:
            child.wait_line("done 200")
            self.assertEqual(child.wait_exit(), 0)

    def test_forwarder(self):
        self.each_cast(self.play_forwarder)

    def play_forwarder(self, publisher, subscriber):
        broker = self.launch("forwarder")
        listeners = [subscriber("sub", broker.backend, topic, 300) for topic in "ab"]
        for topic in "ab":
            publisher("pub", broker.frontend, topic, 300)
        for topic, child in zip("ab", listeners):
            child.wait_line("done 300")
            self.assertEqual(self.numbers(child, topic), list(range(300)))

    def test_streamer(self):
        self.each_cast(self.play_streamer)

    def play_streamer(self, pusher, puller):
        broker = self.launch("streamer")
        pullers = [puller("pull", broker.backend) for _ in range(2)]
        for name in "pq":
            pusher("push", broker.frontend, name, 500)
        want = [(name, number) for name in "pq" for number in range(500)]
        pullers[0].wait_until(lambda: len(self.pulled(pullers)) >= len(want), "all numbers")
        self.assertEqual(self.pulled(pullers), want)

    def pulled(self, pullers):
        return sorted((name, number) for child in pullers for name in "pq"
                      for number in self.numbers(child, name))
