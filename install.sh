#!/bin/sh
# Installs the Homeport agent on this host: served by a control plane as /install.sh, with the lines below filled in.
# See docs/installing.md. In a checkout “install.sh control-plane” installs the control plane: see docs/running.md.
# One file, long as it is: whoever installs fetches one thing, checks one SHA-256 and can read what root will run.
set -eu

CONTROL_PLANE=''
VERSION=''
RELEASE_KEY=''
FILES=''

ACCOUNT=homeport-agent
BIN_DIR=/usr/local/bin
BIN=$BIN_DIR/homeport-agent
CONFIG_DIR=/etc/homeport
CONFIG=$CONFIG_DIR/agent.toml
ADDED=$CONFIG_DIR/added-packages
KEY=$CONFIG_DIR/release-key
STATE=/var/lib/homeport-agent
SERVICE=homeport-agent.service
UNITS=/etc/systemd/system
UPDATE=homeport-agent-update
# The units that are placed, and who it is that they run.
PLACED="$SERVICE $UPDATE.service $UPDATE.path"
WHO='the agent'
UPDATES=/var/lib/homeport-agent-update
FORMER=$BIN_DIR/.homeport-agent.former
NEXT=$BIN_DIR/.homeport-agent.next
NODE_MAJOR=26
WAIT_SECONDS=${HOMEPORT_WAIT_SECONDS:-60}

usage() {
  cat <<'USAGE'
install.sh              installs the Homeport agent, or upgrades the one that is here
install.sh --dry-run    says what it would do, and changes nothing
install.sh --uninstall  removes the agent with its keys, its passwords and its account
install.sh --successor-of AGENT [--anew]
                        installs an agent that takes the place of a lost one; with --anew it reuses nothing of its

The enrolment token is taken from HOMEPORT_TOKEN, else from standard input, else asked for.
An agent that is enrolled needs none. HOMEPORT_WAIT_SECONDS says how long to wait for its connection (60).
USAGE
}

main() {
  umask 022
  LC_ALL=C
  PATH=${PATH:-}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  export LC_ALL PATH
  DRY_RUN='' STAGE='' UNDO='' SILENCED=''
  trap on_exit EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  if [ "${1:-}" = control-plane ]; then
    shift
    load_control_plane
    control_plane "$@"
    return 0
  fi
  TOKEN=${HOMEPORT_TOKEN:-}
  unset HOMEPORT_TOKEN
  SUCCESSOR_OF='' ANEW='' action=install
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) DRY_RUN=1 ;;
      --uninstall) action=uninstall ;;
      --successor-of)
        [ -n "${2:-}" ] || { usage >&2 && exit 2; }
        SUCCESSOR_OF=$2
        shift ;;
      --anew) ANEW=1 ;;
      -h | --help) usage && exit 0 ;;
      *) usage >&2 && exit 2 ;;
    esac
    shift
  done
  if [ -n "$ANEW" ] && [ -z "$SUCCESSOR_OF" ]; then usage >&2 && exit 2; fi
  look_around
  if [ $action = uninstall ]; then uninstall; else install; fi
}

# That part is beside this script where a control plane can be installed from: hosts of agents have no use for it.
load_control_plane() {
  HERE=$(dirname "$(readlink -f "$0" 2>/dev/null || :)")
  if [ -n "$CONTROL_PLANE" ] || ! [ -f "$0" ] || ! [ -f "$HERE/deploy/control-plane.sh" ]; then
    fail 'This script installs agents only.' 'A control plane is installed from a checkout of Homeport: docs/running.md.'
  fi
  # shellcheck source=/dev/null
  . "$HERE/deploy/control-plane.sh"
}

install() {
  [ -n "$CONTROL_PLANE" ] || fail 'This script does not know which control plane to join.' \
    'Take it from your control plane: curl -fsSL https://YOUR-CONTROL-PLANE/install.sh'
  need_tools
  refuse_other_membership
  refuse_revoked
  refuse_other_key
  refuse_while_working
  refuse_while_updating
  take_token
  say "Homeport agent $VERSION from $CONTROL_PLANE${DRY_RUN:+; this would}:"
  if [ -z "$DRY_RUN" ]; then make_stage; fi
  fetch
  undo_by undo_restart
  write_config
  pin_key
  create_account
  create_state
  place_program
  create_updates
  place_units
  enrol
  start
  UNDO=''
  report
}

