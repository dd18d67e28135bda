"""Plays the scenarios of `tests/conformance` with this package, as the runners of the other
languages do with theirs: `docs/conformance.md`. `cargo xtask conformance` runs it, on a
library with the stage in it.

    python bindings/python/conformance SCENARIOS FOLDER [NAME…]    writes FOLDER/NAME.jsonl for each
"""

import argparse
import asyncio
import logging
import pathlib
import sys
import tempfile

import blowing_off
from play import play

parser = argparse.ArgumentParser(prog="conformance", description="Plays scenarios.")
parser.add_argument("scenarios", type=pathlib.Path, help="the folder that they are in")
parser.add_argument("folder", type=pathlib.Path, help="where the transcripts go")
parser.add_argument("name", nargs="*", help="only these")
wanted = parser.parse_args()

found = {path.stem: path.absolute() for path in sorted(wanted.scenarios.glob("*.json"))}
if unknown := set(wanted.name) - found.keys():
    parser.error(f"there is no scenario {min(unknown)!r}")
wanted.folder.mkdir(parents=True, exist_ok=True)
# What goes wrong is meant to.
blowing_off.set_log_level(logging.CRITICAL)

failed = False
with tempfile.TemporaryDirectory(prefix="wildthing-conformance-") as folder:
    for name in wanted.name or found:
        played = asyncio.run(play(found[name], pathlib.Path(folder, name)))
        if played.problem is not None:
            print(f"{name}: {played.problem}", file=sys.stderr)
            failed = True
        text = played.text().encode()
        (wanted.folder / f"{name}.jsonl").write_bytes(text)
sys.exit(failed)
