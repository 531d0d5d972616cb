#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each rule of check.py must be able to fail, and only where it should."""

import tempfile
import unittest
from pathlib import Path

import check

MIT = "/* SPDX-License-Identifier: MIT */\n"


def sentences(files):
    """The breaches in a tree of {path: text}, as "path:line: sentence"."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return [f"{path.relative_to(root)}:{line}: {sentence}"
                for path, line, sentence in check.check_tree(root)]


class Case(unittest.TestCase):
    def passes(self, name, text, **more):
        self.assertEqual(sentences({name: text, **more}), [])

    def breaks(self, name, text, line, words, **more):
        found = sentences({name: text, **more})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(f"{name}:{line}: "), found[0])
        self.assertIn(words, found[0])


class Layers(Case):
    def test_every_pair_is_allowed_or_refused_as_the_table_says(self):
        for layer, allowed in check.LAYERS.items():
            for target in check.LAYERS:
                text = f'{MIT}#include "{target}/x.h"\n'
                with self.subTest(layer=layer, target=target):
                    if target in allowed or target == layer:
                        self.passes(f"src/{layer}/y.c", text)
                    else:
                        self.breaks(f"src/{layer}/y.c", text, 2, f"{layer} may not include")

    def test_nothing_below_the_api_sees_the_api(self):
        self.assertTrue(all("api" not in allowed for allowed in check.LAYERS.values()))

    def test_angle_brackets_do_not_hide_a_layer(self):
        self.breaks("src/base/x.c", MIT + "#include <core/peer.h>\n", 2, "layer/file.h")

    def test_a_layer_is_named_in_the_include(self):
        self.breaks("src/base/x.c", MIT + '#include "list.h"\n', 2, "layer/file.h")

    def test_includes_do_not_climb(self):
        self.breaks("src/core/x.c", MIT + '#include "../base/list.h"\n', 2, "climbs")
        self.breaks("app/x.c", MIT + '#include "../src/base/list.h"\n', 2, "climbs")

    def test_an_unknown_layer_is_refused(self):
        found = sentences({"src/misc/x.c": MIT})
        self.assertEqual(found, ["src/misc:1: src/misc is not in the layer table"])

    def test_libsodium_is_for_the_curve_file(self):
        text = MIT + "#include <sodium.h>\n"
        self.passes("src/wire/curve.c", text)
        self.breaks("src/wire/null.c", text, 2, "<sodium.h> is for")

    def test_public_headers_are_for_everybody(self):
        text = MIT + "#include <errno.h>\n#include <greenmq/zmq.h>\n#include <uthash.h>\n"
        for layer in check.LAYERS:
            self.passes(f"src/{layer}/x.c", text)
        self.passes("app/x.c", text)

    def test_public_only_folders_do_not_see_the_engine(self):
        for folder in check.PUBLIC_ONLY:
            text = MIT + '#include "core/peer.h"\n'
            self.breaks(f"{folder}/x.c", text, 2, "sees include/ only")
            text = MIT + "#include <core/peer.h>\n"
            self.breaks(f"{folder}/x.c", text, 2, "sees include/ only")

    def test_unit_tests_see_the_engine(self):
        self.passes("tests/unit/test_x.c", MIT + '#include "core/peer.h"\n')

    def test_a_folder_includes_its_own_files(self):
        own, shared = MIT + '#include "own.h"\n', MIT + '#include "support/own.h"\n'
        self.passes("app/x.c", own, **{"app/own.h": MIT})
        self.passes("tests/unit/x.c", shared, **{"tests/support/own.h": MIT})
        self.breaks("app/x.c", own, 2, "no file of this folder")


class Limits(Case):
    def test_columns(self):
        for name in ("src/base/x.c", "include/greenmq/x.h", "bench/x.h"):
            self.passes(name, MIT + f"/* {'x' * 94} */\n")
            self.breaks(name, MIT + f"/* {'x' * 95} */\n", 2, "101 columns")
        self.breaks("tests/interop/x.py",
                    f"# SPDX-License-Identifier: MIT\n# {'x' * 99}\n", 2, "101 columns")

    def test_tabs(self):
        self.breaks("src/base/x.c", MIT + "int\tx;\n", 2, "a tab")

    def test_white_space_at_the_end(self):
        self.breaks("src/base/x.c", MIT + "int x; \n", 2, "end of the line")

    def test_unfinished_work(self):
        for word in ("TO" "DO", "FIX" "ME", "X" "XX"):
            self.breaks("src/base/x.c", MIT + f"/* {word}: later */\n", 2, word)
        self.passes("src/base/x.c", MIT + "/* /tmp/fooX" "XXXX is a mkstemp name */\n")

    def test_licence(self):
        self.breaks("src/base/x.c", "int x;\n", 1, "first line must be")
        self.breaks("src/base/x.c", "", 1, "first line must be")
        self.breaks("src/base/x.c", "\n" + MIT, 1, "first line must be")
        self.breaks("dev", "#!/bin/sh\nset -eu\n", 1, "SPDX")
        self.passes("dev", "#!/bin/sh\n# SPDX-License-Identifier: MIT\n")

    def test_source_length(self):
        self.passes("src/base/x.c", MIT + "int x;\n" * 599)
        self.breaks("src/base/x.c", MIT + "int x;\n" * 600, 601, "601 lines")

    def test_header_length(self):
        self.passes("src/base/x.h", MIT + "int x;\n" * 149)
        self.breaks("src/base/x.h", MIT + "int x;\n" * 150, 151, "151 lines")
        self.passes("include/greenmq/zmq.h", MIT + "int x;\n" * 1000)

    def test_architecture_length(self):
        self.passes("ARCHITECTURE.md", "x\n" * 200)
        self.breaks("ARCHITECTURE.md", "x\n" * 201, 201, "201 lines")

    def test_each_file_has_its_room(self):
        source = {"src/base/x.c": MIT}
        self.passes("src/README.md", "## base: memory\n| x | a thing |\n", **source)
        self.breaks("src/README.md", "## base\n| y | a thing |\n", 1, "base/x", **source)
        self.breaks("src/README.md", "## core\n| x | a thing |\n", 1, "base/x", **source)

    def test_struct_typedef(self):
        for text in ("typedef struct x x;\n", "typedef struct {\n    int a;\n} x;\n",
                     "typedef union x x;\n"):
            self.breaks("src/base/x.h", MIT + text, 2, "typedef for a struct")
            self.passes("include/greenmq/x.h", MIT + text)
        self.passes("src/base/x.h", MIT + "/* typedef struct is not used */\n")
        self.passes("src/base/x.h", MIT + "typedef void callback(struct x *x);\n")


class Functions(Case):
    @staticmethod
    def function(lines, head="static int long_one(struct x *x)"):
        return f"{head}\n{{\n" + "    x();\n" * (lines - 3) + "}\n"

    def test_length(self):
        self.passes("src/base/x.c", MIT + self.function(70))
        self.breaks("src/base/x.c", MIT + self.function(71), 2, "long_one() has 71 lines")

    def test_length_in_tests(self):
        self.breaks("tests/unit/test_x.c", MIT + self.function(71), 2, "has 71 lines")

    def test_length_counts_from_the_first_line_of_the_head(self):
        head = "static int\nlong_one(int a,\n         int b)"
        self.breaks("src/base/x.c", MIT + self.function(69, head), 2, "has 71 lines")

    def test_length_after_other_things(self):
        before = ('struct x {\n    int a;\n};\nenum e { A, B };\n'
                  'static const char *const names[] = {"}", "{", "\\"{"};\n'
                  "static char c = '{';\n#define OPEN(x) do { \\\n    x\n"
                  "/* { */\n// {\n"
                  "static const struct ops ops = {\n    .f = F(1),\n};\n")
        first = before.count("\n") + 2
        self.passes("src/base/x.c", MIT + before + self.function(70))
        self.breaks("src/base/x.c", MIT + before + self.function(71), first, "long_one()")

    def test_tables_are_not_functions(self):
        rows = "    ROW(1, {2, 3}),\n" * 100
        self.passes("src/base/x.c", MIT + f"static const struct row rows[] = {{\n{rows}}};\n")

    def test_every_function_is_seen(self):
        text = MIT + "int a(void)\n{\n    if (b) {\n    }\n}\n\nvoid c(void)\n{\n}\n"
        self.assertEqual(list(check.functions(text)), [("a", 2, 5), ("c", 8, 3)])


if __name__ == "__main__":
    unittest.main()
