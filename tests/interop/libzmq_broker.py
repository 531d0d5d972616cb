# SPDX-License-Identifier: MIT
"""libzmq's own proxy behind the words of the greenmq command: the other side of the comparison.

    libzmq_broker.py queue|forwarder|streamer FRONTEND BACKEND

Binds (or with '>' connects) both sides, says what it bound, relays until SIGTERM and leaves with 0.
Called by harness.py; an endpoint that does not bind ends it with a traceback.
"""

import os
import signal
import sys
import threading

import zmq

KINDS = {
    "queue": (zmq.ROUTER, zmq.DEALER),
    "forwarder": (zmq.XSUB, zmq.XPUB),
    "streamer": (zmq.PULL, zmq.PUSH),
}


def attach(sock, endpoints, side):
    for endpoint in endpoints.split(","):
        if endpoint.startswith(">"):
            sock.connect(endpoint[1:])
        else:
            sock.bind(endpoint)
            print(f"libzmq: {side} bound to {sock.LAST_ENDPOINT.decode()}", flush=True)


def main():
    kind, frontend, backend = sys.argv[1:]
    # The signals are waited for here, so the mask must be in place before the proxy's threads are.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    context = zmq.Context()
    sockets = [context.socket(one) for one in KINDS[kind]]
    for sock, endpoints, side in zip(sockets, (frontend, backend), ("frontend", "backend")):
        attach(sock, endpoints, side)
    threading.Thread(target=zmq.proxy, args=sockets, daemon=True).start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})
    os._exit(0)


if __name__ == "__main__":
    main()
