#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts what ctest ran, case by case, from its JUnit reports and the logs beside them.

A ctest test is a whole program. What cmocka and unittest print tells how many cases it held; a
program that prints neither (a fuzz run, a check) is one case, and a program that failed without
naming a failed case (a crash, a time-out, a sanitizer's report) adds one failed case.

Prints the output of what failed, the reasons of what was skipped, and one last line.
"""

import re
import sys
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def count_cmocka(output):
    # cmocka names each failed case twice: when it fails and in its closing list.
    def cases(mark):
        return len(set(re.findall(rf"^\[ +{mark} +\] (\w+)$", output, re.MULTILINE)))

    if not re.search(r"^\[=+\] .*Running \d+ test", output, re.MULTILINE):
        return None
    return Count(cases("OK"), cases("FAILED"), cases("SKIPPED"))


def count_unittest(output):
    ran = re.search(r"^Ran (\d+) tests? in ", output, re.MULTILINE)
    if not ran:
        return None
    told = dict(re.findall(r"(failures|errors|skipped)=(\d+)", output[ran.end():]))
    failed = int(told.get("failures", 0)) + int(told.get("errors", 0))
    skipped = int(told.get("skipped", 0))
    return Count(max(0, int(ran[1]) - failed - skipped), failed, skipped)


def count_case(case):
    """What one <testcase>, a program, held."""
    output = case.findtext("system-out") or ""
    skipped = case.find("skipped")
    # A program that is not there or that was disabled is "skipped" to ctest, but not to us.
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return Count(skipped=1)
    passed = case.get("status") == "run"
    count = count_cmocka(output) or count_unittest(output) or Count(passed=int(passed))
    if not passed and count.failed == 0:
        count.failed = 1
    return count


def skip_reasons(output):
    named = re.findall(r"^.*\.\.\. skipped .*$|^\[  SKIPPED \] \w+$", output, re.MULTILINE)
    return sorted(set(named)) or output.strip().splitlines()[-1:]


def causes(log):
    """What ctest adds to failures (a signal, a time-out), by test; its report leaves that out."""
    told = log.read_text(errors="replace") if log.exists() else ""
    lines = re.findall(r"Test +#\d+: (\S+) \.*(.*?)\*\*\*(.*?) +[\d.]+ sec$", told, re.MULTILINE)
    return {name: " ".join(filter(None, (before.strip(), after.strip(" :"))))
            for name, before, after in lines}


def main(reports):
    total = Count()
    for report in reports:
        cause = causes(Path(report).with_suffix(".log"))
        for case in xml.parse(report).getroot().iter("testcase"):
            name, output = case.get("name"), case.findtext("system-out") or ""
            count = count_case(case)
            if count.failed:
                print(f"---- {name}: {cause.get(name, 'Failed')}, in {report}")
                print(output.strip() + "\n")
            for reason in skip_reasons(output) if count.skipped else []:
                print(f"skipped in {name}: {reason}")
            total.add(count)
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