# ---- what is here -------------------------------------------------------------------------------------------------

look_around() {
  IS_ROOT='' ENROLLED='' SYSTEMD='' WAS_ACTIVE='' WAS_ENABLED='' STATUS='' CHANGED='' RESTARTED='' SELF='' LIBRARY=''
  [ "$(uname -s)" = Linux ] || fail 'The agent runs on Linux.' 'Install it on a Linux host that reaches the database.'
  if [ "$(id -u)" = 0 ]; then IS_ROOT=1; fi
  if [ -z "$IS_ROOT" ]; then
    [ -n "$DRY_RUN" ] || fail 'Only root can install the agent.' 'Run it with sudo, or as root.'
    say 'Not run as root: what is installed here already cannot be seen.'
  fi
  if [ -f "$0" ] && grep -q '^CONTROL_PLANE=' "$0" 2>/dev/null; then SELF=$(readlink -f "$0"); fi
  if [ -f $STATE/control-plane.json ]; then ENROLLED=1; fi
  if [ -x $BIN ]; then STATUS=$($BIN status --json 2>/dev/null || :); fi
  if [ -d /run/systemd/system ] && has systemctl; then
    SYSTEMD=1
    if systemctl --quiet is-active $SERVICE; then WAS_ACTIVE=1; fi
    if systemctl --quiet is-enabled $SERVICE 2>/dev/null; then WAS_ENABLED=1; fi
  fi
  case $(uname -m) in
    x86_64 | amd64) PLATFORM=linux-x64 ;;
    aarch64 | arm64) PLATFORM=linux-arm64 ;;
    *) PLATFORM=node ;;
  esac
}

need_tools() {
  has curl || has wget || fail 'Neither curl nor wget is here.' 'Install one of them with ca-certificates.'
  for tool in gzip sha256sum mktemp; do
    has $tool || fail "$tool is not here." "Install the package that has $tool (coreutils, gzip)."
  done
  has useradd || has adduser || fail 'Neither useradd nor adduser is here.' 'Install the package passwd or shadow.'
}

refuse_other_membership() {
  if [ -n "$ENROLLED" ] && [ -n "$SUCCESSOR_OF" ]; then
    fail 'This host has an agent already: it cannot take the place of another one.' \
      'Use another host. Or remove this agent first, with its keys and passwords: install.sh --uninstall'
  fi
  if [ -z "$ENROLLED" ] || grep -qF "\"url\": \"$CONTROL_PLANE\"" $STATE/control-plane.json; then return; fi
  fail "The agent of this host belongs to another control plane, or to this one under another address:
$(grep -o '"url": "[^"]*"' $STATE/control-plane.json)" \
    "To move it run: systemctl stop $SERVICE; homeport-agent enrol --replace --url $CONTROL_PLANE; then this again."
}

# What was revoked stays so, and a token is not for a host that has an agent: it would seem to be installed.
refuse_revoked() {
  case $STATUS in
    *'"code":"agent_revoked"'*) why='was revoked' ;;
    *'"code":"agent_unknown"'*) why='is not known there any more' ;;
    *) return 0 ;;
  esac
  fail "$CONTROL_PLANE refuses the agent of this host: it $why. A token makes no other one of it, and was not used." \
    "Remove it, with its keys and passwords, and run this again with the token: $(removal_command)"
}

# Whoever signs the agent's updates can run what they like on this host: root alone changes who that is.
refuse_other_key() {
  if [ -z "$RELEASE_KEY" ] || ! [ -e $KEY ] || [ "$(cat $KEY)" = "$RELEASE_KEY" ]; then return; fi
  fail "The control plane's agent is signed with another release key than the one pinned here:
  pinned in $KEY: $(cat $KEY)
  signed with: $RELEASE_KEY" "If whoever builds Homeport has a new key, remove $KEY and run this again."
}

