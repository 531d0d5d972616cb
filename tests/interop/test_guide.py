# SPDX-License-Identifier: MIT
"""The programs of examples/guide, against each other and with libzmq at the other end."""

import pathlib
import re
import signal
import statistics

import building
import harness
import zmq

HELLOS = [f"{i}: hello world" for i in range(1, 11)]


class Guide(building.Builds, harness.Case):
    def setUp(self):
        super().setUp()
        self.places = 0

    def local(self):
        """An endpoint of this scene's own. Most are no ports, which others might take first."""
        self.places += 1
        return f"ipc://{self.folder}/place{self.places}"

    def bound(self, kind, endpoint, **options):
        """A socket on libzmq that is bound."""
        sock = harness.open_socket(self.context, kind, (), options)
        self.sockets.append(sock)
        sock.bind(endpoint)
        return sock

    def guide(self, name, *words):
        return self.example(f"guide/{name}.c", *words)

    def lines_of(self, child):
        self.assertEqual(child.wait_exit(), 0, child.said())
        return self.clean(child)

    # ---- hello world ----

    def test_hello(self):
        place = f"tcp://127.0.0.1:{harness.free_port()}"
        server, client = self.guide("hello_server", place), self.guide("hello_client", place)
        self.assertEqual(self.lines_of(client), HELLOS)
        self.assertEqual(self.end(server, signal.SIGINT), ["answered 10"])

    def test_hello_with_libzmq(self):
        place = f"tcp://127.0.0.1:{harness.free_port()}"
        server = self.guide("hello_server", place)
        client = self.socket(zmq.REQ, place)
        for _ in range(3):
            client.send(b"hello")
            self.assertEqual(client.recv(), b"world")
        self.assertEqual(self.end(server, signal.SIGTERM), ["answered 3"])
        place = self.local()
        server = self.bound(zmq.REP, place)
        client = self.guide("hello_client", place)
        for _ in HELLOS:
            self.assertEqual(server.recv(), b"hello")
            server.send(b"moon")
        self.assertEqual(self.lines_of(client), [x.replace("world", "moon") for x in HELLOS])

    # ---- weather updates ----

    def test_weather(self):
        place = self.local()
        server = self.guide("weather_server", place)
        client = self.guide("weather_client", place, "place-07", "place-70")
        heard = sorted(self.lines_of(client))
        self.assertRegex(heard[0], r"^place-07: -?\d+\.\d degrees$")
        self.assertRegex(heard[1], r"^place-70: -?\d+\.\d degrees$")
        self.assertEqual(len(heard), 2)
        listener = self.socket(zmq.SUB, place, subscribe=[b"place-42"])
        self.assertRegex(listener.recv_string(), r"^place-42 -?\d+ \d+$")
        self.assertEqual(self.end(server, signal.SIGINT), [])

    def test_weather_of_libzmq(self):
        place = self.local()
        server = self.bound(zmq.XPUB, place)
        client = self.guide("weather_client", place, "home", "away")
        self.assertEqual({server.recv(), server.recv()}, {b"\1home ", b"\1away "})
        degrees = [1, 2, 3, 4, -5]
        for number in degrees:
            server.send_string(f"homeland {100 * number} 0")
            server.send_string(f"home {number} 0")
            server.send_string(f"away {10 * number} 0")
        self.assertEqual(sorted(self.lines_of(client)),
                         [f"away: {10 * statistics.mean(degrees):.1f} degrees",
                          f"home: {statistics.mean(degrees):.1f} degrees"])

    # ---- divide and conquer ----

    def test_divide_and_conquer(self):
        tasks, results = self.local(), self.local()
        sink = self.guide("sink", results)
        workers = [self.guide("worker", tasks, results) for _ in range(3)]
        ventilator = self.guide("ventilator", tasks, results)
        handed = re.search(r"handed out (\d+) ms", "\n".join(self.lines_of(ventilator)))[1]
        self.assertEqual(self.lines_of(sink)[0], f"100 results, {handed} ms of work")
        done = [int(re.search(r"did (\d+) tasks", "\n".join(self.end(x, signal.SIGINT)))[1])
                for x in workers]
        self.assertEqual(sum(done), 100)

    def test_divide_and_conquer_with_libzmq_between(self):
        tasks, results = self.local(), self.local()
        sink = self.guide("sink", results)
        take = harness.open_socket(self.context, zmq.PULL)
        give = harness.open_socket(self.context, zmq.PUSH)
        self.sockets += [take, give]
        take.connect(tasks)
        give.connect(results)
        ventilator = self.guide("ventilator", tasks, results)
        total = 0
        for _ in range(100):
            task = take.recv()
            total += int(task)
            give.send(task)
        self.assertIn(f"handed out {total} ms of work", self.lines_of(ventilator))
        self.assertEqual(self.lines_of(sink)[0], f"100 results, {total} ms of work")

    # ---- brokers ----

    def test_broker(self):
        front, back = self.local(), self.local()
        broker = self.guide("broker", front, back)
        workers = self.guide("broker_worker", back, 3)
        clients = [self.guide("hello_client", front) for _ in range(3)]
        for client in clients:
            self.assertEqual(self.lines_of(client), HELLOS)
        asking = self.socket(zmq.REQ, front)
        asking.send(b"hello")
        self.assertEqual(asking.recv(), b"world")
        broker.wait_line("^31 replies so far$")
        answered = [int(line.split()[-1]) for line in self.end(workers, signal.SIGINT)]
        self.assertEqual((len(answered), sum(answered)), (3, 31))
        self.end(broker, signal.SIGTERM)

    def test_news_proxy(self):
        front, back = self.local(), self.local()
        proxy = self.guide("news_proxy", front, back)
        weather = self.guide("weather_client", back, "home")
        proxy.wait_line("^subscribed: home $")
        publisher = self.socket(zmq.XPUB, front)
        self.assertEqual(publisher.recv(), b"\1home ")
        for _ in range(5):
            publisher.send(b"home 21 50")
        self.assertEqual(self.lines_of(weather), ["home: 21.0 degrees"])
        proxy.wait_line("^unsubscribed: home $")
        lines = self.end(proxy, signal.SIGINT)
        self.assertEqual(lines.count("news: home 21 50"), 5)

    def test_load_balancer(self):
        front, back = self.local(), self.local()
        balancer = self.guide("load_balancer", front, back)
        clients = [self.socket(zmq.REQ, front) for _ in range(3)]
        for number, client in enumerate(clients):
            client.send(b"%d" % number)  # nobody is there yet: they wait
        first, second = self.socket(zmq.REQ, back), self.socket(zmq.REQ, back)
        taken = {}
        for worker in (first, second):
            worker.send(b"READY")
            client, empty, taken[worker] = worker.recv_multipart()
            self.assertEqual(empty, b"")
            if worker is first:
                held = client
        second.send_multipart([client, b"", b"re " + taken[second]])
        client, _, taken[second] = second.recv_multipart()  # the first is at work
        second.send_multipart([client, b"", b"re " + taken[second]])
        last = int(taken[second])  # whichever of the three that is
        self.assertEqual(clients[last].recv(), b"re %d" % last)  # so the second is idle again
        first.send_multipart([held, b"", b"re " + taken[first]])
        for number, client in enumerate(clients):
            if number != last:
                self.assertEqual(client.recv(), b"re %d" % number)
        clients[0].send(b"again")
        self.assertTrue(second.poll(harness.LIMIT_S * 1000))  # idle for longer than the first
        self.assertFalse(first.poll(0))
        self.assertEqual(self.end(balancer, signal.SIGINT), ["1 workers were idle"])

    def test_load_balancer_with_its_workers(self):
        front, back = self.local(), self.local()
        balancer = self.guide("load_balancer", front, back)
        workers = self.guide("ready_worker", back, 3)
        clients = [self.guide("hello_client", front) for _ in range(3)]
        for client in clients:
            self.assertEqual(self.lines_of(client), HELLOS)
        done = [re.fullmatch(r"worker (\d), (\d+) ms each: answered (\d+)", line).groups()
                for line in self.end(workers, signal.SIGINT)]
        self.assertEqual(sorted(x[:2] for x in done), [("1", "5"), ("2", "10"), ("3", "15")])
        self.assertEqual(sum(int(x[2]) for x in done), 30)
        self.assertEqual(self.end(balancer, signal.SIGTERM), ["3 workers were idle"])

    def test_ready_worker_of_libzmq(self):
        """A broker on libzmq."""
        place = self.local()
        broker = self.bound(zmq.ROUTER, place)
        workers = self.guide("ready_worker", place, 2)
        ready = [broker.recv_multipart() for _ in range(2)]
        self.assertEqual([parts[1:] for parts in ready], [[b"", b"READY"]] * 2)
        for number in range(4):
            worker = ready[number % 2][0]
            broker.send_multipart([worker, b"", b"client %d" % number, b"", b"hello"])
            self.assertEqual(broker.recv_multipart(),
                             [worker, b"", b"client %d" % number, b"", b"world"])
        lines = self.end(workers, signal.SIGTERM)
        self.assertEqual([line.split()[-1] for line in lines], ["2", "2"])

    # ---- service ----

    def test_service(self):
        place = self.local()
        service = self.guide("service", place, 5)
        clients = [self.socket(zmq.DEALER, place) for _ in range(2)]
        for client in clients:
            for _ in range(10):
                client.send_multipart([b"", b"hello"])
        answers = [client.recv_multipart()[1] for client in clients for _ in range(10)]
        self.assertEqual(set(answers), {b"world of %d" % i for i in range(1, 6)})
        hello = self.lines_of(self.guide("hello_client", place))
        self.assertRegex(hello[9], r"^10: hello world of \d$")
        status = (pathlib.Path("/proc") / str(service.pid) / "status").read_text()
        self.assertIn("Threads:\t1\n", status)
        self.end(service, signal.SIGTERM)

    # ---- coordination ----

    def test_coordination(self):
        news, ready = self.local(), self.local()
        subscribers = [self.guide("sync_subscriber", news, ready) for _ in range(3)]
        publisher = self.guide("sync_publisher", 3, news, ready)
        for subscriber in subscribers:
            self.assertEqual(self.lines_of(subscriber), ["heard 10000 updates"])
        self.assertEqual(self.lines_of(publisher), ["all are there"])

    # ---- the lazy pirate ----

    def test_lazy_pirate(self):
        place = self.local()
        server = self.bound(zmq.REP, place)
        client = self.guide("lazy_pirate", place, 1000 * harness.LIMIT_S)
        for number, tries in ((1, 1), (2, 3), (3, 2)):
            for _ in range(tries - 1):
                self.assertEqual(server.recv(), b"request %d" % number)
                server.send(b"nonsense")
            self.assertEqual(server.recv(), b"request %d" % number)
            server.send(b"request %d" % number)
            client.wait_line(f"^request {number}: answered at try {tries}$")
        self.lines_of(client)

    def test_lazy_pirate_gives_up(self):
        self.assertEqual(self.run_through("guide/lazy_pirate.c", self.local(), 20, code=1),
                         ["request 1: given up after 3 tries"])

    def test_lazy_pirate_asks_again(self):
        """A server that says nothing at first."""
        place = self.local()
        server = self.bound(zmq.ROUTER, place)
        client = self.guide("lazy_pirate", place, 100)
        asked = [server.recv_multipart() for _ in range(2)]
        self.assertNotEqual(asked[0][0], asked[1][0])  # a new socket
        self.assertEqual(asked[0][1:], asked[1][1:])
        self.assertEqual(client.wait_exit(), 1)

    def test_lazy_pirate_with_its_server(self):
        """Every third request is lost. On a machine under load some may be late besides."""
        place = self.local()
        server = self.guide("unreliable_server", place)
        lines = self.lines_of(self.guide("lazy_pirate", place, 1000))
        tries = [int(re.fullmatch(r"request \d: answered at try (\d)", x)[1]) for x in lines]
        self.assertEqual(len(tries), 3)
        self.assertGreater(sum(tries), 3)
        said = self.end(server, signal.SIGINT)
        self.assertEqual([line.split(":")[0] for line in said],
                         ["answered" if i % 3 else "lost" for i in range(1, len(said) + 1)])

    def test_unreliable_server_of_libzmq(self):
        """Clients on libzmq."""
        place = self.local()
        server = self.guide("unreliable_server", place)
        client = self.socket(zmq.DEALER, place)
        for number in range(1, 10):
            client.send_multipart([b"", b"%d" % number])
        self.assertEqual([client.recv_multipart() for _ in range(6)],
                         [[b"", b"%d" % i] for i in (1, 2, 4, 5, 7, 8)])
        server.wait_line("lost: 9")
        self.end(server, signal.SIGTERM)

    # ---- the others ----

    def test_identities(self):
        self.assertEqual(self.run_through("guide/identities.c"),
                         [" [5 octets, the first is 0] [hello]", " [PEER2] [hello]",
                          " [PEER3] [0 octets] [hello]"])

    def two_sources(self, way):
        tasks, news = self.local(), self.local()
        pusher, publisher = self.bound(zmq.PUSH, tasks), self.bound(zmq.XPUB, news)
        both = self.guide("two_sources", way, tasks, news)
        self.assertEqual(publisher.recv(), b"\1place-01 ")
        for number in range(10):
            pusher.send(b"%d" % number)
            publisher.send(b"place-01 %d" % number)
            publisher.send(b"place-02 %d" % number)
        both.wait_line("task", count=10)
        both.wait_line("news", count=10)
        lines = self.end(both, signal.SIGINT)
        for kind in ("task: ", "news: place-01 "):
            self.assertEqual([line for line in lines if line.startswith(kind)],
                             [f"{kind}{number}" for number in range(10)])
        self.assertEqual(len(lines), 20)

    def test_two_sources_with_poll(self):
        self.two_sources("poll")

    def test_two_sources_with_threads(self):
        self.two_sources("threads")

    def test_race(self):
        self.assertEqual(self.run_through("guide/race.c", 2000),
                         ["the baton went through 2000 hands"])


class Files(building.EveryExample):
    def test_each_is_run_and_in_the_readme(self):
        tests = pathlib.Path(__file__).read_text()
        readme = (building.EXAMPLES / "guide/README.md").read_text()
        self.assert_each_is_named("guide", readme)
        for path in (building.EXAMPLES / "guide").glob("*.c"):
            self.assertTrue(f'"{path.stem}"' in tests or f'"guide/{path.name}"' in tests, path)
        for name in re.findall(r"`(\w+\.c)`", readme):
            self.assertTrue((building.EXAMPLES / "guide" / name).exists(), name)


if __name__ == "__main__":
    harness.main()
