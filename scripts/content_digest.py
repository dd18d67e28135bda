#!/usr/bin/env python3
"""Recomputes the content digests of the databases that `demo --keep DIR` leaves.

    scripts/content_digest.py DIR/hub.db DIR/ann.db DIR/ben.db

Independent of the Rust code: nothing but SQLite and a JSON library. Prints one
line a database, `digest  file`, and exits 1 if they differ.

The digest is SHA-256 over, for every live record in the byte order of (kind,
id): kind 0x1F id 0x1F json 0x1E, where json is the object {body, id, kind,
name, parent_id, updated_at} with members sorted, no spaces, and numbers as they
were written. A device's `state_json` is derived and left out of its body.
"""

import hashlib
import json
import sqlite3
import sys


class AsWritten(float):
    """A number that is not whole, printed as it was read."""

    def __new__(cls, text):
        number = super().__new__(cls, text)
        number.text = text
        return number


def canonical(value):
    """Canonical JSON: what json.dumps gives, but with numbers as they were written."""
    if isinstance(value, AsWritten):
        return value.text
    if isinstance(value, dict):
        members = (f"{canonical(name)}:{canonical(value[name])}" for name in sorted(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


# The wire field that names the container of a record.
PARENT = {"room": "house_id", "user": "house_id", "device": "room_id", "entity_state": "device_id", "event": "entity_id"}
NAMELESS = {"entity_state", "event"}
MARKS_OF_SYNC = {"id", "sync_id", "created_at", "updated_at", "is_deleted"}


def of_replica(connection):
    """The live records of a client: columns, and a body of the other fields."""
    rows = connection.execute("SELECT kind, id, parent_id, name, body, updated_at FROM records WHERE NOT deleted")
    for kind, record_id, parent_id, name, body, updated_at in rows:
        yield kind, record_id, parent_id, name, json.loads(body, parse_float=AsWritten), updated_at


def of_hub(connection):
    """The live records of a hub: the `data` objects of the wire, whole."""
    for kind, record_id, data in connection.execute("SELECT kind, id, data FROM versions WHERE NOT deleted"):
        data = json.loads(data, parse_float=AsWritten)
        updated_at = data.get("updated_at")
        parent_id = data.pop(PARENT[kind], None) if kind in PARENT else None
        name = None if kind in NAMELESS else data.pop("name", None)
        body = {field: value for field, value in data.items() if field not in MARKS_OF_SYNC}
        yield kind, record_id, parent_id, name, body, updated_at


def content_digest(path):
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    rows = list(of_replica(connection) if "records" in tables else of_hub(connection))
    rows.sort(key=lambda row: (row[0].encode(), row[1].encode()))
    digest = hashlib.sha256()
    for kind, record_id, parent_id, name, body, updated_at in rows:
        if kind == "device":
            body.pop("state_json", None)
        record = {
            "body": body,
            "id": record_id,
            "kind": kind,
            "name": name,
            "parent_id": parent_id,
            "updated_at": updated_at,
        }
        digest.update(f"{kind}\x1f{record_id}\x1f{canonical(record)}\x1e".encode())
    return digest.hexdigest()


def main(paths):
    if not paths:
        sys.exit(__doc__)
    digests = [content_digest(path) for path in paths]
    for digest, path in zip(digests, paths):
        print(f"{digest}  {path}")
    sys.exit(0 if len(set(digests)) == 1 else 1)


if __name__ == "__main__":
    main(sys.argv[1:])
