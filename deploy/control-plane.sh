# shellcheck shell=sh disable=SC2034 # what is only set here is for the functions of install.sh
# Installs the control plane on this host: read by install.sh, whose functions it goes on with. See docs/running.md.
# One file for the same reason as install.sh: what root runs is read from top to bottom.

ACCOUNT=homeport
PROGRAM=/opt/homeport
BIN_DIR=/usr/local/bin
BIN=$BIN_DIR/homeport
CONFIG_DIR=/etc/homeport
CONFIG=$CONFIG_DIR/control-plane.env
ADDED=$CONFIG_DIR/added-packages
STATE=/var/lib/homeport
INDEX=$STATE/homeport.sqlite
FORMER_INDEX=$STATE/index-before-upgrade
CACHE=/var/cache/homeport
SERVICE=homeport.service
PLACED=$SERVICE
UNIT=/etc/systemd/system/$SERVICE
WHO='the control plane'
TLS=$UNIT.d/tls.conf
AGENT_BIN=$BIN_DIR/homeport-agent

control_plane_usage() {
  cat <<'USAGE'
install.sh control-plane --url URL  installs the control plane that people and agents reach at URL, or upgrades it
  --port N                          where it listens behind a proxy (7433), or with TLS of its own (the URL's port)
  --certificate FILE --key FILE     it speaks TLS itself, by this certificate; otherwise a proxy before it does
  --dry-run                         says what it would do, and changes nothing
install.sh control-plane --uninstall
  --keep-data                       removes program and service; data, settings and account stay
  --remove-data                     removes everything, the backups on this host with it

What is here already is kept: an upgrade needs no options. HOMEPORT_WAIT_SECONDS says how long to wait until it serves (60).
USAGE
}

control_plane() {
  URL='' PORT='' CERTIFICATE='' KEY_FILE='' FATE='' action=install
  while [ $# -gt 0 ]; do
    case $1 in
      --url | --port | --certificate | --key)
        [ -n "${2:-}" ] || misused
        case $1 in
          --url) URL=${2%/} ;;
          --port) PORT=$2 ;;
          --certificate) CERTIFICATE=$2 ;;
          --key) KEY_FILE=$2 ;;
        esac
        shift ;;
      --dry-run) DRY_RUN=1 ;;
      --uninstall) action=uninstall ;;
      --keep-data) FATE=${FATE}keep ;;
      --remove-data) FATE=${FATE}remove ;;
      -h | --help) control_plane_usage && exit 0 ;;
      *) misused ;;
    esac
    shift
  done
  if [ $action = install ] && [ -n "$FATE" ]; then misused; fi
  look_for_control_plane
  if [ $action = uninstall ]; then uninstall_control_plane; else install_control_plane; fi
}

misused() {
  control_plane_usage >&2
  exit 2
}

install_control_plane() {
  find_package
  settle
  say "Homeport control plane $VERSION for $URL${DRY_RUN:+; this would}:"
  if [ -z "$DRY_RUN" ]; then make_program_stage; fi
  take_program
  undo_by undo_restart
  pause_former
  write_settings
  create_account
  create_state
  place_directory
  place_command
  place_units
  place_tls
  start_control_plane
  UNDO=''
  report_control_plane
}

# ---- what is here -------------------------------------------------------------------------------------------------

look_for_control_plane() {
  IS_ROOT=1 SYSTEMD='' WAS_ACTIVE='' WAS_ENABLED='' CHANGED='' RESTARTED='' LIBRARY='' STATUS='' FRESH=1
  [ "$(uname -s)" = Linux ] || fail 'This installs on Linux.' 'Elsewhere: npm start, see README.md.'
  [ "$(id -u)" = 0 ] || fail 'Only root can install the control plane, or see what is here.' 'Run it with sudo, or as root.'
  if ! [ -d /run/systemd/system ] || ! has systemctl; then
    fail 'The control plane is installed as a service of systemd, which does not run here.' \
      'Use a container, or whatever starts services here with “npm start”: docs/running.md.'
  fi
  SYSTEMD=1
  if systemctl --quiet is-active $SERVICE; then WAS_ACTIVE=1; fi
  if systemctl --quiet is-enabled $SERVICE 2>/dev/null; then WAS_ENABLED=1; fi
  if [ -e $INDEX ]; then FRESH=''; fi
}

