#!/bin/bash
# guest.sh start NAME BRIDGE:ADDRESS/LEN... [--route NET@ROUTER] [--memory 256M] [--rmem BYTES]
#                                   boot a guest; BRIDGE is wan, home or lan; prints its boot time
# guest.sh exec NAME [-t SECONDS] COMMAND...     run a shell command in it: its output, its exit status (124: too slow)
# guest.sh cut NAME / plug NAME BRIDGE   take its first cable out / put it back
# guest.sh capture NAME FILE        tcpdump of the PPTP and GRE packets on its first cable, until killed
# guest.sh stop NAME                pull the plug: nothing more is sent
# guest.sh list
set -euo pipefail
. "$(dirname "$0")/lab.env.sh"

directory() { printf '%s/guest-%s\n' "$LAB_RUN" "$1"; }
running() {
  local d; d=$(directory "$1")
  [ -s "$d/process" ] && [ "$(process_identity "$(cut -d' ' -f1 "$d/process")" || true)" = "$(cat "$d/process")" ]
}
now() { date +%s%3N; }

start() {
  local name=$1 nics=() routes=() memory=256M rmem=8388608 d root t0 nic tap i=0 h vectors=()
  shift
  [[ $name =~ ^[a-z0-9-]{1,12}$ ]] || die "a guest's name is up to 12 of a-z, 0-9 and -: $name"
  running "$name" && die "guest $name is running already"
  while [ $# -gt 0 ]; do case $1 in
    --route) routes+=("$2"); shift 2 ;; --memory) memory=$2; shift 2 ;; --rmem) rmem=$2; shift 2 ;;
    *) nics+=("$1"); shift ;;
  esac; done
  [ ${#nics[@]} -gt 0 ] || die 'a guest needs at least one BRIDGE:ADDRESS/LEN'
  root=$("$LAB_HERE/root.sh" path); "$LAB_HERE/root.sh" check || die 'there is no guest root yet; root.sh ensure'
  d=$(directory "$name"); t0=$(now)
  rm -rf --one-file-system "$d"; mkdir -p "$d/jobs"
  cp "$LAB_HERE"/in-guest/* "$d/"
  for nic in "${nics[@]}"; do
    tap=t-$name$([ "$i" = 0 ] || printf '%s' ".$i")
    ip -n "$NS_SW" link del "$tap" 2>/dev/null || true
    ip -n "$NS_SW" tuntap add dev "$tap" mode tap vnet_hdr
    ip -n "$NS_SW" link set "$tap" txqueuelen 1000 master "${nic%%:*}" up
    h=$(printf '%s/%s' "$name" "$i" | sha256sum)
    # Without gro=1 the vector driver loses what it receives; a queue deeper than 64 does not work either.
    vectors+=("vec$i:transport=tap,ifname=$tap,mac=02:${h:0:2}:${h:2:2}:${h:4:2}:${h:6:2}:${h:8:2},depth=64,gro=1")
    i=$((i + 1))
  done
  printf 'NAME=%q\nADDRESSES=%q\nROUTES=%q\nRMEM=%q\n' "$name" "${nics[*]#*:}" "${routes[*]:-}" "$rmem" >"$d/guest.env"
  mkfifo "$d/console"
  exec 9<>"$d/console"
  # shellcheck disable=SC2016
  setsid nsenter --net="/run/netns/$NS_SW" unshare --mount --propagation private --pid --fork --kill-child \
    bash -c 'root=$1 run=$2; shift 2; set -e
      mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"; mount -t tmpfs tmp "$root/tmp"; mount --bind "$run" "$root/lab"
      exec chroot "$root" /usr/bin/linux.uml "$@"' \
    guest "$root" "$d" "umid=$name" "mem=$memory" uml_dir=/tmp/ rootfstype=hostfs rootflags=/ ro quiet \
    init=/lab/init con=null con0=fd:0,fd:1 "${vectors[@]}" <>"$d/console" >"$d/console.log" 2>&1 9>&- &
  process_identity $! >"$d/process"
  until [ -f "$d/ready" ]; do
    if ! running "$name" || [ $(($(now) - t0)) -ge 120000 ]; then
      tail -n 40 "$d/console.log" >&2; stop "$name"; die "guest $name did not boot"
    fi
    sleep 0.02
  done
  printf 'boot_ms=%s\n' $(($(now) - t0))
}

execute() {
  local name=$1 limit=90 d id until
  shift
  [ "${1:-}" != -t ] || { limit=$2; shift 2; }
  running "$name" || die "guest $name is not running"
  d=$(directory "$name"); id=$$-$RANDOM
  printf '%s\n' "$*" >"$d/jobs/$id.sh"
  printf '%s %s\n' "$id" "$limit" >"$d/console"
  # The guest ends the command itself; the margin is for a guest that hangs.
  until=$(($(now) + limit * 1000 + 5000))
  until [ -f "$d/jobs/$id.status" ]; do
    running "$name" || { cat "$d/jobs/$id.out" 2>/dev/null; die "guest $name is gone"; }
    [ "$(now)" -lt "$until" ] || { cat "$d/jobs/$id.out" 2>/dev/null; die "guest $name does not answer"; }
    sleep 0.02
  done
  cat "$d/jobs/$id.out"
  return "$(cat "$d/jobs/$id.status")"
}

stop() {
  local d tap; d=$(directory "$1")
  if running "$1"; then
    kill -9 "$(cut -d' ' -f1 "$d/process")" 2>/dev/null || true
    while running "$1"; do sleep 0.01; done
  fi
  for tap in "t-$1" "t-$1.1" "t-$1.2"; do ip -n "$NS_SW" link del "$tap" 2>/dev/null || true; done
}

case ${1:-} in
  start) shift; start "$@" ;;
  exec) shift; execute "$@" ;;
  stop) stop "$2" ;;
  # Not "down": the guest's network driver would see errors, which a cable far away does not cause.
  cut) ip -n "$NS_SW" link set "t-$2" nomaster ;;
  plug) ip -n "$NS_SW" link set "t-$2" master "$3" ;;
  capture) exec ip netns exec "$NS_SW" tcpdump -i "t-$2" -U -s 0 -w "$3" 'tcp port 1723 or proto 47' ;;
  list) for d in "$LAB_RUN"/guest-*/; do n=${d%/}; n=${n##*/guest-}; ! running "$n" || printf '%s\n' "$n"; done ;;
  *) sed -n '2,9s/^# //p' "$0"; exit 2 ;;
esac
