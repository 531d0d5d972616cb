# SPDX-License-Identifier: MIT
"""Scenes of programs that have looked at a socket and then do something else for a while, each in
the event loop that its users have. Run as: loops.py SCENE IO_THREADS. Says how much processor time
the program took while it did nothing, once everything has arrived that was sent."""

import asyncio
import contextlib
import os
import resource
import select
import sys
import threading
import time

import gevent
import tornado.ioloop
import zmq
import zmq.asyncio
import zmq.eventloop.zmqstream
import zmq.green

JOBS = 20
PAUSE_S = 2
MANY = 1000
FULL_MS = 200  # without room for so long: the system's buffers are full as well
LIMIT_S = 30
IO_THREADS = int(sys.argv[2])
used_s = 0


def processor_s():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def idle():
    """What is in here only waits."""
    global used_s
    before = processor_s()
    yield
    used_s += processor_s() - before


def connect(context, kind, other_kind, **options):
    """A socket of the scene's context, and one of a plain one, connected over tcp."""
    sock, other = context.socket(kind), zmq.Context.instance().socket(other_kind)
    for one in (sock, other):
        one.linger = 0
        for name, value in options.items():
            one.setsockopt(getattr(zmq, name), value)
    other.connect(f"tcp://127.0.0.1:{sock.bind_to_random_port('tcp://127.0.0.1')}")
    return sock, other


def queue_jobs(other, count=JOBS):
    for number in range(count):
        other.send(b"%d" % number)


def trickle(other, count):
    """Sends so that messages come at all moments: before, while and after the other looks."""
    for number in range(count):
        other.send(b"%d" % number)
        time.sleep(0.0001 * (number % 7))


def in_thread(run, *args):
    thread = threading.Thread(target=run, args=args, daemon=True)
    thread.start()
    return thread


# ---- asyncio ----

async def asyncio_worker():
    """A job takes a while, and others wait."""
    sock, other = connect(zmq.asyncio.Context(IO_THREADS), zmq.PULL, zmq.PUSH)
    queue_jobs(other)
    for number in range(JOBS):
        assert int(await sock.recv()) == number
        with idle():
            await asyncio.sleep(PAUSE_S / JOBS)


async def asyncio_room():
    """Waits for room while it does not read."""
    sock, other = connect(zmq.asyncio.Context(IO_THREADS), zmq.DEALER, zmq.DEALER,
                          SNDHWM=2, RCVHWM=2, SNDBUF=5000, RCVBUF=5000)
    other.send(b"unread")
    await sock.poll()
    sender = asyncio.ensure_future(send_many(sock))
    with idle():
        await asyncio.sleep(PAUSE_S)
    assert not sender.done()
    in_thread(drain, other)
    await sender
    assert await sock.recv() == b"unread"


async def send_many(sock):
    for _ in range(MANY):
        await sock.send(b"x" * 10000)


def drain(other):
    while True:
        other.recv()


async def asyncio_trickle():
    sock, other = connect(zmq.asyncio.Context(IO_THREADS), zmq.PULL, zmq.PUSH)
    thread = in_thread(trickle, other, MANY)
    for number in range(MANY):
        assert int(await sock.recv()) == number
        if number % 5 == 0:
            await asyncio.sleep(0.001)
    thread.join()


async def asyncio_paused():
    """As aiozmq does: a reader of its own, which while reading is paused only asks."""
    sock, other = connect(zmq.Context(IO_THREADS), zmq.PULL, zmq.PUSH)
    loop, got, done = asyncio.get_running_loop(), [], asyncio.Event()
    paused = True

    def on_readable():
        if not sock.EVENTS & zmq.POLLIN or paused:
            return
        got.append(sock.recv(zmq.DONTWAIT))
        if len(got) == JOBS:
            done.set()
        if sock.EVENTS & zmq.POLLIN:
            loop.call_soon(on_readable)

    loop.add_reader(sock.FD, on_readable)
    queue_jobs(other)
    with idle():
        await asyncio.sleep(PAUSE_S)
    paused = False
    on_readable()
    await asyncio.wait_for(done.wait(), LIMIT_S)
    loop.remove_reader(sock.FD)


async def asyncio_end():
    """The context ends while a task still has something else to do. One error is told."""
    loop, errors = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, told: errors.append(told["exception"]))
    context = zmq.asyncio.Context(IO_THREADS)
    sock, _ = connect(context, zmq.PULL, zmq.PUSH)
    receiver = asyncio.ensure_future(sock.recv())
    await asyncio.sleep(0)
    ending = in_thread(context.term)
    with idle():
        await asyncio.sleep(PAUSE_S)
    assert all(isinstance(error, zmq.ContextTerminated) for error in errors), errors
    assert 1 <= len(errors) <= 3, len(errors)
    sock.close()
    receiver.cancel()
    await asyncio.to_thread(ending.join)


# ---- gevent ----

def gevent_worker():
    sock, other = connect(zmq.green.Context(IO_THREADS), zmq.PULL, zmq.PUSH)
    queue_jobs(other)
    for number in range(JOBS):
        assert int(sock.recv()) == number
        with idle():
            gevent.sleep(PAUSE_S / JOBS)