# A folder that “npm run build:control-plane” made: this one, or the one that the checkout has.
find_package() {
  PACKAGE=$HERE
  if ! [ -f "$PACKAGE/build.json" ]; then
    PACKAGE=$HERE/dist/control-plane
    [ -f "$PACKAGE/build.json" ] || fail 'The control plane is not built yet.' 'In the checkout: npm run build:control-plane'
    if node_starts "$PACKAGE" && ! "$PACKAGE/node_modules/.bin/node" "$HERE/control-plane/build/main.ts" --check; then
      fail 'What was built is not what this checkout holds now.' 'Build it again: npm run build:control-plane'
    fi
  fi
  VERSION=$(sed -n 's/^ *"version": "\(.*\)",\{0,1\}$/\1/p' "$PACKAGE/build.json")
}

node_starts() { "$1/node_modules/.bin/node" --version >/dev/null 2>&1; }

# Where it is to be reached and to listen. What was settled once stays: later runs may say the same again.
settle() {
  if [ -n "$CERTIFICATE$KEY_FILE" ]; then check_certificate; fi
  if [ -e $CONFIG ]; then
    same --url "$URL" "$(setting HOMEPORT_URL)" $CONFIG
    same --port "$PORT" "$(setting HOMEPORT_PORT)" $CONFIG
    same --certificate "$CERTIFICATE" "$(credential certificate.pem)" $TLS
    same --key "$KEY_FILE" "$(credential key.pem)" $TLS
    URL=$(setting HOMEPORT_URL) LISTENS=$(setting HOMEPORT_HOST) PORT=$(setting HOMEPORT_PORT)
    return 0
  fi
  check_url
  LISTENS=127.0.0.1
  if [ -n "$CERTIFICATE" ]; then
    if [ -e /proc/net/if_inet6 ]; then LISTENS=::; else LISTENS=0.0.0.0; fi
    if [ -z "$PORT" ]; then PORT=$(say "$URL" | sed -n 's/.*:\([0-9]*\)$/\1/p'); fi
    PORT=${PORT:-443}
  fi
  PORT=${PORT:-7433}
  case $PORT in
    *[!0-9]* | ??????*) fail "$PORT is no port." 'Give --port a number below 65536.' ;;
  esac
}

# same OPTION GIVEN PRESENT FILE
same() {
  if [ -z "$2" ] || [ "$2" = "$3" ]; then return 0; fi
  fail "$1 $2 is not what this control plane has: ${3:-nothing}." "Change it in $4, then: systemctl restart $SERVICE"
}

setting() { sed -n "s/^$1=//p" $CONFIG | tail -n 1; }

credential() { if [ -e $TLS ]; then sed -n "s/^LoadCredential=$1://p" $TLS; fi; }

check_url() {
  [ -n "$URL" ] || fail 'At which address will people and agents reach it?' 'Say so: --url https://backups.example.org'
  host='([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])'
  if say "$URL" | grep -qE "^(https://$host|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?\$"; then return 0; fi
  fail "$URL is not the https:// address of a host." \
    'Without a path, such as https://backups.example.org. Plain http:// is for http://127.0.0.1 alone.'
}

