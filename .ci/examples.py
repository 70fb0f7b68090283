"""Runs the examples of the documentation and holds the answers shown to those given.

Takes Markdown files, each with `#` and a heading after its name where only one section is meant. Every block
marked `sh` is run, in order, in one shell. A block marked `json` that follows one shows a part of what it
printed: objects may leave members out, and every item of a list must be found in the list given.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

DOCUMENTED_ADDRESS = "127.0.0.1:8080"
DOCUMENTED_METRICS = "127.0.0.1:9464"

# `cargo run -- …` and `ehcp …` in an example are the program that is built already.
PRELUDE = """
set -euo pipefail
cargo() { while [ "$1" != -- ]; do shift; done; shift; "$EHCP" "$@"; }
ehcp() { "$EHCP" "$@"; }
"""


def blocks(name):
    """The marked blocks of a file, as (place, language, text)."""
    path, _, heading = name.partition("#")
    text = pathlib.Path(path).read_text()
    start = 0
    if heading:
        begins = re.search(rf"^## {re.escape(heading)}$", text, re.MULTILINE)
        assert begins, f"{path} has no section {heading!r}"
        ends = re.search(r"^## ", text[begins.end() :], re.MULTILINE)
        start = begins.start()
        text = text[: begins.end() + ends.start()] if ends else text
    for block in re.finditer(r"^```(sh|json)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if block.start() >= start:
            line = text.count("\n", 0, block.start()) + 1
            yield f"{path}:{line}", block[1], block[2]


def is_part(shown, given):
    if isinstance(shown, dict):
        return isinstance(given, dict) and all(
            name in given and is_part(value, given[name]) for name, value in shown.items()
        )
    if isinstance(shown, list):
        return isinstance(given, list) and all(any(is_part(item, other) for other in given) for item in shown)
    return shown == given


def main():
    address, folder = os.environ["ADDRESS"], os.environ["FOLDER"]
    found = [block for name in sys.argv[1:] for block in blocks(name)]
    with tempfile.TemporaryDirectory() as printed:
        script = PRELUDE
        for number, (place, language, text) in enumerate(found):
            if language == "sh":
                script += f"\necho {place} >{printed}/at\nexec >{printed}/{number}\n"
                script += text.replace(DOCUMENTED_ADDRESS, address).replace(DOCUMENTED_METRICS, os.environ["METRICS"])
        ran = subprocess.run(["bash", "-c", script], cwd=folder, stdin=subprocess.DEVNULL)
        outputs = {path.name: path.read_text() for path in pathlib.Path(printed).iterdir()}
    last = max((int(name) for name in outputs if name != "at"), default=0)
    if ran.returncode:
        sys.exit(f"The example at {outputs['at'].strip()} failed:\n{outputs[str(last)]}")
    compared = 0
    for number, (place, language, text) in enumerate(found):
        if language == "json":
            given = json.loads(outputs[str(number - 1)])
            if not is_part(json.loads(text), given):
                sys.exit(f"The answer shown at {place} is not what is given:\n{json.dumps(given, indent=1)}")
            compared += 1
    assert compared, "no example shows an answer"
    print(f"{len(found) - compared} examples ran, and {compared} answers are as shown.")


main()
