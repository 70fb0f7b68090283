# Sourced by the checks that need a server: a demo of its own for each, on a free port, gone when the check
# ends. EHCP names the program; it is the one that `cargo test` builds unless told otherwise.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
EHCP=${EHCP:-$ROOT/target/debug/ehcp}

# Starts a demo and says where it is: FOLDER is its working directory, with the data in FOLDER/data, and ADDRESS
# is where it listens.
start_demo() { # further arguments
    FOLDER=$(mktemp -d)
    trap stop_demo EXIT
    # The demo makes it only once it has been started, and it is read at once.
    : >"$FOLDER/said"
    (cd "$FOLDER" && RUST_LOG=warn exec "$EHCP" demo --bind 127.0.0.1:0 "$@") \
        >"$FOLDER/said" 2>"$FOLDER/log" &
    SERVER=$!
    for _ in $(seq 600); do
        ADDRESS=$(sed -n 's,.*http://\([0-9.:]*\)/openapi.json.*,\1,p' "$FOLDER/said" | head -1)
        if [ -n "$ADDRESS" ] && curl --silent --fail --output /dev/null "http://$ADDRESS/health/ready"; then
            return
        fi
        kill -0 "$SERVER" 2>/dev/null || break
        sleep 0.2
    done
    echo "The demo did not get ready:" >&2
    cat "$FOLDER/said" "$FOLDER/log" >&2
    return 1
}

# The token that the demo printed for a role.
token_of() { # role
    awk -v role="$1" '$1 == role { print $2 }' "$FOLDER/said"
}

stop_demo() {
    kill "$SERVER" 2>/dev/null || true
    wait "$SERVER" 2>/dev/null || true
    rm -rf "$FOLDER"
}
