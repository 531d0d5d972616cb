# SPDX-License-Identifier: MIT
"""Writes down what run.py measured: a table on the terminal, JSON, Markdown and an SVG chart.

Nothing is measured or judged here. Works that want to be small (times, memory) are drawn as
"times less", so that in the chart more is always better.
"""

import json
import math
import os
import platform
import subprocess
from xml.sax.saxutils import escape


def values_text(row):
    """What relay, libzmq in either form, and greenmq reached."""
    return [quantity(row["values"].get(name), row["unit"])
            for name in ("relay", row["other"], "greenmq")]


def heads(table):
    """What stands over the titles of a table, and over the figures of the others."""
    return (table, "other") if table == "green threads" else ("work", table)


def three_digits(value):
    """At least three digits, never an exponent: 0.0123, 1.23, 123, 1234."""
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def quantity(value, unit):
    """A number as people read it: 4.01 M msg/s, 23.5 KiB."""
    if value is None:
        return "–"
    if unit == "B":
        return f"{value / 1024:.2f} KiB" if value >= 1024 else f"{value:.0f} B"
    if unit in ("ms", "µs", "ns"):
        return f"{three_digits(value)} {unit}"
    for scale, letter in ((1e6, " M"), (1e3, " k")):
        if value >= scale:
            return three_digits(value / scale) + letter
    return f"{value:.0f}"


def bar_text(row):
    if row["bar_kind"] == "value at most":
        return f"≤ {quantity(row['bar'], row['unit'])}"
    sign = "≥" if row["bar_kind"] == "ratio at least" else "≤"
    return f"{sign} {row['bar']:.3g}" if row["bar"] >= 0.1 else f"{sign} 1/{1 / row['bar']:.0f}"


def ratio_text(ratio):
    return three_digits(ratio[0]) if ratio else "–"


def spread_text(ratio):
    return f"{three_digits(ratio[1])}–{three_digits(ratio[2])}" if ratio else "–"


def relay_text(row):
    """The share of the byte relay's throughput, with its bar where there is one."""
    if not row["of_relay"] or row["unit"] != "msg/s":
        return "–"
    share = f"{row['of_relay'][0]:.2f}"
    return f"{share} (≥ {row['relay_bar']:g})" if row["relay_bar"] else share


def verdict_text(row):
    if row["relay_verdict"] == "MISSED":
        return "MISSED (relay)" if row["verdict"] == "pass" else "MISSED (both)"
    return row["verdict"]


