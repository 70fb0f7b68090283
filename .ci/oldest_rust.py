"""Reads what `cargo metadata` says, and fails where a dependency needs a later Rust than the manifest promises."""

import json
import sys


def version(text):
    parts = [int(part) for part in text.split(".")]
    return parts + [0] * (3 - len(parts))


packages = json.load(sys.stdin)["packages"]
promised = next(each["rust_version"] for each in packages if each["name"] == "ehcp-timeline")
later = [
    "{name} {version} needs Rust {rust_version}".format(**each)
    for each in packages
    if each["rust_version"] and version(each["rust_version"]) > version(promised)
]
if later:
    sys.exit("\n".join([f"The manifest promises Rust {promised}:", *later]))
print(f"Rust {promised} builds all {len(packages)} packages.")
