#!/usr/bin/env bash
# Prints the path of a NATS server of version 2.12 or newer for the tests of the cluster: the one in NATS_SERVER, the one on
# PATH, or the one that Debian's suite forky has, which is unpacked into a cache of this clone and not installed. Prints
# nothing, and says why, if there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

is_new_enough() {
  "$1" --version 2>/dev/null | grep -Eq 'v(2\.(1[2-9]|[2-9][0-9])|[3-9]\.|[1-9][0-9]+\.)'
}
cached=node_modules/.cache/joinery/nats/usr/sbin/nats-server
for path in "${NATS_SERVER:-}" "$(command -v nats-server || true)" "$PWD/$cached"; do
  if [ -x "$path" ] && is_new_enough "$path"; then
    echo "$path"
    exit 0
  fi
done

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" node_modules/.cache/joinery/nats
site="$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site forky main" >"$work/sources.list"
apt=(apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root)
if "${apt[@]}" update >&2 && (cd "$work" && "${apt[@]}" download nats-server >&2) &&
  dpkg-deb -x "$work"/nats-server_*.deb node_modules/.cache/joinery/nats && is_new_enough "$cached"; then
  echo "$PWD/$cached"
else
  echo "no NATS server of version 2.12 or newer can be had here: the tests of the NATS engine do not run" >&2
fi