# A restart ends what runs; a restore that was ended half-way is not repeated by itself.
refuse_while_working() {
  case $STATUS in
    *'"runningJobs":'[1-9]*)
      fail 'The agent is running a backup or a restore.' 'Try again when it is done, or cancel it first.' ;;
  esac
}

# What is put in place meanwhile would be taken for the new build, or replaced by the former one.
refuse_while_updating() {
  if ! [ -e $UPDATES/trial.json ]; then return; fi
  fail 'An update by the control plane is on trial.' 'Try again in some minutes: it is kept or taken back by then.'
}

take_token() {
  if [ -n "$ENROLLED$DRY_RUN" ]; then return; fi
  if [ -z "$TOKEN" ] && [ -n "$SELF" ] && ! [ -t 0 ]; then
    IFS= read -r TOKEN || :
  elif [ -z "$TOKEN" ] && (: </dev/tty) 2>/dev/null; then
    printf 'Enrolment token: ' >/dev/tty
    SILENCED=1
    stty -echo </dev/tty
    IFS= read -r TOKEN </dev/tty || :
    stty echo </dev/tty
    SILENCED=''
    printf '\n' >/dev/tty
  fi
  [ -n "$TOKEN" ] || fail 'There is no enrolment token.' \
    'Make one with “Add agent” in the web UI; give it in HOMEPORT_TOKEN or on standard input.'
}

# ---- the steps; each registers how it is undone before it begins --------------------------------------------------

# A room for files on the way, beside their place: on the same file system, and on one that programs may be started from.
make_stage() {
  if ! [ -d $BIN_DIR ]; then
    undo_by undo_bin_dir
    mkdir -p $BIN_DIR
  fi
  STAGE=$(mktemp -d $BIN_DIR/.homeport-agent.XXXXXX)
}

fetch() {
  if has_sum $BIN "$(field 4)"; then
    doing "keep $BIN: it is this build already" || :
    return 0
  fi
  doing "download the agent for $PLATFORM and check its SHA-256" || return 0
  CHANGED=1
  fetch_platform
  if runs "$STAGE/agent"; then return 0; fi
  complaint=$("$STAGE/agent" --version 2>&1 || :)
  case $complaint in
    *libatomic.so.1*) add_library ;;
  esac
  if runs "$STAGE/agent"; then return 0; fi
  complaint=$("$STAGE/agent" --version 2>&1 || :)
  [ $PLATFORM != node ] || fail "The agent does not start: $complaint" "It needs Node $NODE_MAJOR or newer."
  if ! has_node; then
    fail "The executable does not start here: $complaint" \
      "It needs glibc 2.28 or newer. Elsewhere install Node $NODE_MAJOR or newer and run this again."
  fi
  doing 'take the file that runs on the Node of this host: the executable does not start here'
  PLATFORM=node
  fetch_platform
  runs "$STAGE/agent" || fail "The agent does not start: $("$STAGE/agent" --version 2>&1 || :)" 'Report this, please.'
}

# Node needs a small library of the compiler that minimal systems lack.
add_library() {
  if has apt-get; then
    LIBRARY=libatomic1 adding='apt-get install -qq -y --no-install-recommends libatomic1'
  elif has dnf; then LIBRARY=libatomic adding='dnf install -q -y libatomic'
  elif has yum; then LIBRARY=libatomic adding='yum install -q -y libatomic'
  elif has zypper; then LIBRARY=libatomic1 adding='zypper --non-interactive --quiet install libatomic1'
  else return 0; fi
  doing "install the package $LIBRARY, which the program needs, with ${adding%% *}"
  undo_by undo_library
  DEBIAN_FRONTEND=noninteractive
  export DEBIAN_FRONTEND
  if $adding >"$STAGE/said" 2>&1; then return 0; fi
  # Its lists of packages may be old, or missing.
  if has apt-get && apt-get -qq update >>"$STAGE/said" 2>&1 && $adding >>"$STAGE/said" 2>&1; then return 0; fi
  cat "$STAGE/said" >&2
  fail "The package $LIBRARY could not be installed." 'Install it by other means, then run this again.'
}

