#!/bin/sh
# make-suite.sh NAME DIRECTORY MIRROR PACKAGE…: a Debian suite with these packages, unpacked and configured in
# DIRECTORY; nothing of it is started. Needs root. A suite that is whole is left as it is, a broken one made anew.
set -eu
name=$1 directory=$2 mirror=$3
shift 3
stamp="$name $*"
mkdir -p "$(dirname "$directory")"
exec 9>"$directory.lock"
flock 9
if [ "$(cat "$directory/.whole" 2>/dev/null || :)" = "$stamp" ]; then exit 0; fi
partial=$directory.partial
rm -rf "$directory" "$partial"
log=$directory.log
trap 'test $? = 0 || { tail -n 40 "$log"; echo "make-suite: $name failed, all of it in $log"; }' EXIT
debootstrap --variant=minbase "$name" "$partial" "$mirror" >"$log" 2>&1
# Daemons of packages stay down, and nothing but programs is unpacked.
printf '#!/bin/sh\nexit 101\n' >"$partial/usr/sbin/policy-rc.d"
chmod 755 "$partial/usr/sbin/policy-rc.d"
mkdir -p "$partial/etc/postgresql-common"
echo 'create_main_cluster = false' >"$partial/etc/postgresql-common/createcluster.conf"
printf 'path-exclude=/usr/share/%s/*\n' doc man locale >"$partial/etc/dpkg/dpkg.cfg.d/lean"
echo force-unsafe-io >>"$partial/etc/dpkg/dpkg.cfg.d/lean"
# Some packages' scripts insist on /proc: it is mounted where only this command sees it, and is gone with it.
unshare --mount sh -ec '
  mount -t proc proc "$1/proc"
  root=$1
  shift
  exec chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
    apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 -- "$@"
' sh "$partial" "$@" >>"$log" 2>&1
chroot "$partial" apt-get clean
rm -rf "$partial/var/lib/apt/lists"
printf '%s\n' "$stamp" >"$partial/.whole"
mv "$partial" "$directory"
rm -f "$log"
