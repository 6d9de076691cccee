#!/bin/bash
# machine.sh FOLDER ROOT NETNS COMMAND...   run COMMAND as process 1 of a machine: FOLDER/tree, an overlay above ROOT, with
# process, mount, cgroup, host name and IPC namespaces of its own, in the network namespace NETNS. It ends with the command.
#
# PPTP_TEST_READ_ONLY=1: nothing of the root can be written but /tmp, /run and what is in PPTP_TEST_VOLUMES.
set -euo pipefail
folder=$1 root=$2 netns=$3
shift 3
mkdir -p "$folder"/{tree,upper,work}
cgroup=
# What machines left that were killed; one that lives has processes in it, which keep it there.
for old in /sys/fs/cgroup{/unified,}/pptp-machine-*; do
  [ ! -d "$old" ] || [ -d "/proc/${old##*-}" ] || find "$old" -depth -type d -exec rmdir {} + 2>/dev/null || true
done
for mount in /sys/fs/cgroup/unified /sys/fs/cgroup; do
  [ -f "$mount/cgroup.procs" ] && [ -f "$mount/cgroup.controllers" ] || continue
  cgroup=$mount/pptp-machine-$$
  mkdir "$cgroup"
  break
done
[ -n "$cgroup" ] || { echo 'machine: there are no cgroups of version 2' >&2; exit 3; }
printf '%s\n' "$cgroup" >"$folder/cgroup"
status=0
(
  echo "$BASHPID" >"$cgroup/cgroup.procs"
  exec setpriv --pdeathsig KILL nsenter --net="/run/netns/$netns" \
    unshare --mount --propagation private --pid --fork --kill-child --cgroup --uts --ipc \
    bash -c '
set -euo pipefail
folder=$1 lower=$2 root=$1/tree
shift 2
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 dev "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/net"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs shm "$root/dev/shm"
node() { mknod -m 666 "$root/dev/$1" c "$2" "$3"; }
node null 1 3; node zero 1 5; node full 1 7; node random 1 8; node urandom 1 9; node tty 5 0; node net/tun 10 200
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs tmp "$root/tmp"
for volume in ${PPTP_TEST_VOLUMES:-}; do mount --bind "$root$volume" "$root$volume"; done
[ "${PPTP_TEST_READ_ONLY:-}" != 1 ] || mount -o remount,bind,ro "$root"
mkdir "$root/run/host"
cd "$root"
pivot_root . run/host
umount -l /run/host
rmdir /run/host
# As systemd wants it, which does not see to it itself in a container: credentials are mounts that have to spread.
mount --make-rshared /
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
' machine "$folder" "$root" "$@"
) &
child=$!
# Not only the first: whoever changes its user is no longer killed with its parent.
end() { find "$cgroup" -name cgroup.procs -exec cat {} + | xargs -r kill -KILL 2>/dev/null || true; }
trap end TERM INT
wait "$child" || status=$?
wait "$child" 2>/dev/null || true
for _ in 1 2 3 4 5 6 7 8 9 10; do
  find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && break
  sleep 0.1
done
exit "$status"