def gevent_room():
    sock, other = connect(zmq.green.Context(IO_THREADS), zmq.DEALER, zmq.DEALER,
                          SNDHWM=2, RCVHWM=2, SNDBUF=5000, RCVBUF=5000)
    other.send(b"unread")
    sock.poll()

    def send_many():
        for _ in range(MANY):
            sock.send(b"x" * 10000)

    sender = gevent.spawn(send_many)
    with idle():
        gevent.sleep(PAUSE_S)
    assert not sender.ready()
    in_thread(drain, other)
    sender.get(timeout=LIMIT_S)
    assert sock.recv() == b"unread"


def gevent_poller():
    """The poller waits for room only, while a message is there to be received."""
    sock, other = connect(zmq.green.Context(IO_THREADS), zmq.PAIR, zmq.PAIR,
                          SNDHWM=2, RCVHWM=2, SNDBUF=5000, RCVBUF=5000)
    other.send(b"unread")
    sock.poll()
    while sock.poll(FULL_MS, zmq.POLLOUT):
        sock.send(b"x" * 10000)
    poller = zmq.green.Poller()
    poller.register(sock, zmq.POLLOUT)
    waiter = gevent.spawn(poller.poll, 1000 * LIMIT_S)
    with idle():
        gevent.sleep(PAUSE_S)
    assert not waiter.ready()
    in_thread(drain, other)
    assert waiter.get() == [(sock, zmq.POLLOUT)]


def gevent_trickle():
    sock, other = connect(zmq.green.Context(IO_THREADS), zmq.PULL, zmq.PUSH)
    thread = in_thread(trickle, other, MANY)
    with gevent.Timeout(LIMIT_S):
        for number in range(MANY):
            assert int(sock.recv()) == number
            if number % 5 == 0:
                gevent.sleep(0.001)
    thread.join()


# ---- tornado ----

async def tornado_stopped():
    """A stream that receives nothing for a while, and then all."""
    sock, other = connect(zmq.Context(IO_THREADS), zmq.PULL, zmq.PUSH)
    stream = zmq.eventloop.zmqstream.ZMQStream(sock)
    got, first, done = [], asyncio.Event(), asyncio.Event()

    def on_message(parts):
        got.extend(parts)
        if len(got) == 1:
            stream.stop_on_recv()
            first.set()
        if len(got) == JOBS:
            done.set()

    stream.on_recv(on_message)
    queue_jobs(other)
    await asyncio.wait_for(first.wait(), LIMIT_S)
    with idle():
        await asyncio.sleep(PAUSE_S)
    assert len(got) == 1
    stream.on_recv(on_message)
    await asyncio.wait_for(done.wait(), LIMIT_S)
    stream.close()


# ---- poll and epoll ----

def epoll_edges():
    """By edges: receives one message at each look, and looks again until there is nothing."""
    sock, other = connect(zmq.Context(IO_THREADS), zmq.PULL, zmq.PUSH)
    epoll, got = select.epoll(), 0
    epoll.register(sock.FD, select.EPOLLIN | select.EPOLLET)
    thread = in_thread(trickle, other, MANY)
    while got < MANY:
        while sock.EVENTS & zmq.POLLIN:
            assert int(sock.recv(zmq.DONTWAIT)) == got
            got += 1
        if got < MANY:
            assert epoll.poll(LIMIT_S)
    thread.join()
    queue_jobs(other, 1)
    while not sock.EVENTS & zmq.POLLIN:
        assert epoll.poll(LIMIT_S)
    give_up = time.monotonic() + PAUSE_S
    with idle():
        while time.monotonic() < give_up:
            epoll.poll(give_up - time.monotonic())
            assert sock.EVENTS & zmq.POLLIN


def simple_poll():
    """Never asks for events: takes a message whenever the descriptor is readable."""
    sock, other = connect(zmq.Context(IO_THREADS), zmq.DEALER, zmq.DEALER)
    poll, got = select.poll(), 0
    poll.register(sock.FD, select.POLLIN)
    thread = in_thread(trickle, other, MANY)
    while got < MANY:
        assert poll.poll(1000 * LIMIT_S)
        try:
            assert int(sock.recv(zmq.DONTWAIT)) == got
            got += 1
        except zmq.Again:
            pass
    thread.join()
    give_up = time.monotonic() + PAUSE_S
    with idle():
        while time.monotonic() < give_up:
            poll.poll(1000 * (give_up - time.monotonic()))
            try:
                sock.recv(zmq.DONTWAIT)
            except zmq.Again:
                pass


def main(name):
    scene = globals()[name]
    if name.startswith("tornado"):
        tornado.ioloop.IOLoop.current().run_sync(scene)
    elif asyncio.iscoroutinefunction(scene):
        asyncio.run(asyncio.wait_for(scene(), 2 * LIMIT_S))
    else:
        scene()
    print(used_s, flush=True)
    os._exit(0)  # helpers may still be waiting


main(sys.argv[1])
