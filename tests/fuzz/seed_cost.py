#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of fuzz_cost.c to corpus/cost: inputs whose cost would grow with the square of
their length, were anything kept looked at again for each message."""

import pathlib

FOLDER = pathlib.Path(__file__).parent / "corpus/cost"
SUBSCRIBE, CANCEL, OFTEN, AT_ONCE = 1, 0, b"\x01", b"\xff"


def frame(body):
    return bytes([0, len(body)]) + body


def main():
    cut = frame(bytes([SUBSCRIBE, 0])) + frame(bytes([CANCEL, 0]))
    seeds = {
        "cuts": AT_ONCE + frame(bytes([SUBSCRIBE]) + bytes(200)) + cut * 4000,
        "many": AT_ONCE + b"".join(frame(bytes([SUBSCRIBE]) + i.to_bytes(2, "big"))
                                   for i in range(24000)),
        "holders": AT_ONCE + b"".join(frame(bytes([SUBSCRIBE + 4 * (i % 64)]) + b"t")
                                      for i in range(12000)),
        "parts": AT_ONCE + b"\1\0" * 30000 + b"\0\0",
        "slowly": OFTEN + (b"\1\0" * 1500 + b"\0\0") * 10,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, seed in seeds.items():
        (FOLDER / name).write_bytes(seed)


if __name__ == "__main__":
    main()
