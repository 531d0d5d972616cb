# SPDX-License-Identifier: MIT
"""Writes the seeds of fuzz_session.c to corpus/session: run it again after changing them."""

import pathlib

PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB = range(11)
RAW, V31, V30, V20, WITH_ID = 0, 1, 2, 3, 4

SIGNATURE = b"\xff" + bytes(7) + b"\x01\x7f"
GREETING = SIGNATURE + b"\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)


def frame(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + len(body).to_bytes(8, "big") + body


def command(name, data=b""):
    return frame(bytes([len(name)]) + name + data, 4)


def properties(**values):
    octets = b""
    for name, value in values.items():
        name = name.replace("_", "-").encode()
        octets += bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value
    return octets


def ready(socket_type, **more):
    return command(b"READY", properties(Socket_Type=socket_type, **more))


SEEDS = {
    "v31-raw": (PUSH, RAW, GREETING + ready(b"PULL")),
    "v31-dealer": (ROUTER, V31, ready(b"DEALER", Identity=b"me") + frame(b"", 1) + frame(b"hi")),
    "v31-req": (ROUTER, V31 | WITH_ID, ready(b"REQ", Identity=b"") + frame(b"x" * 300)),
    "v31-sub": (XPUB, V31, ready(b"SUB") + command(b"SUBSCRIBE", b"a") + command(b"CANCEL", b"a")),
    "v31-ping": (PULL, V31, ready(b"PUSH") + command(b"PING", b"\0\x0actx") + frame(b"m")),
    "v31-pong": (PULL, V31, ready(b"PUSH") + frame(b"a", 1) + command(b"PONG", b"ctx")),
    "v31-large": (PULL, V31, ready(b"PUSH") + b"\x02" + (2000).to_bytes(8, "big") + b"start"),
    "v31-wrong-type": (PUSH, V31, ready(b"SUB")),
    "v31-error": (PUSH, V31, command(b"ERROR", b"\x03400")),
    "v31-error-later": (PUSH, V31, ready(b"PULL") + command(b"ERROR", b"\x03400")),
    "v31-properties": (PAIR, V31, ready(b"PAIR", Resource=b"/r", X_Own=b"\0\xff")),
    "v30-sub": (PUB, V30, ready(b"XSUB") + frame(b"\x01a") + frame(b"\x00a")),
    "v20-raw": (REP, RAW, SIGNATURE + b"\x01\x03" + frame(b"") + frame(b"", 1) + frame(b"q")),
    "v20-dealer": (ROUTER, V20 | WITH_ID, b"\x05" + frame(b"peer") + frame(b"hi")),
    "v20-sub": (XPUB, V20, b"\x02" + frame(b"") + frame(b"\x01")),
    "v10": (PUSH, RAW, b"\x01\x00"),
    "v10-named": (ROUTER, RAW | WITH_ID, b"\x05\x7epeer" + b"\x01\x7f" + b"\x03\x7ehi"),
    "v10-long": (PULL, RAW, b"\x01\x00\xff" + (301).to_bytes(8, "big") + b"\x00" + b"x" * 300),
    "v10-broken": (PULL, RAW, b"\x01\x00\x02\x00a\x00"),
    "v10-beta": (SUB, RAW, SIGNATURE + b"\x00\x01\x01\x00" + b"\x02\x00a"),
    "http": (PUSH, RAW, b"GET / HTTP/1.1\r\n\r\n"),
}


def main():
    folder = pathlib.Path(__file__).parent / "corpus" / "session"
    folder.mkdir(parents=True, exist_ok=True)
    for name, (socket_type, flags, octets) in SEEDS.items():
        (folder / name).write_bytes(bytes([socket_type, flags, 7]) + octets)


if __name__ == "__main__":
    main()