check_certificate() {
  if [ -z "$CERTIFICATE" ] || [ -z "$KEY_FILE" ]; then
    fail 'A certificate needs its key, and a key its certificate.' 'Give both: --certificate FILE --key FILE'
  fi
  for file in "$CERTIFICATE" "$KEY_FILE"; do
    case $file in
      /*) ;;
      *) fail "$file: systemd has to know the whole path." 'Begin it with /.' ;;
    esac
    case $file in
      *[!A-Za-z0-9/._@+-]*) fail "$file: systemd would not understand this path." 'Use letters, digits and / . _ @ + - only.' ;;
    esac
    [ -f "$file" ] || fail "There is no file $file." 'Name the PEM files of the certificate with its chain, and of its key.'
  done
}

# ---- the steps; each registers how it is undone before it begins --------------------------------------------------

make_program_stage() {
  if ! [ -d ${PROGRAM%/*} ]; then
    undo_by undo_opt
    mkdir ${PROGRAM%/*}
  fi
  STAGE=$(mktemp -d ${PROGRAM%/*}/.homeport.XXXXXX)
}

take_program() {
  if [ -e $PROGRAM/build.json ] && cmp -s "$PACKAGE/build.json" $PROGRAM/build.json; then
    doing "keep $PROGRAM: it is this build already" || :
    return 0
  fi
  doing "copy the control plane to $PROGRAM" || return 0
  CHANGED=1
  cp -RP "$PACKAGE" "$STAGE/program" || fail 'The control plane could not be copied.' 'Is the disk of /opt full?'
  chown -R 0:0 "$STAGE/program"
  chmod -R go-w,a+rX "$STAGE/program"
  if node_starts "$STAGE/program"; then return 0; fi
  complaint=$("$STAGE/program/node_modules/.bin/node" --version 2>&1 || :)
  case $complaint in
    *libatomic.so.1*) add_library ;;
  esac
  if node_starts "$STAGE/program"; then return 0; fi
  complaint=$("$STAGE/program/node_modules/.bin/node" --version 2>&1 || :)
  fail "Its Node does not start here: $complaint" \
    'It needs glibc 2.28 or newer, and to be built on the same kind of machine as this one.'
}

# The former one makes way before its files do. Its index is kept: a newer version may change it.
pause_former() {
  if [ -z "$CHANGED" ] || [ -z "$WAS_ACTIVE" ]; then return 0; fi
  doing 'stop the former version, and keep a copy of its index until the new one serves' || return 0
  RESTARTED=1
  systemctl stop $SERVICE
  undo_by undo_index
  rm -rf $FORMER_INDEX $FORMER_INDEX.partial
  mkdir -m 0700 $FORMER_INDEX.partial
  cp -a $INDEX* $FORMER_INDEX.partial/
  mv $FORMER_INDEX.partial $FORMER_INDEX
}

write_settings() {
  if [ -n "$LIBRARY" ]; then
    make_config_dir
    undo_by undo_added
    say "$LIBRARY" >$ADDED
  fi
  if [ -e $CONFIG ]; then return 0; fi
  doing "write $CONFIG: $URL, listening on $LISTENS port $PORT" || return 0
  CHANGED=1
  make_config_dir
  undo_by undo_config
  (umask 077 && settings_text >$CONFIG)
}

place_directory() {
  if ! [ -d "$STAGE/program" ]; then return 0; fi
  undo_by undo_directory
  if [ -e $PROGRAM ]; then mv $PROGRAM "$STAGE/former"; fi
  mv "$STAGE/program" $PROGRAM
}

place_command() {
  if cmp -s "$PACKAGE/deploy/homeport" $BIN; then return 0; fi
  doing "place the command $BIN" || return 0
  if ! [ -d $BIN_DIR ]; then
    undo_by undo_bin_dir
    mkdir -p $BIN_DIR
  fi
  undo_by undo_command
  if [ -e $BIN ]; then cp -a $BIN "$STAGE/command"; fi
  cp "$PACKAGE/deploy/homeport" $BIN
  chmod 755 $BIN
}

place_tls() {
  if [ -z "$CERTIFICATE" ] || [ -e $TLS ]; then return 0; fi
  doing "let it speak TLS by $CERTIFICATE" || return 0
  undo_by undo_tls
  mkdir -p $UNIT.d
  tls_text >$TLS
  systemctl daemon-reload
}

start_control_plane() {
  if [ -n "$WAS_ACTIVE" ] && [ -n "$WAS_ENABLED" ] && [ -z "$CHANGED" ]; then return 0; fi
  doing 'start the service, now and at every boot, and wait until it serves' || return 0
  if [ -z "$WAS_ACTIVE" ] && $BIN healthy >/dev/null 2>&1; then
    fail "Another control plane serves on port $PORT." 'Stop it first, or choose another port: --port N'
  fi
  undo_by undo_serving
  systemctl --quiet enable $SERVICE
  RESTARTED=1
  systemctl restart $SERVICE
  if $BIN healthy --wait "$WAIT_SECONDS" >/dev/null 2>"$STAGE/said"; then
    rm -rf $FORMER_INDEX
    return 0
  fi
  journalctl --quiet --no-pager --output=cat --lines=20 --unit $SERVICE >&2 || :
  cat "$STAGE/said" >&2
  fail "The control plane does not serve after $WAIT_SECONDS seconds." 'The lines above say why.'
}

report_control_plane() {
  if [ -n "$DRY_RUN" ]; then
    say 'Nothing was changed.'
    return 0
  fi
  sudo=${SUDO_USER:+sudo }
  say "The control plane serves. It is made of:" \
    "  $PROGRAM  the program, version $VERSION" \
    "  $BIN  its command line" \
    "  $CONFIG  its settings: where it listens, where it is reached" \
    "  $STATE  all it keeps, the backups and keys among it" \
    "  $ACCOUNT  the account it runs as"
  if [ -n "$LIBRARY" ]; then say "  $LIBRARY  a package that was missing"; fi
  say "  $SERVICE  its service: systemctl status $SERVICE, journalctl --unit $SERVICE"
  if ! [ -e $TLS ]; then
    say '' "It listens on $LISTENS port $PORT. A proxy before it speaks TLS for $URL:" \
      "  $PROGRAM/deploy/Caddyfile is one for Caddy."
  fi
  if [ -n "$FRESH" ]; then
    say '' 'Then make the account of its owner. This prints the link for it, which works once (it is in the log as well):' \
      "  ${sudo}homeport setup-link"
  fi
  say '' 'To remove it, with or without the data:' \
    "  ${sudo}sh $PROGRAM/install.sh control-plane --uninstall --keep-data" \
    "  ${sudo}sh $PROGRAM/install.sh control-plane --uninstall --remove-data"
}

# ---- taking back --------------------------------------------------------------------------------------------------

undo_opt() { rmdir ${PROGRAM%/*}; }

# Only a whole copy takes the place of what is there.
undo_index() {
  if [ -d $FORMER_INDEX ]; then
    rm -f $INDEX-wal $INDEX-shm
    mv -f $FORMER_INDEX/* $STATE/
  fi
  rm -rf $FORMER_INDEX $FORMER_INDEX.partial
}

undo_serving() {
  systemctl stop $SERVICE
  systemctl reset-failed $SERVICE 2>/dev/null
  if [ -z "$WAS_ENABLED" ]; then systemctl --quiet disable $SERVICE; fi
}

undo_directory() {
  if [ -e "$STAGE/former" ]; then
    rm -rf $PROGRAM
    mv "$STAGE/former" $PROGRAM
  elif ! [ -e "$STAGE/program" ]; then rm -rf $PROGRAM; fi
  rm -rf $CACHE
}

undo_command() {
  if [ -e "$STAGE/command" ]; then cp -a "$STAGE/command" $BIN; else rm -f $BIN; fi
}

undo_tls() {
  rm -f $TLS
  rmdir $UNIT.d
  systemctl daemon-reload
}

# ---- removing -----------------------------------------------------------------------------------------------------

uninstall_control_plane() {
  if ! [ -e $PROGRAM ] && ! [ -e $UNIT ] && ! [ -e $STATE ] && ! [ -e $CONFIG ]; then
    say 'The Homeport control plane is not installed here.'
    return 0
  fi
  case $FATE in
    keep | remove) ;;
    *) fail "Shall $STATE, with the backups and keys in it, stay or go?" 'Add either --keep-data or --remove-data.' ;;
  esac
  say "Homeport control plane${DRY_RUN:+; this would}:"
  if [ -e $UNIT ]; then remove_unit; fi
  if [ "$FATE" = remove ]; then
    if [ -e $STATE ] && doing "remove $STATE: every backup in it, and the keys to those in buckets"; then
      # It may be where a disk is mounted.
      rm -rf $STATE 2>/dev/null || [ -z "$(ls -A $STATE)" ]
    fi
    if [ -e $CONFIG ] && doing "remove $CONFIG"; then rm -f $CONFIG; fi
  fi
  if [ -e $PROGRAM ] && doing "remove $PROGRAM"; then rm -rf $PROGRAM $CACHE; fi
  if [ -e $BIN ] && doing "remove $BIN"; then rm -f $BIN; fi
  if [ -e $ADDED ] && ! [ -e $AGENT_BIN ] && doing "remove the package $(cat $ADDED), unless something else needs it"; then
    remove_package "$(cat $ADDED)" || :
    rm -f $ADDED
  fi
  if [ -d $CONFIG_DIR ] && [ -z "$DRY_RUN" ]; then rmdir $CONFIG_DIR 2>/dev/null || :; fi
  if [ "$FATE" = remove ] && id -u $ACCOUNT >/dev/null 2>&1 && doing "remove the account $ACCOUNT"; then remove_account; fi
  if [ -n "$DRY_RUN" ]; then say 'Nothing was changed.'; elif [ "$FATE" = remove ]; then say 'Removed, with all data.'; else
    say "Removed. $STATE, $CONFIG and the account $ACCOUNT stay; installed again, it goes on with them."
  fi
}

remove_unit() {
  doing "stop and remove the service $SERVICE" || return 0
  systemctl --quiet disable --now $SERVICE
  rm -rf $UNIT $UNIT.d
  systemctl daemon-reload
  systemctl reset-failed $SERVICE 2>/dev/null || :
}

# ---- what is written ----------------------------------------------------------------------------------------------

settings_text() {
  cat <<SETTINGS
# Settings of the Homeport control plane; README.md of Homeport has all of them, one NAME=value on a line.
# After a change: systemctl restart homeport

# The address that people and agents use.
HOMEPORT_URL=$URL
# Where it listens.
HOMEPORT_HOST=$LISTENS
HOMEPORT_PORT=$PORT
# Proxies whose X-Forwarded-For is believed: addresses, ranges, or none.
SETTINGS
  if [ -n "$CERTIFICATE" ]; then say HOMEPORT_TRUSTED_PROXY=none; else say '# HOMEPORT_TRUSTED_PROXY=127.0.0.0/8, ::1'; fi
}

# systemd reads the files as root, and shows them to the service alone.
tls_text() {
  cat <<TLS
[Service]
LoadCredential=certificate.pem:$CERTIFICATE
LoadCredential=key.pem:$KEY_FILE
Environment=HOMEPORT_TLS_CERTIFICATE=/run/credentials/$SERVICE/certificate.pem
Environment=HOMEPORT_TLS_KEY=/run/credentials/$SERVICE/key.pem
# For ports below 1024.
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
AmbientCapabilities=CAP_NET_BIND_SERVICE
TLS
}

unit_text() {
  cat <<UNIT
[Unit]
Description=Homeport control plane, keeps backups and tells agents what to do
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
User=$ACCOUNT
Group=$ACCOUNT
Environment=HOMEPORT_DATA=$STATE NODE_COMPILE_CACHE=$CACHE
EnvironmentFile=$CONFIG
ExecStart=$PROGRAM/node_modules/.bin/node $PROGRAM/control-plane/main.ts
Restart=always
RestartSec=5
KillMode=mixed
TimeoutStopSec=30
StateDirectory=homeport
StateDirectoryMode=0700
CacheDirectory=homeport
CacheDirectoryMode=0700
UMask=0077
# A socket for each agent, its uploads, and pages.
LimitNOFILE=65536

# It needs the network and its data directory.
$(confinement)
CapabilityBoundingSet=
AmbientCapabilities=
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RemoveIPC=yes

[Install]
WantedBy=multi-user.target
UNIT
}
