# SPDX-License-Identifier: MIT
"""JeroMQ, the ZeroMQ in Java, around the devices: alone and together with scripts on libzmq.

The JeroMQ of Debian speaks ZMTP 2.0, so these are also the scenes of an old peer. Skipped where
there is no Java compiler or no JeroMQ.
"""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import zmq

import harness
from parts import Parts
from scenes import Scenes

JAR = pathlib.Path("/usr/share/java/jeromq.jar")
# A short-lived JVM that leaves the machine to the others.
JAVA = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx512m"]
classes = None


def setUpModule():
    global classes
    if not shutil.which("javac"):
        raise unittest.SkipTest("there is no Java compiler (javac)")
    if not JAR.exists():
        raise unittest.SkipTest(f"JeroMQ is not installed: there is no {JAR}")
    classes = tempfile.mkdtemp(prefix="gmq")
    unittest.addModuleCleanup(shutil.rmtree, classes)
    subprocess.run(["javac", "-cp", JAR, "-d", classes, harness.HERE / "JeroPeer.java"], check=True)


class JeroCase(Parts, harness.Case):
    def jero(self, *words):
        return self.child(*JAVA, "-cp", f"{JAR}:{classes}", "JeroPeer", *words)


class AroundOurCommand(Scenes, JeroCase):
    cast = ("jero", "script")

    def casts(self):
        """Scripts alone play it in test_c_clients.py."""
        return [pair for pair in super().casts() if "jero" in pair]

    def launch(self, kind):
        return self.broker(kind)


class JeroAlone(JeroCase):
    def test_sizes(self):
        broker = self.broker("queue")
        self.worker(broker.backend)
        client = self.jero("sizes", broker.frontend)
        client.wait_line("echoed 16777216")
        self.assertEqual(client.wait_exit(), 0)

    def test_publisher_is_told_what_is_wanted_and_what_no_more(self):
        """Two topics, of which one is given up: a 2.0 peer is told by messages."""
        broker = self.broker("forwarder")
        subscriber = self.socket(zmq.SUB, broker.backend, [b"b"])
        publisher = self.jero("pub", broker.frontend, "b", 100)
        self.jero("pub", broker.frontend, "a", 100)
        for number in range(100):
            self.assertEqual(subscriber.recv_multipart(), [b"b", b"%d" % number])
        publisher.wait_line("done 100")
        subscriber.subscribe(b"a")
        for number in range(100):
            self.assertEqual(subscriber.recv_multipart(), [b"a", b"%d" % number])

    def test_worker_is_killed_and_comes_back(self):
        broker = self.broker("queue")
        worker = self.jero("rep", broker.backend, "first")
        client = self.script("req", broker.frontend, "c")
        worker.wait_line("served", count=20)
        worker.kill()
        fresh = self.jero("rep", broker.backend, "second")
        fresh.wait_line("served", count=20)
        self.assertTrue(client.is_running(), client.said())


if __name__ == "__main__":
    harness.main()