fetch_platform() {
  file=$(field 2)
  [ -n "$file" ] || fail "This control plane has no agent for $PLATFORM." 'Build it again with a newer Homeport.'
  [ $PLATFORM != node ] || has_node || fail "There is no executable for $(uname -m)." \
    "Install Node $NODE_MAJOR or newer, where every user has it on the PATH, and run this again."
  download "$CONTROL_PLANE/agent/$file" "$STAGE/packed" || fail "$CONTROL_PLANE/agent/$file could not be downloaded." \
    'Check that this host reaches the control plane, and the space left on its disk.'
  has_sum "$STAGE/packed" "$(field 3)" || wrong_sum "$file"
  gzip -dc "$STAGE/packed" >"$STAGE/agent" || fail "$file could not be unpacked." 'Is the disk of /usr/local full?'
  has_sum "$STAGE/agent" "$(field 4)" || wrong_sum "$file"
  rm -f "$STAGE/packed"
  chmod 755 "$STAGE/agent"
}

wrong_sum() {
  fail "$1 is not the file that this script was made for: its SHA-256 is another." \
    'Fetch the script again. If this repeats, something between this host and the control plane changes downloads.'
}

write_config() {
  if [ -n "$LIBRARY" ]; then
    make_config_dir
    undo_by undo_added
    say "$LIBRARY" >$ADDED
  fi
  if [ -e $CONFIG ]; then return; fi
  doing "write $CONFIG, in which all settings are commented out" || return 0
  make_config_dir
  undo_by undo_config
  config_text >$CONFIG
}

pin_key() {
  if [ -z "$RELEASE_KEY" ] || [ -e $KEY ]; then return; fi
  doing "pin the key that updates have to be signed with, $RELEASE_KEY, in $KEY" || return 0
  make_config_dir
  undo_by undo_key
  say "$RELEASE_KEY" >$KEY
}

make_config_dir() {
  if [ -d $CONFIG_DIR ]; then return; fi
  undo_by undo_config_dir
  mkdir $CONFIG_DIR
}

create_account() {
  if id -u $ACCOUNT >/dev/null 2>&1; then return; fi
  doing "create the system account $ACCOUNT" || return 0
  undo_by undo_account
  if has useradd; then
    useradd --system --user-group --no-create-home --home-dir $STATE --shell "$(nologin)" $ACCOUNT
  else
    addgroup -S $ACCOUNT
    adduser -S -D -H -h $STATE -s "$(nologin)" -G $ACCOUNT $ACCOUNT
  fi
}

create_state() {
  if ! [ -d $STATE ]; then
    doing "create $STATE, which only $WHO may enter" || return 0
    undo_by undo_state
    mkdir -m 0700 $STATE
    chown $ACCOUNT:$ACCOUNT $STATE
    return 0
  fi
  OWNER=$(stat -c %u:%g $STATE)
  if [ -z "$IS_ROOT" ] || [ "${OWNER%:*}" = "$(id -u $ACCOUNT 2>/dev/null || :)" ]; then return; fi
  case $STATUS in
    *'"pid":'*) fail "Another agent is running on $STATE." 'Stop it first.' ;;
  esac
  doing "give $STATE to the account $ACCOUNT" || return 0
  undo_by undo_owner
  chown -R $ACCOUNT:$ACCOUNT $STATE
}

place_program() {
  if has_sum $BIN "$(field 4)"; then return; fi
  doing "place the agent at $BIN" || return 0
  if [ -e $BIN ]; then ln $BIN "$STAGE/former"; fi
  undo_by undo_program
  mv -f "$STAGE/agent" $BIN
}

create_updates() {
  if [ -z "$SYSTEMD" ] || [ -n "$DRY_RUN" ] || [ -d $UPDATES ]; then return; fi
  undo_by undo_updates
  mkdir $UPDATES
}

