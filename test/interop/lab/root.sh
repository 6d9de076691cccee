#!/bin/bash
# root.sh ensure   make the guest root if it is not there yet (idempotent, safe to interrupt, one builder at a time)
# root.sh check    exit status 0 when the root is there; changes nothing
# root.sh path     print where the root is (or would be)
#
# The root is a Debian trixie userland with the PPTP client, poptop, strongSwan and the User-Mode Linux kernel. The mirror is the
# one this machine's apt uses. The directory name carries a digest of the recipe: another recipe is another root.
set -euo pipefail
. "$(dirname "$0")/lab.env.sh"

SUITE=trixie
# Older UML kernels (6.x) die with "ptrace set fp regs failed" on processors with large register files.
KERNEL_SUITE=sid
PACKAGES=user-mode-linux,ppp,pptp-linux,pptpd,iproute2,kmod,iperf3,iputils-ping,tcpdump,socat,procps,curl,netcat-openbsd,strongswan-charon,strongswan-swanctl,libstrongswan-standard-plugins
RECIPE=1

CACHE=$(lab_cache)
ROOT=$CACHE/root-$RECIPE-$(printf '%s %s %s' "$SUITE" "$KERNEL_SUITE" "$PACKAGES" | sha256sum | cut -c1-8)
STAMP=.lab-complete

present() { [ -f "$ROOT/$STAMP" ]; }

host_packages() {
  local missing=() pair
  for pair in mmdebstrap:mmdebstrap ip:iproute2 nft:nftables tcpdump:tcpdump unshare:util-linux ping:iputils-ping sysctl:procps curl:curl iperf3:iperf3; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "these packages are missing and there is no apt-get to install them: ${missing[*]}"
  say "installing with apt: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q -o DPkg::Lock::Timeout=120 update >&2
  apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "${missing[@]}" >&2
}

mirror() {
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -v security | head -n 1) || true
  [ -n "$uri" ] || die "apt has no package source configured, so there is no mirror to build the guest root from"
  printf '%s\n' "$uri"
}

work='' builder=''
abandon() {
  [ -z "$builder" ] || { kill -9 "$builder"; wait "$builder"; } 2>/dev/null || true
  rm -rf --one-file-system "$work" 2>/dev/null || true
}

build() {
  local uri proxy
  uri=$(mirror)
  proxy=$(eval "$(apt-config shell P Acquire::http::Proxy)"; printf '%s' "${P:-}")
  printf 'Package: *\nPin: release n=%s\nPin-Priority: 1\n\nPackage: user-mode-linux\nPin: release n=%s\nPin-Priority: 990\n' \
    "$KERNEL_SUITE" "$KERNEL_SUITE" >"$work/pin"
  # Own mount and process namespaces, which end with this script: an interrupted build leaves neither mounts nor
  # processes. A mirror may serve an older state of sid, so its date is not checked; its signature is.
  setpriv --pdeathsig KILL unshare --mount --propagation private --pid --fork --kill-child \
    mmdebstrap --quiet --mode=root --variant=minbase --include="$PACKAGES" \
    --aptopt='Acquire::Check-Valid-Until "false"' ${proxy:+--aptopt="Acquire::http::Proxy \"$proxy\""} \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --setup-hook="install -D -m644 '$work/pin' \"\$1/etc/apt/preferences.d/lab\"" \
    "$SUITE" "$work/root" "deb $uri $SUITE main" "deb $uri $KERNEL_SUITE main" >&2 &
  builder=$!
  local status=0
  wait "$builder" || status=$?
  builder=''
  [ "$status" = 0 ] || die "mmdebstrap could not build it from apt's mirror, $uri"
  local kernel
  kernel=$(basename "$work"/root/usr/lib/uml/modules/*)
  mkdir -p "$work/root/lab" "$work/root/usr/lib/modules"
  ln -sfn "../uml/modules/$kernel" "$work/root/usr/lib/modules/$kernel"
  chroot "$work/root" depmod "$kernel"
  printf '%s\n' "$kernel" >"$work/root/$STAMP"
}

ensure() {
  host_packages
  present && return 0
  mkdir -p "$CACHE"
  exec 8>"$CACHE/.lock"
  flock 8
  present && return 0
  # Every process of a builder holds the lock, so whatever is half-built now belongs to one that is gone.
  rm -rf --one-file-system "$CACHE"/.building.*
  work=$(mktemp -d "$CACHE/.building.XXXXXX")
  trap abandon EXIT
  trap 'exit 130' INT TERM
  say "building the guest root in $CACHE (once; about half a minute to two minutes)"
  build
  rm -rf --one-file-system "$ROOT"
  mv "$work/root" "$ROOT"
}

[ "$(id -u)" = 0 ] || [ "${1:-}" = path ] || die 'run as root'
case ${1:-} in
  ensure) ensure; printf '%s\n' "$ROOT" ;;
  check) present ;;
  path) printf '%s\n' "$ROOT" ;;
  *) sed -n '2,4s/^# //p' "$0"; exit 2 ;;
esac
