#!/usr/bin/env python3
"""Runs the steps of a saga, with Python's standard library alone.

    work_saga.py URL     (JOINERY_TOKEN when the server has keys: a token whose claim "work" names "greet")

The saga "greet" counts the words of a name, then writes a block with the operation that ends its step. Killed half-way, another
worker gets the step again, with the same key. A thread keeps the lease of each step alive while it runs.
"""
import hashlib
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

URL = sys.argv[1].rstrip("/")
TOKEN = os.environ.get("JOINERY_TOKEN")
WAIT_MS = 20_000
STEPS = [{"name": "count", "kind": "step"}, {"name": "write", "kind": "step", "hasUndo": True}]
# Workers of one version must say the same digest: one line for each step, its kind and its name.
LINES = "".join(f"{step['kind']} {step['name']}\n" for step in STEPS)
SAGA = {"name": "greet", "version": 1, "digest": hashlib.sha256(LINES.encode()).hexdigest(), "steps": STEPS}


class LeaseLost(Exception):
    """Another worker has the step, or it has ended: nothing of this attempt counts."""


def post(path, body=None):
    """The JSON of the answer. Tries again while the server is away or busy."""
    pause = 0.2
    while True:
        request = urllib.request.Request(URL + path, method="POST", data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if TOKEN:
            request.add_header("Authorization", f"Bearer {TOKEN}")
        try:
            with urllib.request.urlopen(request, timeout=WAIT_MS / 1000 + 10) as answer:
                text = answer.read()
                return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            if error.code == 409 and "lease_lost" in text:
                raise LeaseLost from error
            if error.code not in (408, 425, 429) and error.code < 500:
                raise SystemExit(f"the server refuses: {text}") from error
        except (OSError, ValueError):
            pass  # No whole answer came. The same request is safe to send again.
        time.sleep(pause)
        pause = min(pause * 2, 15)


def keep_alive(lease, path, ended):
    """Beats until the step has ended."""
    while not ended.wait(lease["leaseMs"] / 3000):
        try:
            post(path + "/beat", {})
        except LeaseLost:
            return


def run(lease):
    """What the step gives: its result, and operations that are made in the same write."""
    name = lease["input"]["name"]
    block = lease["input"]["block"]
    if lease["kind"] == "undo":
        return {"removeIfUntouched": [block]}
    if lease["step"] == "count":
        return {"result": {"words": len(name.split())}}
    content = f"Hello, {name}: {lease['results']['count']['words']} words."
    return {"result": {"block": block}, "operations": [{"op": "put", "block": block, "type": "text", "content": content}]}


def attempt(lease):
    path = "/v1/work/leases/" + urllib.parse.quote(lease["token"], safe="")
    ended = threading.Event()
    threading.Thread(target=keep_alive, args=(lease, path, ended), daemon=True).start()
    try:
        post(path + "/done", {} if lease["kind"] == "plan" else run(lease))
        print(lease["kind"], lease.get("step", "task"), "done", flush=True)
    except LeaseLost:
        print(lease["kind"], lease.get("step", "task"), "lost", flush=True)
    except (KeyError, TypeError, AttributeError) as error:
        # The next attempt would meet the same input.
        post(path + "/failed", {"error": f"the input does not fit: {error!r}", "class": "permanent"})
    finally:
        ended.set()


def main():
    worker = f"python-{os.getpid()}"
    while True:
        ask = {"worker": worker, "serves": [SAGA], "max": 1, "waitMs": WAIT_MS}
        for lease in post("/v1/work/leases", ask)["leases"]:
            attempt(lease)


main()
