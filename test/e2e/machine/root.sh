#!/bin/bash
# root.sh ensure   make the Debian root for tests of packages and images, if it is not there yet; print where it is
# root.sh path     print where it is (or would be)
#
# A Debian trixie userland with systemd, Node and the programs that the gateway calls, from the mirror that apt uses here.
# It is never written to: each machine has an overlay above it. The name carries a digest of the recipe.
set -euo pipefail

SUITE=trixie
PACKAGES=systemd,nodejs,iproute2,nftables,libcap2-bin
RECIPE=1

die() { printf 'machine: %s\n' "$*" >&2; exit 1; }

# As the lab's roots: shared by all clones where that place can be written.
cache() {
  if [ -n "${PPTP_LAB_DIR:-}" ]; then printf '%s\n' "$PPTP_LAB_DIR"
  elif mkdir -p /var/cache/pptp-gateway-lab 2>/dev/null && [ -w /var/cache/pptp-gateway-lab ]; then
    printf '%s\n' /var/cache/pptp-gateway-lab
  else printf '%s\n' "$(cd "$(dirname "$0")/../../.." && pwd)/.cache/lab"; fi
}

CACHE=$(cache)
ROOT=$CACHE/machine-$RECIPE-$(printf '%s %s' "$SUITE" "$PACKAGES" | sha256sum | cut -c1-8)
STAMP=.machine-complete

work='' builder=''
abandon() {
  [ -z "$builder" ] || { kill -9 "$builder"; wait "$builder"; } 2>/dev/null || true
  rm -rf --one-file-system "$work" 2>/dev/null || true
}

build() {
  local uri proxy status=0
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1) || true
  [ -n "$uri" ] || die 'apt has no package source configured, so there is no mirror to build the root from'
  proxy=$(eval "$(apt-config shell P Acquire::http::Proxy)"; printf '%s' "${P:-}")
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
    mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" \
    --aptopt='Acquire::Check-Valid-Until "false"' ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' "$SUITE" "$work/root" "deb $uri $SUITE main" >&2 &
  builder=$!
  wait "$builder" || status=$?
  builder=''
  [ "$status" = 0 ] || die "mmdebstrap could not build it from apt's mirror, $uri"
  # What is installed into a machine belongs where Debian puts it; a machine's files must not all wait for the disk.
  rm -f "$work"/root/etc/dpkg/dpkg.cfg.d/*
  echo force-unsafe-io >"$work/root/etc/dpkg/dpkg.cfg.d/quick"
  touch "$work/root/$STAMP"
}

ensure() {
  [ ! -f "$ROOT/$STAMP" ] || return 0
  if ! command -v mmdebstrap >/dev/null; then
    command -v apt-get >/dev/null || die 'mmdebstrap is missing, and there is no apt-get to install it'
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q -o DPkg::Lock::Timeout=120 update >&2
    apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends mmdebstrap >&2
  fi
  mkdir -p "$CACHE"
  exec 8>"$CACHE/.machine-lock"
  flock 8
  [ ! -f "$ROOT/$STAMP" ] || return 0
  # Every process of a builder holds the lock, so whatever is half-built now belongs to one that is gone.
  rm -rf --one-file-system "$CACHE"/.machine-building.*
  work=$(mktemp -d "$CACHE/.machine-building.XXXXXX")
  trap abandon EXIT
  trap 'exit 130' INT TERM
  build
  mv "$work/root" "$ROOT"
}

[ "$(id -u)" = 0 ] || [ "${1:-}" = path ] || die 'run as root'
case ${1:-} in
  ensure) ensure; printf '%s\n' "$ROOT" ;;
  path) printf '%s\n' "$ROOT" ;;
  *) sed -n '2,3s/^# //p' "$0"; exit 2 ;;
esac
