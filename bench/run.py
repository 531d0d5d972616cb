#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures greenmq beside libzmq's zmq_proxy and a plain byte relay, and says what passes; the
library beside libzmq, see library.py; and green threads beside what they replace, see green.py.

Each work is one load on one broker. The brokers take turns within a work, pair after pair, in
changing order, each run with a fresh broker; what counts is the median of the ratios of the
pairs. A run during which other programs kept the processors busy is done again while the
allowance lasts, and then left out where enough others remain. The bars are in WORKS. README.md
in this folder says what is measured and how; report.py writes it down.

Ends with 0, also when a bar is missed (unless --check), with 1 when nothing could be measured,
and with 2 for wrong usage.
"""

import argparse
import fnmatch
import json
import os
import re
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import green
import library
import report

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
ANY_PORT = "tcp://127.0.0.1:*"
START_SECONDS = 5
LOAD_SECONDS = 90
DISTURBED_CORES = 0.25  # others' use of the processors from which a run counts as disturbed
COUNTED = ("bytes_each", "grown_bytes", "threads", "descriptors", "idle_us")
CLEAN_PAIRS = 3  # with fewer undisturbed pairs than these, all of them count


@dataclass
class Work:
    """One load, what is read from it, and the bar that it must take."""

    name: str
    title: str
    unit: str
    shape: str  # of the broker
    load: dict
    metric: str  # of one load's result, see value_of()
    bar: float
    bar_kind: str = "ratio at least"  # or "ratio at most", "value at most"
    relay: bool = False
    relay_bar: float = 0
    verify: bool = False
    load_shape: str = ""
    other: str = "zmq_proxy"  # what greenmq is compared with
    table: str = "zmq_proxy"  # where it stands: in the one that is headed so
    programs: dict = field(default_factory=dict)  # without a broker: what runs, and how it is begun
    most_pairs: int = 0  # more are not worth their time; 0: as many as are asked for
    quick_load: dict = field(default_factory=dict)  # what differs with --quick
    runs: list = field(default_factory=list)  # one dict a pair: broker -> result

    def is_spoilt(self, result):
        """Whether others' use of the processors matters to this result; to what is counted it does
        not."""
        return self.metric not in COUNTED and result["others_cores"] > DISTURBED_CORES

    def pairs(self, *names):
        """The pairs that count for these brokers: the undisturbed ones, if they are enough."""
        known = [run for run in self.runs if all(run.get(name) for name in names)]
        clean = [run for run in known
                 if not any(self.is_spoilt(run[name]) for name in names)]
        return clean if len(clean) >= min(CLEAN_PAIRS, len(self.runs)) else known

    def is_disturbed(self):
        """Whether a disturbed run is among those that count."""
        names = [name for name in (self.other, "greenmq") if self.pairs(name)]
        return any(self.is_spoilt(run[name]) for run in self.pairs(*names) for name in names)


def streamer(size, title, bar, relay_bar):
    return Work(f"streamer-{size}", f"streamer 1→1, {title}", "msg/s", "streamer",
                {"size": size}, "rate", bar, relay=True, relay_bar=relay_bar, verify=True)


def forwarder(size, title, bar):
    return Work(f"forwarder-{size}", f"forwarder 1→10, {title}", "deliveries/s", "forwarder",
                {"size": size, "receivers": 10}, "rate", bar, verify=True)


WORKS = [
    streamer(16, "16 B", 10, 0),
    streamer(128, "128 B", 3.5, 0),
    streamer(1024, "1 KiB", 3, 0.8),
    streamer(16384, "16 KiB", 2.5, 0.8),
    streamer(1048576, "1 MiB", 1.3, 0.8),
    forwarder(16, "16 B", 6),
    forwarder(1024, "1 KiB", 2.5),
    Work("queue-pipelined", "queue, 10 clients × 100 in flight, 4 workers, 64 B", "req/s", "queue",
         {"clients": 10, "in-flight": 100, "workers": 4}, "rate", 5),
    Work("queue-lockstep", "queue, 200 lock-step clients, 4 workers, 64 B", "req/s", "queue",
         {"clients": 200, "workers": 4}, "rate", 1.4),
    Work("queue-roundtrip", "queue, 1 client, 1 worker, median round trip", "µs", "queue",
         {}, "p50_us", 0.85, "ratio at most"),
    Work("processor", "broker's processor time per message, 16 B streamer", "ns", "streamer",
         {"size": 16, "count": 10_000_000}, "cpu_ns", 1 / 12, "ratio at most", relay=True),
    Work("memory", "memory per idle connection, 5,000 of them", "B", "queue",
         {"connections": 5000}, "bytes_each", 4096, "value at most", load_shape="idle"),
]


def of_programs(table, *args, programs, **more):
    """A work without a broker; what greenmq is compared with, if anything, is named first."""
    other = next(name for name in [*programs, ""] if name != "greenmq")
    return Work(*args, table=table, programs=programs, other=other, **more)


WORKS += library.works(lambda *args: of_programs("libzmq", *args, programs=library.PROGRAMS))
WORKS += green.works(lambda *args, **more: of_programs("green threads", *args, **more))
QUICK_COUNT = 2_000_000
QUICK_WINDOWS = {"warmup": 100, "window": 200}  # of programs without a broker


def value_of(work, result):
    """The number of a result that a work is about."""
    if work.metric == "cpu_ns":
        return result["broker_cpu"] / result["messages"] * 1e9
    return result[work.metric]


class Failure(Exception):
    """One plain sentence about what went wrong in a run."""


class Broker:
    """A broker process on two free ports; always ended, by its own process id."""

    def __init__(self, name, command, shape, cores):
        self.name = name
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*command, shape, ANY_PORT, ANY_PORT], stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=subprocess.STDOUT, preexec_fn=lambda: prepare_child(cores))

    def __enter__(self):
        try:
            self.endpoints = self.wait_for_endpoints()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def text(self):
        return os.pread(self.output.fileno(), 1 << 16, 0).decode(errors="replace")

    def wait_for_endpoints(self):
        limit = time.monotonic() + START_SECONDS
        while time.monotonic() < limit:
            found = re.findall(r"\btcp://[^\s,'\"]+:[1-9][0-9]*\b", self.text())
            if len(found) >= 2:
                return found[:2]
            self.check()
            time.sleep(0.002)
        raise Failure(f"{self.name} did not say within {START_SECONDS} s what it bound")

    def ending(self):
        """How the process ended, in words; empty while it runs."""
        code = self.process.poll()
        if code is None:
            return ""
        lines = self.text().strip().splitlines()
        last = f": {lines[-1]}" if lines else ""
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        return f"{self.name} {how}{last}"

    def check(self):
        """Raises when the process has ended by itself."""
        if self.process.poll() is not None:
            raise Failure(self.ending())

    def stop(self):
        """Asks twice (the second signal skips the drain); raises when it dies of it or stays."""
        if self.process.poll() is not None:
            return
        for patience in (0.3, 3):
            self.process.terminate()
            try:
                self.process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        if self.process.poll() is None:
            raise Failure(f"{self.name} runs on after two SIGTERM")
        if self.process.returncode not in (0, -signal.SIGTERM):
            raise Failure(f"when asked to stop, {self.ending()}")

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()


def prepare_child(cores):
    """In the child, before exec: descriptors for thousands of connections, and where to run."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if cores:
        os.sched_setaffinity(0, cores)


