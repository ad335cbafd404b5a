#!/bin/sh
# Puts a text into a block and tells how its index fares, with nothing but curl.
#   index-block.sh URL WORKSPACE BLOCK TEXT      (JOINERY_TOKEN when the server has keys)
set -eu
url=$1 workspace=$2 block=$3 text=$4
base="$url/v1/workspaces/$workspace/blocks/$block"

call() {
  method=$1 path=$2 key=$3 body=$4
  # An answer that got lost is asked for again: under one key the request takes effect once.
  curl --silent --show-error --fail-with-body --retry 20 --retry-delay 1 --retry-connrefused \
    --request "$method" "$base$path" \
    --header "Content-Type: application/json" \
    --header "Idempotency-Key: $key" \
    --header "X-Joinery-Source: workflow_execution" \
    --header "X-Joinery-Actor: index-block.sh" \
    ${JOINERY_TOKEN:+--header "Authorization: Bearer $JOINERY_TOKEN"} \
    --data "$body"
  echo
}

run="sh-$$-$(date +%s)"
call PUT "" "$run-put" "{\"type\":\"text\",\"content\":\"$text\"}"
call POST "/indexing/shell/runs" "$run-start" "{\"runId\":\"$run\"}"
call POST "/indexing/shell/runs/$run/reports" "$run-half" '{"status":"processing","chunks":1}'
call POST "/indexing/shell/runs/$run/reports" "$run-done" '{"status":"done","chunks":2}'
