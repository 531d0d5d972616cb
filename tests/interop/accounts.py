# SPDX-License-Identifier: MIT
"""The account that the command prints at its end, read back into numbers.

read(lines) gives {"greenmq queue": {"frontend to backend": {"received": (messages, parts, bytes),
...}, "peers": {"joined": (frontend, backend), ...}}}. check_balance() holds the law of the books.
Lines that belong to no account are skipped. Called by the tests that run the command.
"""

import re

TITLE = re.compile(r"^(greenmq\b.*): account$")
SECTION = re.compile(r"^  (\S.*?)  +(?:messages|frontend)\b")
ENTRY = re.compile(r"^    (\S.*?)  +(\d[\d ]*)$")
UNITS = ("messages", "parts", "bytes")


def read(lines):
    accounts, account, section = {}, None, None
    for line in lines:
        if found := TITLE.match(line):
            account = accounts[found[1]] = {}
        elif account is not None and (found := SECTION.match(line)):
            section = account[found[1]] = {}
        elif account is not None and section is not None and (found := ENTRY.match(line)):
            section[found[1]] = tuple(int(word) for word in found[2].split())
    return accounts


def check_balance(case, account, name):
    """received + copied = forwarded + queued + dropped, in every direction and unit."""
    for direction, flow in account.items():
        if direction == "peers":
            continue
        dropped = [numbers for word, numbers in flow.items() if word.startswith("dropped")]
        for i, unit in enumerate(UNITS):
            entered = flow["received"][i] + flow["copied"][i]
            left = flow["forwarded"][i] + flow["queued"][i] + sum(one[i] for one in dropped)
            case.assertEqual(entered, left, f"{unit} of {name}, {direction}: {flow}")