place_units() {
  if [ -z "$SYSTEMD" ]; then return; fi
  units='' paths=''
  for unit in $PLACED; do
    if [ -e "$UNITS/$unit" ] && [ "$(cat "$UNITS/$unit")" = "$(text_of "$unit")" ]; then continue; fi
    units="$units $unit" paths="$paths $UNITS/$unit"
  done
  if [ -z "$units" ]; then return; fi
  if ! doing "write$paths"; then
    for unit in $units; do text_of "$unit" | sed 's/^/      /'; done
    return 0
  fi
  CHANGED=1
  undo_by undo_units
  for unit in $units; do
    if [ -e "$UNITS/$unit" ]; then cp -p "$UNITS/$unit" "$STAGE/$unit"; fi
    text_of "$unit" >"$UNITS/$unit"
  done
  systemctl daemon-reload
}

enrol() {
  if [ -n "$ENROLLED" ]; then return; fi
  doing "enrol with $CONTROL_PLANE" || return 0
  undo_by undo_enrolment
  # What a former attempt left there is put back as it was.
  FORMER_STATE=''
  if [ -n "$(ls -A $STATE)" ]; then
    FORMER_STATE=$STAGE/state
    cp -a $STATE "$FORMER_STATE"
  fi
  # A builtin writes the token: no argument of a process shows it.
  set -- enrol --url "$CONTROL_PLANE" --token-file -
  if [ -n "$SUCCESSOR_OF" ]; then set -- "$@" --successor-of "$SUCCESSOR_OF"; fi
  if [ -n "$ANEW" ]; then set -- "$@" --anew; fi
  printf '%s\n' "$TOKEN" | $BIN "$@" >"$STAGE/said" 2>&1 || {
    cat "$STAGE/said" >&2
    fail 'The agent could not enrol.' 'The lines above say why.'
  }
  if [ -n "$SUCCESSOR_OF" ]; then grep -v '^Start it with' "$STAGE/said" || :; fi
}

start() {
  if [ -z "$SYSTEMD" ]; then
    try_connection
    return 0
  fi
  if [ -n "$WAS_ACTIVE$WAS_ENABLED" ] && [ -z "$CHANGED" ]; then return; fi
  doing 'start the service, now and at every boot, and wait until it is connected' || return 0
  undo_by undo_start
  systemctl --quiet enable $SERVICE $UPDATE.path
  RESTARTED=1
  systemctl restart $SERVICE $UPDATE.path
  if $BIN status --wait "$WAIT_SECONDS" >/dev/null; then return 0; fi
  $BIN status >&2 || :
  not_connected "More: journalctl --unit $SERVICE"
}

# Without systemd nothing keeps the agent running: it is run once, to know that it can connect.
try_connection() {
  case $STATUS in
    *'"pid":'*) return 0 ;;
  esac
  doing 'try the connection' || return 0
  $BIN run >"$STAGE/log" 2>&1 &
  TRIAL=$!
  undo_by undo_trial
  if ! $BIN status --wait "$WAIT_SECONDS" >"$STAGE/said"; then
    cat "$STAGE/said" "$STAGE/log" >&2
    not_connected 'The lines above say why.'
  fi
  kill "$TRIAL"
  wait "$TRIAL" || fail 'The agent did not stop as it should.' 'Report this, please.'
}

# not_connected REMEDY: for an agent that runs by now, whatever it was found to be before
not_connected() {
  STATUS=$($BIN status --json 2>/dev/null || :)
  refuse_revoked
  fail "The agent is not connected after $WAIT_SECONDS seconds." "$1"
}

report() {
  if [ -n "$DRY_RUN" ]; then
    say 'Nothing was changed.'
    return 0
  fi
  if [ -z "$SYSTEMD" ]; then say "The agent can connect to $CONTROL_PLANE. It is made of:"
  elif $BIN status >"$STAGE/said"; then say "The agent is connected to $CONTROL_PLANE. It is made of:"
  else
    # One that was here and is left as it was.
    cat "$STAGE/said"
    say 'The agent is installed, but not connected: the lines above say why. It is made of:'
  fi
  say "  $BIN  the program, version $VERSION" \
    "  $CONFIG  what it may do; edit it as you like" \
    "  $STATE  its keys, and the passwords it is given" \
    "  $ACCOUNT  the account it runs as"
  if [ -n "$LIBRARY" ]; then say "  $LIBRARY  a package that was missing"; fi
  if [ -n "$SYSTEMD" ]; then
    say "  $SERVICE  its service: systemctl status $SERVICE, journalctl --unit $SERVICE" \
      "  $UPDATE.path, $UPDATE.service  put in place what the control plane updates it to, if that is signed"
  fi
  say '' 'To remove all of it:' "  $(removal_command)"
  if [ -n "$SYSTEMD" ]; then return 0; fi
  say '' 'This host runs no systemd, so nothing starts the agent by itself. Start it in the foreground with' \
    '  homeport-agent run' "as root; it goes on as $ACCOUNT. Whatever starts services here can run the same command."
}

