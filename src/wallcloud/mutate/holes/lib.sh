# What holes share. Every wait is for something that is seen, and ends after WAIT seconds with a failure.
WAIT=60

# until_seen COMMAND…: until it succeeds. There is no event for most of these: looked at 20 times a second.
until_seen() {
    local end=$((SECONDS + WAIT))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || { echo "not seen in $WAIT s: $*" >&2; return 1; }
        sleep 0.05
    done
}

# keep FILE: as it is, with its owner and mode, for `restore`. The first copy stays.
keep() {
    mkdir -p "$folder/kept$(dirname "$1")"
    [ -e "$folder/kept$1" ] || { cp -a "$1" "$folder/kept$1.new" && mv "$folder/kept$1.new" "$folder/kept$1"; }
}

# restore FILE: whether there was anything to put back.
restore() {
    [ -e "$folder/kept$1" ] || return 1
    cp -a "$folder/kept$1" "$1.wallcloud-mutation"
    mv "$1.wallcloud-mutation" "$1"
}

# edit FILE SED…: fails where nothing changes, for then there is no hole.
edit() {
    local file=$1
    shift
    keep "$file"
    sed -i "$@" "$file"
    ! cmp -s "$file" "$folder/kept$file" || { echo "$file: nothing changed" >&2; return 1; }
}

# listening [NETNS] TCP-ADDRESS:PORT
listening() { ss -Hltn "sport = :${1##*:}" | awk '{print $4}' | grep -qxF "$1"; }

# listen NAME PYTHON [COMMAND…]: a Python program of its own, run by COMMAND (ip netns exec …), which says `ready` when
# its socket is there; ended by `ends NAME`. It is root's unless the program says otherwise.
listen() {
    local name=$1 program=$2 said=
    shift 2
    mkfifo "$folder/$name.ready"
    setsid "$@" python3 -I -c "$program" >"$folder/$name.ready" 2>"$folder/$name.log" </dev/null &
    echo $! >"$folder/$name.pid"
    read -r said <"$folder/$name.ready" || :
    [ "$said" = ready ] || { cat "$folder/$name.log" >&2; return 1; }
}
ends() {
    [ ! -e "$folder/$1.pid" ] || { kill "$(cat "$folder/$1.pid")" 2>/dev/null && until_seen gone "$(cat "$folder/$1.pid")"; } || :
}
gone() { ! kill -0 "$1"; }

# The node's firewall as its unit loads it.
walls_up() { nft -f /etc/wallcloud/firewall.nft; }

# rule CHAIN TEXT: the handle of the one rule whose text matches an extended regular expression.
rule() {
    local found
    found=$(nft -a list chain inet wallcloud "$1" | grep -E -- "$2" | sed -n 's/.* # handle \([0-9]*\)$/\1/p')
    [ -n "$found" ] && [ "$(wc -l <<<"$found")" = 1 ] || { echo "not one rule of $1 matches $2: $found" >&2; return 1; }
    echo "$found"
}

# last_rule CHAIN: its handle; it drops what no other took.
last_rule() { nft -a list chain inet wallcloud "$1" | sed -n 's/.* drop # handle \([0-9]*\)$/\1/p' | tail -1; }

# restarted UNIT [ADDRESS:PORT]: the unit is started anew, and listens there.
restarted() {
    systemctl restart "$1"
    until_seen systemctl is-active --quiet "$1"
    [ $# -lt 2 ] || until_seen listening "$2"
}

# set_sysctls NAME=VALUE…: keeps what they were. Fails where nothing changes, for then there is no hole.
set_sysctls() {
    local each was
    for each in "$@"; do
        was=$(sysctl -n "${each%=*}")
        [ "$was" = "${each##*=}" ] || echo "${each%=*}=$was" >>"$folder/sysctls"
        sysctl -qw "$each"
    done
    [ -e "$folder/sysctls" ] || { echo "already so: $*" >&2; return 1; }
}
restore_sysctls() {
    [ ! -e "$folder/sysctls" ] || tac "$folder/sysctls" | while read -r each; do sysctl -qw "$each"; done
}

# The node's Apache with an edited configuration, and as it was.
door_edit() {
    edit /etc/wallcloud/apache/apache2.conf "$@"
    door_restarted
}
door_back() {
    restore /etc/wallcloud/apache/apache2.conf || return 0
    door_restarted
}
door_restarted() {
    restarted wallcloud-apache
    local each
    for each in $(sed -n 's/^Listen \([^ ]*\).*/\1/p' /etc/wallcloud/apache/apache2.conf); do
        until_seen listening "$each"
    done
}

# sql TEXT: as root by the unix socket.
sql() { mariadb --batch --skip-column-names -e "$1"; }

# bus ERLANG: an expression in the node's RabbitMQ; what it prints. It must print `done` at last.
bus() {
    local said
    said=$(HOME=/var/lib/wallcloud-rabbitmq erl_call -address 127.0.0.1:25672 -fetch_stdout -no_result_term -e <<<"$1, io:format(\"~ndone\").")
    [ "${said##*$'\n'}" = done ] || { echo "the bus: $said" >&2; return 1; }
    printf '%s' "${said%$'\n'done}"
}
