#!/bin/sh
# Writes a text into a block and reports the status of its index, with nothing but curl.
#   index-block.sh URL WORKSPACE BLOCK TEXT [RUN]      (JOINERY_TOKEN when the server has keys)
# WORKSPACE and BLOCK are written as in a URL: acme%2Fdocs. Run again with the same RUN, the script does nothing twice.
set -eu
url=$1 workspace=$2 block=$3 text=$4 run=${5:-sh-$$-$(date +%s)}
base="$url/v1/workspaces/$workspace/blocks/$block"

# Prints a text as a JSON string.
json() {
  tab=$(printf '\t')
  printf '%s\n' "$1" | tr -d '\000-\010\013-\037' | sed -e 's/[\\"]/\\&/g' -e "s/$tab/\\\\t/g" |
    awk 'BEGIN { printf "\"" } { printf "%s%s", (NR > 1 ? "\\n" : ""), $0 } END { printf "\"" }'
}

# Sends a request until an answer comes; the key makes it take effect once. A refusal ends the script.
call() {
  method=$1 path=$2 key=$3 body=$4 delay=1
  while :; do
    status=0
    # curl itself retries after 429 and 503, at the time of Retry-After, but not after a broken connection.
    printf '%s' "$body" | curl --silent --show-error --fail-with-body --max-time 30 --retry 5 \
      --request "$method" "$base$path" \
      --header "Content-Type: application/json" \
      --header "Idempotency-Key: $key" \
      --header "X-Joinery-Source: workflow_execution" \
      --header "X-Joinery-Actor: index-block.sh" \
      ${JOINERY_TOKEN:+--header "Authorization: Bearer $JOINERY_TOKEN"} \
      --data-binary @- || status=$?
    echo
    case $status in
      0) return ;;
      22) exit 1 ;;
    esac
    sleep "$delay"
    delay=$((delay < 16 ? delay * 2 : 30))
  done
}

call PUT "" "$run-put" "{\"type\":\"text\",\"content\":$(json "$text")}"
call POST "/indexing/shell/runs" "$run-start" "{\"runId\":\"$run\"}"
call POST "/indexing/shell/runs/$run/reports" "$run-half" '{"status":"processing","chunks":1}'
call POST "/indexing/shell/runs/$run/reports" "$run-done" '{"status":"done","chunks":2}'