removal_command() {
  sudo=${SUDO_USER:+sudo }
  if [ -n "$SELF" ]; then say "${sudo}sh $SELF --uninstall"; else
    say "curl -fsSL $CONTROL_PLANE/install.sh | ${sudo}sh -s -- --uninstall"
  fi
}

# ---- taking back --------------------------------------------------------------------------------------------------

undo_by() { UNDO="$1 $UNDO"; }
undo_bin_dir() { rmdir $BIN_DIR; }
undo_config_dir() { rmdir $CONFIG_DIR; }
undo_config() { rm -f $CONFIG; }
undo_added() { rm -f $ADDED; }
undo_key() { rm -f $KEY; }
undo_library() { remove_package "$LIBRARY"; }
undo_account() { remove_account; }
undo_state() { rm -rf $STATE; }
undo_owner() { chown -R "$OWNER" $STATE; }

# The last of all, with the former program and service in place again.
undo_restart() {
  if [ -n "$WAS_ACTIVE" ] && [ -n "$RESTARTED" ]; then systemctl restart $SERVICE; fi
}

undo_program() {
  if [ -e "$STAGE/former" ]; then mv -f "$STAGE/former" $BIN; else rm -f $BIN; fi
}

undo_updates() { rm -rf $UPDATES; }

undo_units() {
  for unit in $units; do
    if [ -e "$STAGE/$unit" ]; then mv -f "$STAGE/$unit" "$UNITS/$unit"; else rm -f "$UNITS/$unit"; fi
  done
  systemctl daemon-reload
}

undo_enrolment() {
  if [ -f $STATE/control-plane.json ]; then
    say 'The token is used up. Revoke the agent in the web UI and make a new token before you try again.' >&2
  fi
  rm -rf $STATE
  if [ -n "$FORMER_STATE" ]; then cp -a "$FORMER_STATE" $STATE; else
    mkdir -m 0700 $STATE
    chown $ACCOUNT:$ACCOUNT $STATE
  fi
}

undo_start() {
  if [ -z "$WAS_ACTIVE" ]; then
    systemctl stop $UPDATE.path $SERVICE
    systemctl reset-failed $SERVICE 2>/dev/null
  fi
  if [ -z "$WAS_ENABLED" ]; then systemctl --quiet disable $UPDATE.path $SERVICE; fi
}

undo_trial() {
  kill "$TRIAL" 2>/dev/null
  wait "$TRIAL"
}

on_exit() {
  status=$?
  trap '' EXIT HUP INT TERM
  set +e
  if [ -n "$SILENCED" ]; then stty echo </dev/tty; fi
  if [ "$status" != 0 ] && [ -n "$UNDO" ]; then
    for act in $UNDO; do
      $act || say "This could not be taken back: ${act#undo_}." >&2
    done
    say 'Nothing was installed: this host is as it was before.' >&2
  fi
  if [ -n "$STAGE" ]; then rm -rf "$STAGE"; fi
  exit "$status"
}

# ---- removing -----------------------------------------------------------------------------------------------------

