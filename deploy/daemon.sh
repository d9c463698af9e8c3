# Sourced by the scripts of this folder: a daemon on a temporary directory and free ports, and
# the facts of a directory put into it. Expects $voucherd_binaries, the folder of both programs.

# start_daemon: sets $work (removed at exit), $api and $admin.
start_daemon() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/voucherd-XXXXXX")
  trap stop_daemon EXIT
  "$voucherd_binaries/voucherd" --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 \
    --data "$work/data" --ports-file "$work/ports.json" </dev/null >"$work/voucherd.log" 2>&1 &
  daemon=$!
  # The ports file appears once the daemon listens; without a daemon it never would.
  until [ -e "$work/ports.json" ]; do
    kill -0 "$daemon" 2>/dev/null || {
      cat "$work/voucherd.log" >&2
      echo "voucherd did not start" >&2
      return 1
    }
    sleep 0.05
  done
  api=http://$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["api"])' "$work/ports.json")
  admin=http://$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["admin"])' "$work/ports.json")
}

stop_daemon() {
  if [ -n "${daemon:-}" ]; then
    kill "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    daemon=
  fi
  rm -rf "$work"
}

ctl() { "$voucherd_binaries/voucherctl" --server "$api" "$@"; }

# put_facts DIR: every DIR/KIND/KEY.json, what others refer to first.
put_facts() {
  local kind file
  for kind in skus:sku firms:firm price-books:price-book policies:policy contracts:contract; do
    for file in "$1/${kind%%:*}"/*.json; do
      [ -e "$file" ] || continue
      ctl "${kind##*:}" put "$(basename "$file" .json)" "$file" >/dev/null
    done
  done
}
