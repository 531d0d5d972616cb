#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tally.py must never count a failure away."""

import contextlib
import io
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

import tally

CMOCKA = """[==========] Running 3 test(s).
[ RUN      ] test_one
[       OK ] test_one
[ RUN      ] test_two
{two}
[ RUN      ] test_three
{three}
[==========] 3 test(s) run.
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] test_two
"""
UNITTEST = """test_one (test_x.X.test_one) ... ok
test_two (test_x.X.test_two) ... skipped 'no javac'

----------------------------------------------------------------------
Ran {ran} tests in 0.008s

{verdict}
"""


def case(status, output="", skipped=None):
    element = xml.Element("testcase", name="folder.name", status=status)
    if skipped:
        xml.SubElement(element, "skipped", message=skipped)
    xml.SubElement(element, "system-out").text = output
    return element


class Counting(unittest.TestCase):
    def counts(self, element, passed, failed, skipped):
        self.assertEqual(tally.count_case(element), tally.Count(passed, failed, skipped))

    def test_a_plain_program_is_one_case(self):
        self.counts(case("run", "fine"), 1, 0, 0)
        self.counts(case("fail", "not fine"), 0, 1, 0)

    def test_only_a_program_that_asked_for_it_is_skipped(self):
        self.counts(case("notrun", skipped="SKIP_RETURN_CODE=77"), 0, 0, 1)
        self.counts(case("notrun", skipped="Unable to find executable"), 0, 1, 0)
        self.counts(case("disabled"), 0, 1, 0)

    def test_cmocka_cases_are_counted_once(self):
        output = CMOCKA.format(two="[  FAILED  ] test_two", three="[  SKIPPED ] test_three")
        self.counts(case("fail", output), 1, 1, 1)

    def test_a_crash_after_good_cases_is_a_failure(self):
        self.counts(case("fail", CMOCKA.split("{two}")[0]), 1, 1, 0)

    def test_a_sanitizer_report_after_good_cases_is_a_failure(self):
        output = UNITTEST.format(ran=2, verdict="OK (skipped=1)")
        self.counts(case("fail", output + "ERROR: LeakSanitizer"), 1, 1, 1)

    def test_unittest_cases(self):
        self.counts(case("run", UNITTEST.format(ran=2, verdict="OK (skipped=1)")), 1, 0, 1)
        self.counts(case("run", UNITTEST.format(ran=1, verdict="OK")), 1, 0, 0)
        verdict = "FAILED (failures=1, errors=2, skipped=1)"
        self.counts(case("fail", UNITTEST.format(ran=9, verdict=verdict)), 5, 3, 1)

    def test_a_unittest_module_that_skips_itself(self):
        self.counts(case("run", UNITTEST.format(ran=0, verdict="OK (skipped=1)")), 0, 0, 1)


class Reporting(unittest.TestCase):
    def report(self, *cases, log=""):
        with tempfile.TemporaryDirectory() as folder:
            suite = xml.Element("testsuite")
            suite.extend(cases)
            path = Path(folder) / "test.xml"
            xml.ElementTree(suite).write(path)
            path.with_suffix(".log").write_text(log)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                status = tally.main([str(path)])
        return status, printed.getvalue()

    def test_the_last_line_and_the_status(self):
        status, printed = self.report(case("run"), case("run"))
        self.assertEqual((status, printed), (0, "2 passed, 0 failed, 0 skipped\n"))
        status, printed = self.report(case("run"), case("fail", "it broke"))
        self.assertEqual(status, 1)
        self.assertIn("it broke", printed)
        self.assertEqual(printed.splitlines()[-1], "1 passed, 1 failed, 0 skipped")

    def test_nothing_passed_is_no_success(self):
        self.assertEqual(self.report()[0], 1)

    def test_the_cause_comes_from_the_log(self):
        log = "2/8 Test #2: folder.name .......***Timeout   1.01 sec\n"
        self.assertIn("folder.name: Timeout", self.report(case("fail"), log=log)[1])

    def test_the_reason_of_a_skip_is_told(self):
        output = UNITTEST.format(ran=2, verdict="OK (skipped=1)")
        self.assertIn("... skipped 'no javac'", self.report(case("run", output))[1])


if __name__ == "__main__":
    unittest.main()