class Neighbours:
    """How much processor time went to others than this bench since it was made."""

    def __init__(self):
        self.start = self.read()

    @staticmethod
    def read():
        with open("/proc/stat", encoding="ascii") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        user, nice, system, _, _, irq, softirq, steal = ticks
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy - sum(os.times()[:4])

    def cores(self):
        now, others = self.read()
        return max(0.0, (others - self.start[1]) / (now - self.start[0]))


class Bench:
    """All that a run needs to know: programs, times, the allowance for repetitions."""

    def __init__(self, args):
        self.args = args
        self.commands = {}
        for name, path in (("relay", args.bin_dir / "relay"),
                           ("zmq_proxy", args.bin_dir / "zmqproxy"),
                           ("greenmq", args.greenmq)):
            if os.access(path, os.X_OK):
                self.commands[name] = [str(path)]
            else:
                say(f"{path} is not there: {name} is left out")
        self.missing = set()
        self.measured = {}  # what was run -> its runs: one run may serve several works
        self.load = str(args.bin_dir / "load")
        self.windows = {"warmup": 150, "window": 300} if args.quick else \
                       {"warmup": 300, "window": 1000}
        self.allowance_seconds = 15 if args.quick else 300
        self.problems = []
        self.disturbed = 0
        self.runs = 0

    def program(self, work, name):
        """The command line of a program that needs no broker; None if it is not there."""
        program, *more = work.programs[name]
        path = BENCH / program if program.endswith(".py") else self.args.bin_dir / program
        if os.access(path, os.X_OK):
            return [sys.executable] * program.endswith(".py") + [str(path), work.shape, *more]
        if path not in self.missing:
            say(f"{path} is not there: {name} is left out")
        self.missing.add(path)
        return None

    def brokers_for(self, work):
        if work.programs:
            return [name for name in work.programs if self.program(work, name)]
        return [name for name in self.commands if name != "relay" or work.relay]

    def pairs_of(self, work):
        return min(self.args.pairs, work.most_pairs or self.args.pairs)

    def run_program(self, work, name):
        """One run of a work of library.py or green.py."""
        neighbours = Neighbours()
        options = {**self.windows, **work.load}
        if self.args.quick:
            options.update({**QUICK_WINDOWS, **work.quick_load})
        result, problem = library.run(self.program(work, name), options,
                                      lambda: prepare_child(None))
        if problem:
            raise Failure(problem)
        result["others_cores"] = round(neighbours.cores(), 3)
        return result

    def drive(self, work, name, endpoints, pid, verify):
        """One load on a running broker: its result."""
        options = {**self.windows, **work.load, "pid": pid, **self.args.load}
        if self.args.quick and "count" in options:
            options["count"] = QUICK_COUNT
        if verify:
            options.update({"warmup": 20, "window": 80})
        command = [self.load, work.load_shape or work.shape, "--frontend", endpoints[0],
                   "--backend", endpoints[1]] + (["--verify"] if verify else [])
        for option, value in options.items():
            command += [f"--{option}", str(value)]
        cores = {max(os.sched_getaffinity(0))} if self.args.pin else None
        try:
            ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                   text=True, timeout=LOAD_SECONDS, check=False,
                                   preexec_fn=lambda: prepare_child(cores))
        except subprocess.TimeoutExpired:
            raise Failure(f"the load on {name} did not end in {LOAD_SECONDS} s") from None
        if ended.returncode != 0:
            raise Failure(ended.stderr.strip() or f"the load ended with {ended.returncode}")
        return json.loads(ended.stdout)

    def run_once(self, work, name, verify=False):
        if work.programs:
            return self.run_program(work, name)
        neighbours = Neighbours()
        cores = {min(os.sched_getaffinity(0))} if self.args.pin else None
        with Broker(name, self.commands[name], work.shape, cores) as broker:
            try:
                result = self.drive(work, name, broker.endpoints, broker.process.pid, verify)
            except Failure as failure:
                time.sleep(0.05)
                if broker.process.poll():  # its end explains what its peers saw
                    raise Failure(f"{broker.ending()} ({failure})") from None
                raise
            if name != "relay":  # which ends with its peers
                broker.check()
            broker.stop()
        result["others_cores"] = round(neighbours.cores(), 3)
        return result

    def wait_for_quiet(self):
        """Until others leave the processors alone, or the allowance is used up."""
        while self.allowance_seconds > 0:
            neighbours = Neighbours()
            time.sleep(0.2)
            self.allowance_seconds -= 0.2
            if neighbours.cores() <= DISTURBED_CORES:
                return

    def run_undisturbed(self, work, name):
        result = self.run_once(work, name)
        while work.is_spoilt(result) and self.allowance_seconds > 0:
            self.wait_for_quiet()
            started = time.monotonic()
            result = self.run_once(work, name)
            self.allowance_seconds -= time.monotonic() - started
        self.disturbed += work.is_spoilt(result)
        return result

    def run(self, work, name, verify=False):
        """A run; None and a noted problem when it failed."""
        try:
            result = self.run_once(work, name, True) if verify else \
                     self.run_undisturbed(work, name)
        except Failure as failure:
            problem = f"{work.name} on {name}{' (every byte checked)' * verify}: {failure}"
            self.problems.append(problem)
            say(problem)
            return None
        self.runs += 1
        return result

    def measure(self, work):
        """All pairs of a work."""
        names = self.brokers_for(work)
        what = repr((work.shape, work.load, work.programs))
        if work.programs and what in self.measured:
            work.runs = self.measured[what]
            return
        self.measured[what] = work.runs
        if work.verify:
            names = [name for name in names if self.run(work, name, verify=True)]
        for pair in range(self.pairs_of(work)):
            order = names if pair % 2 == 0 else names[::-1]
            work.runs.append({name: self.run(work, name) for name in order})