def machine(commands, bin_dir):
    """Where and with what this was measured."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "kernel": f"{platform.system()} {platform.release()}",
        "libzmq": first_line([str(bin_dir / "zmqproxy"), "--version"]),
        "greenmq": first_line([*commands["greenmq"], "--version"]) if "greenmq" in commands else "",
    }


def first_line(command):
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = ended.stdout.splitlines()
    return lines[0].strip() if lines and ended.returncode == 0 else ""


def machine_text(result):
    place = result["machine"]
    parts = [place["processor"], f"{place['cores']} cores", place["kernel"], place["libzmq"],
             place["greenmq"], "loopback TCP", f"medians of {result['pairs']} interleaved pairs"]
    return ", ".join(part for part in parts if part)


# ---- terminal ----

class Table:
    """Rows appear as they are known."""

    COLUMNS = (("work", 54), ("relay", 9), ("zmq_proxy", 9), ("greenmq", 9), ("ratio", 7),
               ("spread", 13), ("bar", 10), ("of relay", 15), ("", 0))

    def line(self, cells):
        text = [cells[0].ljust(self.COLUMNS[0][1])]
        text += [cell.rjust(width) for cell, (_, width) in zip(cells[1:-1], self.COLUMNS[1:-1])]
        print("  ".join([*text, cells[-1]]).rstrip(), flush=True)

    def __init__(self):
        self.is_empty = True

    def head(self, table):
        """Over the rows of one table: whom they compare with, or what they are about."""
        if not self.is_empty:
            print()
        self.is_empty = False
        work, other = heads(table)
        self.line([{"work": work, "zmq_proxy": other}.get(name, name) for name, _ in self.COLUMNS])

    def row(self, row):
        self.line([row["title"], *values_text(row), ratio_text(row["ratio"]),
                   spread_text(row["ratio"]),
                   bar_text(row), relay_text(row), verdict_text(row)])

    def foot(self, result, out):
        print(f"\n{machine_text(result)}; {result['runs']} runs in {result['seconds']:.0f} s")
        if result["disturbed"]:
            print(f"Other programs kept the processors busy in {result['disturbed']} runs; rows "
                  "that rest on such runs say 'unsure'.")
        for problem in result["problems"]:
            print(f"Problem: {problem}")
        print(f"Written: {out / 'results.json'}, results.svg, results.md")


# ---- files ----

def write(result, out):
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n",
                                      encoding="utf-8")
    (out / "results.md").write_text(markdown(result), encoding="utf-8")
    (out / "results.svg").write_text(svg(result), encoding="utf-8")


def markdown(result):
    lines, table = [], None
    for row in result["works"]:
        if row["table"] != table:
            table = row["table"]
            lines += [""] * bool(lines)
            work, other = heads(table)
            lines += [f"| {work} | byte relay | {other} | greenmq | ratio | bar | of the relay | |",
                      "|---|--:|--:|--:|--:|--:|--:|---|"]
        unit = f", {row['unit']}" if row["unit"].endswith("/s") else ""
        cells = [row["title"] + unit, *values_text(row), ratio_text(row["ratio"]), bar_text(row),
                 relay_text(row), verdict_text(row)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", f"Measured on {machine_text(result)}. Ratio is greenmq : the other."]
    if any(row["verdict"] == "unsure" for row in result["works"]):
        lines.append("Where it says unsure, other programs kept the processors busy.")
    return "\n".join(lines) + "\n"


WIDTH, LEFT, RIGHT, TOP, STEP, THICK = 900, 380, 90, 74, 34, 16
LEAST, MOST = 0.5, 100.0
TICKS = (0.5, 1, 2, 5, 10, 20, 50, 100)
GOOD, UNSURE, BAD, INK, FAINT = "#2f7d4f", "#8a8a8a", "#c4622d", "#222222", "#d9d9d9"


def across(factor):
    """Where a factor stands on the logarithmic axis."""
    share = math.log(min(max(factor, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def better_by(row):
    """How many times better greenmq is, and how many times it must be; None when unknown."""
    if row["bar_kind"] == "ratio at least":
        return row["ratio"] and row["ratio"][0], row["bar"]
    if row["bar_kind"] == "ratio at most":
        return row["ratio"] and 1 / row["ratio"][0], 1 / row["bar"]
    other = row["values"].get(row["other"])
    return row["ratio"] and 1 / max(row["ratio"][0], 1e-9), other and other / row["bar"]


def text(x, y, words, size=13, anchor="start", colour=INK, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}" font-weight="{weight}">{escape(words)}</text>')


def line(x1, y1, x2, y2, colour, width):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def chart_row(row, y):
    middle = y + STEP / 2
    parts = [text(LEFT - 12, middle + 4, row["title"], 12.5, "end")]
    factor, needed = better_by(row)
    if factor:
        colour = {"pass": GOOD, "unsure": UNSURE}.get(row["verdict"], BAD)
        start, end = sorted((across(1), across(factor)))
        parts.append(f'<rect x="{start:.1f}" y="{middle - THICK / 2:.1f}" '
                     f'width="{max(end - start, 1):.1f}" height="{THICK}" fill="{colour}"/>')
        words = f"{three_digits(factor)}×"
        parts.append(text(WIDTH - 12, middle + 4, words, 13, "end", colour, "bold"))
    else:
        parts.append(text(WIDTH - 12, middle + 4, "–", 13, "end"))
    if needed:
        x = across(needed)
        parts.append(line(x, middle - THICK / 2 - 4, x, middle + THICK / 2 + 4, INK, 2))
    return parts


def svg(result):
    rows = result["works"]
    bottom = TOP + STEP * len(rows)
    height = bottom + 64
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
             f'viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif">',
             f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
             text(16, 28, "greenmq beside libzmq and its zmq_proxy", 18, weight="bold"),
             text(16, 48, "Times better: more per second, or less time and memory. "
                          "The black tick is the bar to take.", 12.5)]
    for tick in TICKS:
        x = across(tick)
        parts.append(line(x, TOP - 4, x, bottom, INK if tick == 1 else FAINT,
                          1.2 if tick == 1 else 1))
        parts.append(text(x, bottom + 18, f"{tick:g}×", 12, "middle"))
    for index, row in enumerate(rows):
        parts += chart_row(row, TOP + STEP * index)
    parts.append(text(16, height - 14, machine_text(result), 11.5))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