uninstall() {
  refuse_while_working
  if ! [ -e $BIN ] && ! [ -e $UNITS/$SERVICE ] && ! [ -e $STATE ] && ! [ -e $CONFIG ] && ! id -u $ACCOUNT >/dev/null 2>&1; then
    say 'The Homeport agent is not installed here.'
    return 0
  fi
  say "Homeport agent${DRY_RUN:+; this would}:"
  if [ -e $UNITS/$SERVICE ]; then remove_units; fi
  case $(if [ -x $BIN ]; then $BIN status --json 2>/dev/null; fi) in
    *'"pid":'*) [ -n "$DRY_RUN" ] || fail 'The agent is still running.' 'Stop it first.' ;;
  esac
  if [ -e $STATE ] && doing "remove $STATE: the agent's keys and the passwords it was given"; then rm -rf $STATE; fi
  # What an agent that was killed left.
  if [ -z "$DRY_RUN" ] && id -u $ACCOUNT >/dev/null 2>&1; then
    find /tmp -maxdepth 1 -name 'homeport-room-*' -user $ACCOUNT -exec rm -rf {} +
  fi
  if [ -e $CONFIG ] && doing "remove $CONFIG"; then rm -f $CONFIG; fi
  if [ -e $KEY ] && doing "remove $KEY"; then rm -f $KEY; fi
  # A control plane here needs it, too, and takes it along when it goes.
  if [ -e $ADDED ] && ! [ -e /opt/homeport ] && doing "remove the package $(cat $ADDED), unless something else needs it"; then
    remove_package "$(cat $ADDED)" || :
    rm -f $ADDED
  fi
  if [ -d $CONFIG_DIR ] && [ -z "$DRY_RUN" ]; then rmdir $CONFIG_DIR 2>/dev/null || :; fi
  if id -u $ACCOUNT >/dev/null 2>&1 && doing "remove the account $ACCOUNT"; then remove_account; fi
  if [ -e $BIN ] && doing "remove $BIN"; then rm -f $BIN; fi
  if [ -n "$DRY_RUN" ]; then say 'Nothing was changed.'; else
    say 'Removed. Snapshots in the vault stay. Revoke the agent in the web UI: it is still listed there.'
  fi
}

remove_units() {
  doing "stop and remove the service $SERVICE, and $UPDATE" || return 0
  for unit in $UPDATE.path $UPDATE.service $SERVICE; do
    if [ -n "$SYSTEMD" ] && [ -e "$UNITS/$unit" ]; then systemctl --quiet disable --now "$unit" 2>/dev/null || :; fi
    rm -rf "${UNITS:?}/$unit" "${UNITS:?}/$unit.d"
  done
  rm -rf $UPDATES $FORMER $NEXT
  if [ -n "$SYSTEMD" ]; then
    systemctl daemon-reload
    for unit in $UPDATE.path $UPDATE.service $SERVICE; do systemctl reset-failed "$unit" 2>/dev/null || :; done
  fi
}

# Refused by the package manager where others depend on it.
remove_package() {
  if has dpkg; then dpkg --purge "$1"; else rpm -e "$1"; fi >/dev/null 2>&1
}

remove_account() {
  if has userdel; then userdel $ACCOUNT 2>/dev/null || :; else deluser $ACCOUNT || :; fi
  if grep -q "^$ACCOUNT:" /etc/group; then
    if has groupdel; then groupdel $ACCOUNT; else delgroup $ACCOUNT; fi
  fi
  ! id -u $ACCOUNT >/dev/null 2>&1
}

# ---- small things -------------------------------------------------------------------------------------------------

say() { printf '%s\n' "$@"; }

# fail MESSAGE REMEDY
fail() {
  say "$1" "$2" >&2
  exit 1
}

# doing TEXT: says what comes next; false in a dry run, in which it does not come.
doing() {
  say "  - $1"
  [ -z "$DRY_RUN" ]
}

has() { command -v "$1" >/dev/null 2>&1; }

# field N: of the line for this platform: 1 platform, 2 file, 3 its SHA-256, 4 SHA-256 of what is in it
field() { say "$FILES" | sed -n "s/^$PLATFORM /&/p" | cut -d' ' -f"$1"; }

has_sum() { [ -f "$1" ] && printf '%s  %s\n' "$2" "$1" | sha256sum -c - >/dev/null 2>&1; }

runs() { [ "$("$1" --version 2>/dev/null)" = "$VERSION" ]; }

# In a clean environment: what only this user has on its PATH does not help a service.
has_node() {
  major=$(env -i PATH=/usr/local/bin:/usr/bin:/bin node -p 'process.versions.node.split(".")[0]' 2>/dev/null) || return 1
  [ "$major" -ge $NODE_MAJOR ]
}