def median_ratio(work, over, under):
    """The median over the pairs of two brokers' ratios, and their spread."""
    ratios = sorted(value_of(work, run[over]) / max(value_of(work, run[under]), 1e-9)
                    for run in work.pairs(over, under))
    return (statistics.median(ratios), ratios[0], ratios[-1]) if ratios else None


def judge(work, problems):
    """One row of the result."""
    row = {"name": work.name, "title": work.title, "unit": work.unit, "bar": work.bar,
           "bar_kind": work.bar_kind, "table": work.table, "other": work.other,
           "relay_bar": work.relay_bar, "values": {}, "runs": work.runs}
    for name in ("relay", work.other, "greenmq"):
        values = [value_of(work, run[name]) for run in work.pairs(name)]
        if values:
            row["values"][name] = statistics.median(values)
    row["ratio"] = median_ratio(work, "greenmq", work.other)
    row["of_relay"] = median_ratio(work, "greenmq", "relay") if work.relay else None
    green = row["values"].get("greenmq")
    if any(problem.startswith(f"{work.name} on greenmq") for problem in problems):
        row["verdict"] = "FAILED"
    elif work.bar_kind == "value at most":
        row["verdict"] = verdict(green, lambda: green <= work.bar)
    elif work.bar_kind == "ratio at most":
        row["verdict"] = verdict(row["ratio"], lambda: row["ratio"][0] <= work.bar)
    else:
        row["verdict"] = verdict(row["ratio"], lambda: row["ratio"][0] >= work.bar)
    row["relay_verdict"] = verdict(row["of_relay"] if work.relay_bar else None,
                                   lambda: row["of_relay"][0] >= work.relay_bar)
    if work.is_disturbed():
        for key in ("verdict", "relay_verdict"):
            row[key] = "unsure" if row[key] in ("pass", "MISSED") else row[key]
    return row


