#!/bin/bash
# net.sh up            namespaces, bridges and the intranet host of one lab (PPTP_LAB_ID), after reclaiming dead labs
# net.sh down          end every process in the lab's namespaces, remove namespaces and run directory
# net.sh reclaim       take down the labs whose owner process is gone
# net.sh status        addresses and processes
# net.sh gre block|allow          what a provider does that filters GRE: nothing of protocol 47 crosses the WAN
# net.sh nat alg|plain|split SERVER1 CLIENT1 SERVER2 CLIENT2
#                       how the router in front of 192.168.50.0/24 treats PPTP (README.md)
# PPTP_LAB_OWNER=PID names the process whose end makes the lab reclaimable; without it the lab stays until "down".
set -euo pipefail
. "$(dirname "$0")/lab.env.sh"

namespace() {
  ip netns add "$1"
  ip -n "$1" link set lo up
  inside "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
    net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward="$2"
}
# cable NAMESPACE INTERFACE BRIDGE ADDRESS...
cable() {
  local ns=$1 name=$2 bridge=$3 port=p-${1##*-}-$2 address; shift 3
  ip link add "$name" netns "$ns" type veth peer name "$port" netns "$NS_SW"
  ip -n "$NS_SW" link set "$port" master "$bridge" up
  for address in "$@"; do ip -n "$ns" addr add "$address" dev "$name"; done
  ip -n "$ns" link set "$name" up
}

up() {
  mkdir -p "$LAB_RUNS"
  reclaim
  mkdir "$LAB_RUN" 2>/dev/null || die "lab $LAB_ID is up already; net.sh down first"
  [ -z "${PPTP_LAB_OWNER:-}" ] || process_identity "$PPTP_LAB_OWNER" >"$LAB_RUN/owner"
  trap 'down' EXIT
  namespace "$NS_SW" 0; namespace "$NS_LAN" 0; namespace "$NS_NAT" 1
  # Forwarding is off here: it is the gateway's business to turn on what it needs.
  namespace "$NS_GW" 0
  namespace "$NS_CLI" 0
  local bridge
  for bridge in wan home lan; do
    ip -n "$NS_SW" link add "$bridge" type bridge stp_state 0 forward_delay 0
    ip -n "$NS_SW" link set "$bridge" up
  done
  cable "$NS_GW" wan wan "$GW_WAN/24" "$GW_WAN_SECOND/24"
  cable "$NS_CLI" wan wan "$CLIENT_WAN/24"
  cable "$NS_GW" lan lan "$GW_LAN/24"
  cable "$NS_LAN" lan lan "$INTRANET/24"
  cable "$NS_NAT" out wan "$NAT_WAN/24"
  cable "$NS_NAT" in home "$HOME_NET.1/24"
  ip -n "$NS_LAN" route add default via "$GW_LAN"
  ip -n "$NS_LAN" route add "$PEER_POOL" via "$PEER_LAN"
  # A guest whose raw socket is full answers GRE with "protocol unreachable", which would end its peer's call although
  # the call is well. Kept in here when a guest says it; what the gateway under test sends is passed on.
  inside "$NS_SW" nft -f - <<'N'
table bridge lab {
  chain forward { type filter hook forward priority 0; iifname "t-*" icmp type destination-unreachable icmp code 2 drop; }
}
N
  nat alg
  setsid ip netns exec "$NS_LAN" node "$LAB_HERE/intranet-server.mjs" "$INTRANET" "$LAB_RUN/intranet.ready" \
    </dev/null >"$LAB_RUN/intranet.log" 2>&1 &
  setsid ip netns exec "$NS_LAN" iperf3 -s -B "$INTRANET" </dev/null >"$LAB_RUN/iperf3.log" 2>&1 &
  local _
  for _ in $(seq 1500); do [ -f "$LAB_RUN/intranet.ready" ] && break; sleep 0.02; done
  [ -f "$LAB_RUN/intranet.ready" ] || { cat "$LAB_RUN/intranet.log" >&2; die 'the intranet host did not start'; }
  trap - EXIT
}

down() {
  local ns pid _
  # Everything of the lab lives in one of its namespaces, so nobody else's process can be hit.
  for ns in "$NS_GW" "$NS_CLI" "$NS_NAT" "$NS_LAN" "$NS_SW"; do
    [ -e "/run/netns/$ns" ] || continue
    for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -9 "$pid" 2>/dev/null || true; done
    for _ in $(seq 1500); do [ -n "$(ip netns pids "$ns" 2>/dev/null)" ] || break; sleep 0.02; done
  done
  for ns in "$NS_GW" "$NS_CLI" "$NS_NAT" "$NS_LAN" "$NS_SW"; do ip netns del "$ns" 2>/dev/null || true; done
  rm -rf --one-file-system "$LAB_RUN"
}

reclaim() {
  local owner pid run id
  for owner in "$LAB_RUNS"/*/owner; do
    [ -s "$owner" ] || continue
    read -r pid _ <"$owner"
    [ "$(process_identity "$pid" || true)" != "$(cat "$owner")" ] || continue
    run=${owner%/owner}; id=${run##*/}
    say "reclaiming lab $id: its process $pid is gone"
    PPTP_LAB_ID=$id "$LAB_HERE/net.sh" down
  done
}

gre() {
  case $1 in
    block) inside "$NS_SW" nft -f - <<'N'
table bridge lab-gre {
  chain forward { type filter hook forward priority 0; ip protocol 47 drop; }
}
N
      ;;
    allow) inside "$NS_SW" nft delete table bridge lab-gre 2>/dev/null || true ;;
    *) die 'gre block|allow' ;;
  esac
}

nat() {
  inside "$NS_NAT" nft delete table ip lab 2>/dev/null || true
  local masquerade='chain source { type nat hook postrouting priority srcnat; oifname "out" masquerade; }'
  case $1 in
    alg) inside "$NS_NAT" nft -f - <<N
table ip lab {
  ct helper pptp-alg { type "pptp" protocol tcp; }
  chain assign { type filter hook prerouting priority filter; tcp dport 1723 ct helper set "pptp-alg"; }
  $masquerade
}
N
      ;;
    split) [ $# = 5 ] || die 'nat split SERVER1 CLIENT1 SERVER2 CLIENT2'; inside "$NS_NAT" nft -f - <<N
table ip lab {
  chain gre-in {
    type filter hook prerouting priority raw;
    ip protocol 47 notrack
    iifname "out" ip protocol 47 ip saddr $2 ip daddr set $3
    iifname "out" ip protocol 47 ip saddr $4 ip daddr set $5
  }
  chain gre-out { type filter hook postrouting priority raw; oifname "out" ip protocol 47 ip saddr set $NAT_WAN; }
  $masquerade
}
N
      ;;
    plain) inside "$NS_NAT" nft -f - <<N
table ip lab {
  $masquerade
}
N
      ;;
    *) die 'nat alg|split|plain' ;;
  esac
}

status() {
  local ns
  for ns in "$NS_SW" "$NS_GW" "$NS_CLI" "$NS_LAN" "$NS_NAT"; do
    printf '== %s\n' "$ns"; ip -n "$ns" -br -4 addr; ip netns pids "$ns" | xargs -r ps -o pid=,args= -p || true
  done
}

case ${1:-} in
  up) up; printf '%s\n' "$LAB_RUN" ;;
  down) down ;;
  reclaim) reclaim ;;
  status) status ;;
  gre) gre "${2:-}" ;;
  nat) shift; nat "${@:-}" ;;
  *) sed -n '2,8s/^# //p' "$0"; exit 2 ;;
esac
