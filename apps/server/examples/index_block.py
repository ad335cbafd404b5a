#!/usr/bin/env python3
"""Indexes a block in steps, with Python's standard library alone.

    index_block.py URL WORKSPACE BLOCK RUN CHUNKS     (JOINERY_TOKEN when the server has keys)

Killed half-way and started again with the same RUN, it goes on where it was. RUN is the id of the run, and every report has
a key, so that a repeated report takes effect once. The summary is written once, because the script reads before it writes.
"""
import json
import os
import random
import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

SECONDS_PER_CHUNK = float(os.environ.get("SECONDS_PER_CHUNK", "0"))


def call(method, path, body=None, headers=None):
    """Sends a request until an answer comes. Returns the status and the JSON."""
    headers = {"Content-Type": "application/json", "X-Joinery-Source": "workflow_execution",
               "X-Joinery-Actor": "index_block.py", **(headers or {})}
    if "JOINERY_TOKEN" in os.environ:
        headers["Authorization"] = f"Bearer {os.environ['JOINERY_TOKEN']}"
    data = None if body is None else json.dumps(body).encode()
    delay = 0.1
    while True:
        wait = 0.0
        try:
            with urlopen(Request(f"{url}{path}", data, headers, method=method), timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            if error.code not in (429, 500, 502, 503, 504, 507):
                return error.code, json.load(error)
            wait = float(error.headers.get("Retry-After", 0))
        except (OSError, HTTPException):
            pass  # No answer, or half of one: the request may or may not have taken effect, so send it again.
        # Wait longer each time, and a random time, so that jobs do not retry all at once.
        time.sleep(wait + random.uniform(delay / 2, delay))
        delay = min(delay * 2, 10)


def expect(answer, *statuses):
    status, body = answer
    if status not in statuses:
        sys.exit(f"{status}: {body['error']['message']}")
    return body


def add_summary(block_path, line):
    """Changes a field by compare-and-set: reads, writes at that version, and starts again if the block has changed."""
    while True:
        block = expect(call("GET", block_path), 200)
        summary = block["fields"].get("summary", [])
        if line in summary:
            return  # Written already, by an earlier start or by a request whose answer was lost.
        summary = [*summary, line]
        status, _ = call("PATCH", block_path, {"fields": {"summary": summary}}, {"If-Match": f'"{block["version"]}"'})
        if status == 200:
            return
        if status != 409:
            sys.exit(f"the summary was refused with {status}")


url, workspace, block, run, chunks = sys.argv[1:]
block_path = f"/v1/workspaces/{quote(workspace, safe='')}/blocks/{quote(block, safe='')}"
index_path = f"{block_path}/indexing/python"

expect(call("POST", f"{index_path}/runs", {"runId": run}, {"Idempotency-Key": f"{run}-start"}), 201)
now = expect(call("GET", block_path), 200)
done = next((entry.get("chunks", 0) for entry in now["indexingList"] if entry["run"]["id"] == run), 0)
print(f"from chunk {done}", flush=True)
for chunk in range(done + 1, int(chunks) + 1):
    time.sleep(SECONDS_PER_CHUNK)
    report = {"status": "processing", "chunks": chunk, "progress": chunk, "total": int(chunks)}
    expect(call("POST", f"{index_path}/runs/{run}/reports", report, {"Idempotency-Key": f"{run}-{chunk}"}), 200)
    print(f"chunk {chunk}", flush=True)
add_summary(block_path, f"{run}: {chunks} chunks")
expect(call("POST", f"{index_path}/runs/{run}/reports", {"status": "done", "chunks": int(chunks)},
            {"Idempotency-Key": f"{run}-done"}), 200)
print("done", flush=True)
