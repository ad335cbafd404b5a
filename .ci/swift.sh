#!/usr/bin/env bash
# Prints the root of an OpenStack Swift for the tests of files: the one in SWIFT_ROOT, or Debian's packages, which are unpacked
# into a cache of this clone and not installed. Prints nothing, and says why, if there is none.
set -euo pipefail
cd "$(dirname "$0")/.."

runs() {
  [ -n "$1" ] && PYTHONPATH="$1/usr/lib/python3/dist-packages" LD_LIBRARY_PATH="$1/usr/lib/x86_64-linux-gnu" \
    python3 -c 'import swift, eventlet, pyeclib.ec_iface, xattr, lxml.etree' 2>/dev/null
}
cached="$PWD/node_modules/.cache/joinery/swift"
for root in "${SWIFT_ROOT:-}" "$cached"; do
  if runs "$root"; then
    echo "$root"
    exit 0
  fi
done

wanted=(python3-swift swift-account swift-container swift-object swift-proxy)
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
fetch() {
  local names
  names="$(apt-get install -s --no-install-recommends "${wanted[@]}" 2>/dev/null | awk '/^Inst/ { print $2 }')"
  [ -n "$names" ] && (cd "$work" && echo "$names" | xargs apt-get -qq -o APT::Sandbox::User=root download >&2)
}
# The lists of packages are old where nothing was installed for a while.
if fetch || { "${sudo[@]}" apt-get update -qq >&2 && fetch; }; then
  mkdir -p "$cached"
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$cached"; done
  # Four processes start at once: each would compile the same files.
  python3 -m compileall -q "$cached/usr/lib/python3/dist-packages/swift" "$cached/usr/lib/python3/dist-packages/eventlet" >/dev/null 2>&1 || true
fi
if runs "$cached"; then
  echo "$cached"
else
  echo "no OpenStack Swift can be had here: the tests of files on an S3 store do not run" >&2
fi
