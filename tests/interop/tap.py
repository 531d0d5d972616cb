# SPDX-License-Identifier: MIT
"""A tap on a TCP connection: relays both ways and keeps a copy of what the peers have sent.

Peers connect to Tap.endpoint instead of the broker's own. Used where a test must see that bytes
were never sent at all, which no socket on either end can show.
"""

import socket
import threading


class Tap:
    def __init__(self, endpoint):
        host, port = endpoint[len("tcp://"):].rsplit(":", 1)
        self.target = (host, int(port))
        self.sent = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            for pair in ((near, far, self.sent), (far, near, None)):
                threading.Thread(target=relay, args=pair, daemon=True).start()

    def close(self):
        self.listener.close()


def relay(source, sink, copy):
    """Moves bytes until either side is gone, then closes both ways."""
    try:
        while data := source.recv(65536):
            if copy is not None:
                copy += data
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
