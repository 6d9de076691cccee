# Sourced by the lab's scripts: where things are, which addresses they have, small helpers.
# shellcheck shell=bash disable=SC2034

# One lab has one id; its namespaces and its run directory carry it, so several labs can be up at once.
LAB_ID=${PPTP_LAB_ID:-hand}
LAB_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_REPO=$(cd "$LAB_HERE/../../.." && pwd)
LAB_RUNS=/run/pptp-gateway-lab
LAB_RUN=$LAB_RUNS/$LAB_ID
NS=pgl-$LAB_ID
NS_SW=$NS-sw NS_GW=$NS-gw NS_LAN=$NS-lan NS_NAT=$NS-nat NS_CLI=$NS-cli

WAN=198.51.100 HOME_NET=192.168.50 LAN=10.77.0
GW_WAN=$WAN.1 GW_WAN_SECOND=$WAN.9 NAT_WAN=$WAN.60 CLIENT_WAN=$WAN.70
GW_LAN=$LAN.1 INTRANET=$LAN.10
# A second server (poptop in a guest) has its own pool behind its own intranet address.
PEER_LAN=$LAN.2 PEER_POOL=10.79.0.0/24

die() { printf 'lab: %s\n' "$*" >&2; exit 1; }
say() { printf 'lab: %s\n' "$*" >&2; }
inside() { local ns=$1; shift; ip netns exec "$ns" "$@"; }

# The cache is shared by all clones on the machine when the machine-wide place can be written.
lab_cache() {
  if [ -n "${PPTP_LAB_DIR:-}" ]; then printf '%s\n' "$PPTP_LAB_DIR"
  elif mkdir -p /var/cache/pptp-gateway-lab 2>/dev/null && [ -w /var/cache/pptp-gateway-lab ]; then
    printf '%s\n' /var/cache/pptp-gateway-lab
  else printf '%s\n' "$LAB_REPO/.cache/lab"; fi
}

# "pid starttime": names one process for good, however often its number is used again.
process_identity() { local rest; rest=$(cat "/proc/$1/stat" 2>/dev/null) || return 1; rest=${rest##*) }
  # shellcheck disable=SC2086
  set -- "$1" $rest; printf '%s %s\n' "$1" "${21}"; }