download() {
  if has curl; then curl -fsSL --retry 2 -o "$2" "$1"; else wget -q -O "$2" "$1"; fi
}

nologin() {
  for shell in /usr/sbin/nologin /sbin/nologin; do
    if [ -x $shell ]; then say $shell && return 0; fi
  done
  say /bin/false
}

config_text() {
  cat <<'CONFIG'
# What the Homeport agent of this host may do; it wins over whatever the control plane asks.
# After a change: systemctl restart homeport-agent

# max_jobs = 2            # jobs at the same time
# outage_minutes = 10     # how long a job waits for a control plane that is away
# container_socket = ""   # look at no containers; or the path of a Docker or Podman socket
# proxy = "http://proxy.example.org:3128"  # HTTP proxy on the way to the control plane
# drill_directory = "/var/lib/homeport-agent/drill"  # where drills run their disposable servers

# [policy]
# restore = "allow"       # allow | scratch-only (new databases, nothing replaced) | deny
# update = "allow"        # allow | deny
# servers = "allow"       # allow | host-only (with “homeport-agent server” only)
# databases = ["main/*"]  # server/database, * stands for anything; all databases where absent
# drill = "allow"         # allow | counts-only (drills ask the data nothing, they count rows) | deny
# direct = "allow"        # allow | deny (packs go through the control plane, never between this host and a bucket)
CONFIG
}

# What no service of ours may do, whatever else it needs.
confinement() {
  cat <<'LINES'
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
LINES
}

# text_of UNIT
text_of() {
  case $1 in
    "$SERVICE") unit_text ;;
    "$UPDATE.service") update_text ;;
    "$UPDATE.path") watch_text ;;
  esac
}

unit_text() {
  cat <<UNIT
[Unit]
Description=Homeport agent, backs up and restores the databases beside it
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User=$ACCOUNT
Group=$ACCOUNT
Environment=HOMEPORT_AGENT_STATE=$STATE HOMEPORT_AGENT_CONFIG=$CONFIG HOMEPORT_AGENT_UPDATES=$UPDATES
ExecStart=$BIN run
Restart=always
RestartSec=5
# The first signal lets jobs finish; after this time they are ended. Their tools get no signal of their own.
KillMode=mixed
TimeoutStopSec=90
StateDirectory=homeport-agent
StateDirectoryMode=0700
UMask=0077

# It needs the network, its state directory, the databases' unix sockets and their client tools.
$(confinement)
CapabilityBoundingSet=
AmbientCapabilities=
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RemoveIPC=yes

[Install]
WantedBy=multi-user.target
UNIT
}

update_text() {
  cat <<UNIT
[Unit]
Description=Puts a signed update of the Homeport agent in place, or the former one again

[Service]
Type=oneshot
Environment=HOMEPORT_AGENT_STATE=$STATE HOMEPORT_AGENT_CONFIG=$CONFIG HOMEPORT_AGENT_UPDATES=$UPDATES
# While a new build is on trial, the former one goes on with it: the new one may not even start.
ExecStart=/bin/sh -c 'if [ -e $UPDATES/trial.json ] && [ -x $FORMER ]; then program=$FORMER; else program=$BIN; fi; exec "\$\$program" apply-update --program $BIN --service $SERVICE'
TimeoutStartSec=15min
StateDirectory=homeport-agent-update
StateDirectoryMode=0755
UMask=0022

# It replaces the program, which is root's, and asks systemd to restart the service. It reads what the agent left it.
$(confinement)
CapabilityBoundingSet=CAP_DAC_OVERRIDE
ReadWritePaths=$BIN_DIR
PrivateNetwork=yes
RestrictAddressFamilies=AF_UNIX
UNIT
}

watch_text() {
  cat <<UNIT
[Unit]
Description=Waits for updates that the Homeport agent has fetched

[Path]
PathChanged=$STATE/update/request.json
# There at boot where the host went down in the middle of a trial.
PathExists=$UPDATES/trial.json

[Install]
WantedBy=multi-user.target
UNIT
}

main "$@"
