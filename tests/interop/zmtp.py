# SPDX-License-Identifier: MIT
"""A ZMTP peer made of bytes, for tests that say exactly what is on the wire.

Happy path: Wire.connect(endpoint), handshake("DEALER"), then send and read frames. Everything that
is read is held against the rules that a sender must keep, so the command's own output is checked
by every test that uses it. Each piece of the protocol can also be said wrongly.

Failure modes: a connection that ends while something is awaited raises Closed; a wait that exceeds
LIMIT_S raises TimeoutError. Section names are those of 37/ZMTP 3.1.
"""

import os
import socket
import struct

LIMIT_S = int(os.environ.get("GREENMQ_TEST_LIMIT_S", "20"))
SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
GREETING_SIZE = 64
MORE, LONG, COMMAND = 1, 2, 4
NUMBERS = {"PAIR": 0, "PUB": 1, "SUB": 2, "REQ": 3, "REP": 4, "DEALER": 5, "ROUTER": 6,
           "PULL": 7, "PUSH": 8}


class Closed(Exception):
    """The other side has closed the connection."""


def greeting(major=3, minor=1, mechanism=b"NULL", padding=bytes(8), as_server=0):
    """All 64 octets: signature, version, mechanism, as-server, filler."""
    return (b"\xff" + padding + b"\x7f" + bytes([major, minor]) + mechanism.ljust(20, b"\0")
            + bytes([as_server]) + bytes(31))


def frame(body=b"", flags=0, is_long=None):
    """A frame in its short or its long form; by default the one that a sender should use."""
    if is_long is None:
        is_long = len(body) > 255
    if is_long:
        return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def message(*parts):
    return b"".join(frame(part, MORE) for part in parts[:-1]) + frame(parts[-1])


def frame_v1(body=b"", flags=0, is_long=None):
    """A frame of 13/ZMTP 1.0: a length that counts the flags, the flags, the body."""
    length = len(body) + 1
    if is_long if is_long is not None else length > 254:
        return b"\xff" + struct.pack(">Q", length) + bytes([flags]) + body
    return bytes([length, flags]) + body


def message_v1(*parts):
    return b"".join(frame_v1(part, MORE) for part in parts[:-1]) + frame_v1(parts[-1])


def command(name, data=b""):
    return frame(bytes([len(name)]) + name + data, COMMAND)


def prop(name, value):
    """One property of the metadata."""
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


def ready(socket_type, identity=None, name=b"Socket-Type"):
    data = prop(name, socket_type.encode())
    if identity is not None:
        data += prop(b"Identity", identity)
    return command(b"READY", data)


def ping(ttl_ds=0, context=b""):
    return command(b"PING", struct.pack(">H", ttl_ds) + context)


def properties(data):
    """Metadata as a dictionary with names in lower case; its grammar must hold."""
    found = {}
    while data:
        name_size = data[0]
        name, data = data[1:1 + name_size], data[1 + name_size:]
        value_size, = struct.unpack(">I", data[:4])
        value, data = data[4:4 + value_size], data[4 + value_size:]
        assert name_size >= 1 and len(name) == name_size and len(value) == value_size
        found[name.decode().lower()] = value
    return found