def verdict(known, passes):
    if known is None:
        return "–"
    return "pass" if passes() else "MISSED"


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def load_option(text):
    option, found, value = text.partition("=")
    if not found or not option or not value:
        raise argparse.ArgumentTypeError(f"'{text}' is not OPTION=VALUE")
    return option, value


def parse_arguments():
    names = ", ".join(work.name for work in WORKS)
    parser = argparse.ArgumentParser(
        description="Measure greenmq beside libzmq, its zmq_proxy and a byte relay.",
        epilog=f"Works: {names}.")
    parser.add_argument("--quick", action="store_true", help="short runs: within two minutes")
    parser.add_argument("--work", action="append", metavar="NAME",
                        help="only this work, or these: 'streamer-*' (may be repeated)")
    parser.add_argument("--pairs", type=int, metavar="N", help="pairs a work (7, quick 3)")
    parser.add_argument("--check", action="store_true", help="end with 1 when a bar is missed")
    parser.add_argument("--pin", action="store_true",
                        help="the broker on the first core, the load on the last")
    parser.add_argument("--load", action="append", type=load_option, default=[],
                        metavar="OPTION=VALUE", help="another option for the load generator")
    parser.add_argument("--bin-dir", type=Path, default=ROOT / "build/release/bench",
                        metavar="DIR", help="where the programs of the bench are")
    parser.add_argument("--greenmq", type=Path, default=ROOT / "build/bin/greenmq",
                        metavar="PATH", help="the command to measure")
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench", metavar="DIR",
                        help="where results.json, .svg and .md go")
    args = parser.parse_args()
    if args.pairs is None:
        args.pairs = 3 if args.quick else 7
    if args.pairs < 1:
        parser.error("--pairs must be at least 1")
    patterns = args.work or ["*"]
    for pattern in patterns:
        if not any(fnmatch.fnmatch(work.name, pattern) for work in WORKS):
            parser.error(f"there is no work '{pattern}'; there are {names}")
    args.works = [work for work in WORKS
                  if any(fnmatch.fnmatch(work.name, pattern) for pattern in patterns)]
    args.load = dict(args.load)
    return args


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = Bench(args)
    if not os.access(bench.load, os.X_OK) or not bench.commands:
        say(f"the bench programs are not in {args.bin_dir}")
        return 1
    started = time.monotonic()
    rows = []
    table = report.Table()
    shown = None
    for work in args.works:
        if work.table != shown:
            shown = work.table
            table.head(shown)
        bench.measure(work)
        rows.append(judge(work, bench.problems))
        table.row(rows[-1])
    result = {
        "machine": report.machine(bench.commands, args.bin_dir),
        "when": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "seconds": round(time.monotonic() - started, 1),
        "quick": args.quick, "pairs": args.pairs, "pin": args.pin, "load": args.load,
        "runs": bench.runs, "disturbed": bench.disturbed, "problems": bench.problems,
        "works": rows,
    }
    report.write(result, args.out)
    table.foot(result, args.out)
    passed = all(row["verdict"] == "pass" for row in rows) and \
        all(row["relay_verdict"] == "pass" for row in rows if row["relay_bar"])
    return 0 if passed or not args.check else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(1)
