"""Checks the history of a workspace with Python's standard library alone.

    joinery export demo --as records --to demo.jsonl
    python3 verify_history.py demo.jsonl [head.json ...]

Exits with 0 if the records make the chain values of the export and of every signed head. Signatures need openssl.
"""
import base64, hashlib, json, subprocess, sys, tempfile

def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([128 | n & 127]), n >> 7
    return out + bytes([n])

def u48(n): return n.to_bytes(6, "big")
def data(b): return varint(len(b)) + b
def text(s): return data(s.encode())
def unbase64(s): return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
def link(value, kind, body): return hashlib.sha256(value + bytes([kind]) + body).digest()

def of_mark(value, m):
    if "generation" in m:
        return link(value, 0, u48(m["after"]) + text(m["generation"]))
    return link(value, 2, u48(m["after"]) + u48(m["groundLsn"]) + bytes.fromhex(m["state"] + m["annex"]))

def of_record(value, r):
    key = b"\1" + text(r["idempotencyKey"]) if "idempotencyKey" in r else b"\0"
    names = text(r["actor"]) + text(r["source"]) + text(r["connection"])
    touched = varint(len(r["touched"])) + b"".join(map(text, r["touched"]))
    return link(value, 1, u48(r["lsn"]) + u48(r["at"]) + names + key + touched + data(base64.b64decode(r["update"])))

def chain_of(path):
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    first, records, end = lines[0], lines[1:-1], lines[-1]
    lsn, value, values = first["firstLsn"] - 1, bytes.fromhex(first["chain"]), {}
    for r in records:
        assert r["lsn"] == lsn + 1, f"record {lsn + 1} is missing"
        for m in (m for m in first["marks"] if m["after"] == lsn): value = of_mark(value, m)
        lsn, value = r["lsn"], of_record(value, r)
        assert r["chain"] == value.hex(), f"record {lsn} does not make its chain value"
        values[lsn] = value.hex()
    assert end == {"records": len(records), "chain": value.hex()} and lsn == first["head"], "the export is cut short"
    return first["workspace"], values

def check_signature(h):
    fields = ["JOINERY HEAD 1", h["generation"], str(h["lsn"]), h["chain"], str(h["at"]), h["key"], h["workspace"]]
    der = bytes.fromhex("302a300506032b6570032100") + unbase64(h["key"])
    parts = [der, "\n".join(fields).encode(), unbase64(h["signature"])]
    files = [tempfile.NamedTemporaryFile() for _ in parts]
    for f, part in zip(files, parts): f.write(part), f.flush()
    command = "openssl pkeyutl -verify -pubin -keyform DER -rawin -inkey {} -in {} -sigfile {}"
    done = subprocess.run(command.format(*(f.name for f in files)).split(), stdout=2)
    assert done.returncode == 0, "wrong signature"

workspace, values = chain_of(sys.argv[1])
for head in (json.load(open(path, encoding="utf-8")) for path in sys.argv[2:]):
    check_signature(head)
    assert head["workspace"] == workspace and values.get(head["lsn"]) == head["chain"], f"departs before {head['lsn']}"
print(f"{workspace}: {len(values)} records, {len(sys.argv) - 2} heads")