def open_stream(endpoint):
    """A plain socket connected to a tcp or ipc endpoint."""
    transport, place = endpoint.split("://", 1)
    if transport == "ipc":
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(LIMIT_S)
        sock.connect(place)
        return sock
    host, port = place.rsplit(":", 1)
    sock = socket.create_connection((host.strip("[]"), int(port)), LIMIT_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


class Wire:
    """One connection, spoken byte by byte."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(LIMIT_S)
        self.version = (3, 1)

    @classmethod
    def connect(cls, endpoint):
        return cls(open_stream(endpoint))

    def close(self):
        self.sock.close()

    def send(self, *pieces):
        self.sock.sendall(b"".join(pieces))

    def send_apart(self, data, size=1):
        """The same octets in pieces of a few, each in a segment of its own."""
        for start in range(0, len(data), size):
            self.sock.sendall(data[start:start + size])

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                piece = self.sock.recv(size - len(data))
            except ConnectionError as error:
                raise Closed(f"after {bytes(data)!r}: {error}") from None
            if not piece:
                raise Closed(f"after {bytes(data)!r}")
            data += piece
        return bytes(data)

    def read_frame(self):
        """Flags and body of the next frame, whose form must be the one a sender should use."""
        flags, = self.read(1)
        assert flags & ~(MORE | LONG | COMMAND) == 0, f"reserved flag bits in {flags:#x}"
        assert not (flags & COMMAND and flags & MORE), "MORE on a command"
        if flags & LONG:
            size, = struct.unpack(">Q", self.read(8))
            assert size > 255, f"{size} octets in the long form"
        else:
            size, = self.read(1)
        return flags & ~LONG, self.read(size)

    def read_message(self):
        """The next message's parts; commands may not stand between them."""
        parts = []
        while True:
            flags, body = self.read_frame()
            assert not flags & COMMAND, f"command {body!r} where a message was awaited"
            parts.append(body)
            if not flags & MORE:
                return parts

    def read_command(self):
        """Name and data of the next frame, which must be a command."""
        flags, body = self.read_frame()
        assert flags & COMMAND, f"message {body!r} where a command was awaited"
        assert 1 <= body[0] <= len(body) - 1, f"no command name in {body!r}"
        return body[1:1 + body[0]], body[1 + body[0]:]

    def read_end(self):
        """Everything up to the end of the connection, which must come."""
        rest = bytearray()
        try:
            while piece := self.sock.recv(65536):
                rest += piece
        except ConnectionError:
            pass
        return bytes(rest)

    def greet(self, **kind):
        """Crosses greetings; returns the other side's 64 octets."""
        self.send(greeting(**kind))
        return self.read(GREETING_SIZE)

    def handshake(self, socket_type, identity=None, minor=1):
        """Greeting and NULL handshake of 3.1 or 3.0; returns the other side's properties."""
        self.version = (3, minor)
        self.greet(minor=minor)
        self.send(ready(socket_type, identity))
        name, data = self.read_command()
        assert name == b"READY", f"{name!r} {data!r}"
        return properties(data)

    def handshake_v2(self, socket_type, identity=b""):
        """15/ZMTP 2.0; returns the other side's socket type (a number) and identity."""
        self.version = (2, 0)
        self.send(SIGNATURE, b"\x01", bytes([NUMBERS[socket_type]]), frame(identity))
        head = self.read(12)
        assert head[0] == 0xff and head[9] & 1 and head[10] >= 1, f"{head!r}"
        flags, their_identity = self.read_frame()
        assert flags == 0
        return head[11], their_identity

    def handshake_v1(self, identity=b""):
        """13/ZMTP 1.0; returns the other side's identity. What we are it is not told."""
        self.version = (1, 0)
        self.send(frame_v1(identity))
        head = self.read(10)
        assert head[0] == 0xff and head[9] == 0x7f, f"{head!r}"
        length, = struct.unpack(">Q", head[1:9])
        return self.read(length - 1)

    def read_frame_v1(self):
        """Flags and body of a frame of 1.0, in the form that a sender should use."""
        length, = self.read(1)
        assert length, "a frame without flags"
        if length == 0xff:
            length, = struct.unpack(">Q", self.read(8))
            assert length > 254, f"a length of {length} in the long form"
        flags, = self.read(1)
        assert flags in (0, MORE), f"flags {flags:#x}"
        return flags, self.read(length - 1)

    def read_message_v1(self):
        parts, flags = [], MORE
        while flags & MORE:
            flags, body = self.read_frame_v1()
            parts.append(body)
        return parts

    def sync(self, context=b"sync"):
        """Returns once all that was sent before has been dealt with: a PING is answered in its
        turn. What comes before the PONG is lost, so call it where nothing else is due."""
        self.send(ping(0, context))
        while self.read_frame() != (COMMAND, b"\x04PONG" + context):
            pass

    def wish(self, topic, is_wanted=True):
        """SUBSCRIBE or CANCEL, as this connection's version says it."""
        if self.version >= (3, 1):
            self.send(command(b"SUBSCRIBE" if is_wanted else b"CANCEL", topic))
        else:
            self.send(frame((b"\x01" if is_wanted else b"\x00") + topic))

    def read_wish(self):
        """b'+topic' or b'-topic', which must come in the form of this connection's version."""
        if self.version >= (3, 1):
            name, topic = self.read_command()
            assert name in (b"SUBSCRIBE", b"CANCEL"), name
            return (b"+" if name == b"SUBSCRIBE" else b"-") + topic
        body, = self.read_message()
        assert body[0] in (0, 1), body
        return (b"+" if body[0] else b"-") + body[1:]


class Listener:
    """The side that is connected to, for brokers that dial."""

    def __init__(self, port=0):
        self.sock = socket.create_server(("127.0.0.1", port))
        self.sock.settimeout(LIMIT_S)
        self.endpoint = f"tcp://127.0.0.1:{self.sock.getsockname()[1]}"

    def accept(self):
        sock, _ = self.sock.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(sock)

    def close(self):
        self.sock.close()
