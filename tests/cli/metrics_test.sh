#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Metrics: the numbers of status and list, exactly, with known traffic; printed, served, and read by
# Prometheus itself where that is installed.
. "$(dirname "$0")/lib.sh"
tests=$(dirname "$0")
make_namespaces
meet_neighbours

server=
prometheus=
end_process() {
	[ -z "$1" ] || { kill "$1"; wait "$1"; } 2>/dev/null
}
end_server() {
	end_process "$server"
	server=
}
trap 'end_server; end_process "$prometheus"; clean_up' EXIT

# WHERE: in the background; its words are in $work/server
serve() {
	: >"$work/server" # it is looked for before the server has made it
	"$sluice" -n "$ns" metrics --listen "$1" >"$work/server" 2>&1 </dev/null &
	server=$!
	for _ in $(seq 100); do
		grep -q listening "$work/server" && return
		sleep 0.1
	done
	fail "the server does not listen: $(cat "$work/server")"
}

# METHOD PATH: its status is printed, its body in $work/out
ask() {
	in_ns python3 -c '
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", 9469, timeout=60)
connection.request(sys.argv[1], sys.argv[2])
answer = connection.getresponse()
open(sys.argv[3], "wb").write(answer.read())
print(answer.status, answer.getheader("Content-Type"))
' "$1" "$2" "$work/out"
}

# A page, printed or, with an argument, served, says what the others say; between two looks at the
# counters that are the same, for neighbours talk now and then.
agrees() {
	for _ in 1 2 3 4 5 6; do
		"$sluice" -n "$ns" status -j >"$work/status.json"
		if [ $# = 0 ]; then run metrics; exits 0; else "$@"; fi
		"$sluice" -n "$ns" list -j >"$work/list.json"
		cp "$work/out" "$work/page"
		"$sluice" -n "$ns" status -j | cmp -s - "$work/status.json" && break
	done
	python3 "$tests/metrics_compare.py" "$work/page" "$work/status.json" "$work/list.json" \
		>"$work/err" || fail "metrics differ"
	cat "$work/err"
}

in_ns nft -f - <<'EOF'
table inet filter {
	chain input {
		type filter hook input priority 0; policy accept;
		udp dport 1000 counter drop
		udp dport 1001 drop
		udp dport { 1003, 1004 } counter drop
		udp dport 1005 counter jump deeper
		udp dport 1006 counter accept
	}
	chain deeper {
		counter drop
	}
}
table ip other {
	chain input {
		type filter hook input priority 5; policy accept;
		udp dport 1007 counter drop
	}
}
EOF

send_all() {
	send_udp 5 10.9.0.1 1000 10
	send_udp 3 2001:db8:9::1 1000 10
	send_udp 2 10.9.0.1 1001 10
	send_udp 6 10.9.0.1 1004 100
	send_udp 1 10.9.0.1 1005 10
	send_udp 4 10.9.0.1 1006 10
	send_udp 7 10.9.0.1 1007 10
}

# Nothing is attached: all families, no device
run metrics; exits 0; says "# TYPE sluice_packets_total counter"; says 'sluice_info{version="'
says_not "sluice_attached{"
run metrics -j; exits 2; complains "it has no use for --json"
run metrics extra; exits 2; complains '"extra" is one word too many'
run metrics --listen localhost:http; exits 2; complains "--listen takes a port"

run attach dev v0; exits 0
send_all
sleep 0.2
agrees
says 'sluice_packets_total{device="v0",verdict="drop",reason="rules"} 24'
says 'sluice_rule_packets_total{device="v0",family="inet",table="filter",chain="deeper",handle="'
run metrics --brief; exits 0; says 'sluice_packets_total{device="v0"'
says_not "sluice_rule_packets_total{"
# Over a swap, and a chain that is gone
in_ns nft delete table ip other
sleep 0.3
send_all
sleep 0.2
agrees; says_not 'table="other"'
says 'sluice_packets_total{device="v0",verdict="drop",reason="rules"} 41'

# Names: the manual has them all, the dashboard no other
run metrics
sed -n 's/^# HELP \([^ ]*\) .*/\1/p' "$work/out" | sort >"$work/names"
sed -n 's/^| `\(sluice_[a-z_]*\)` |.*/\1/p' "$source_root/docs/metrics.md" | sort >"$work/err"
cmp -s "$work/names" "$work/err" || fail "docs/metrics.md has other metrics: $(diff "$work/names" "$work/err")"
jq -r '.. | .expr? // empty' "$source_root/dist/grafana-sluice.json" >"$work/exprs"
grep -q sluice_ "$work/exprs" || fail "the dashboard shows nothing"
{ cat "$work/exprs"; sed -n '/^```yaml/,/^```$/p' "$source_root/docs/metrics.md" | grep expr:
  jq -r '.templating.list[].query | .query? // empty' "$source_root/dist/grafana-sluice.json"; } |
	grep -o 'sluice_[a-z_]*' | sort -u >"$work/used"
comm -13 "$work/names" "$work/used" >"$work/err"
[ ! -s "$work/err" ] || fail "the dashboard or an alert asks for what there is not"

# Served
serve 9469
grep -qF "listening at http://127.0.0.1:9469/metrics" "$work/server" || fail "$(cat "$work/server")"
ran="GET /metrics"
[ "$(ask GET /metrics)" = "200 text/plain; version=0.0.4; charset=utf-8" ] || fail "not served"
agrees ask GET /metrics
ran="other requests"
[ "$(ask HEAD /metrics | cut -c1-3)" = 200 ] || fail "HEAD"
[ "$(ask GET / | cut -c1-3)" = 404 ] || fail "/"
[ "$(ask POST /metrics | cut -c1-3)" = 405 ] || fail "POST"
run metrics --listen 9469; exits 1; complains "something else does already"

# Clients that say nothing, or nonsense, or too much, and stay, more of them than it takes
ran="hostile clients"
in_ns python3 -c '
import socket
held = []
for what in [b"", b"GET ", b"\0\xff" * 99, b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 99999] * 12:
    try:
        held.append(socket.create_connection(("127.0.0.1", 9469), timeout=1))
        held[-1].sendall(what)
    except TimeoutError:
        break
    except OSError:
        pass
'
[ "$(ask GET /metrics | cut -c1-3)" = 200 ] || fail "no page behind them"

# What people use to read it
if command -v promtool >/dev/null; then
	ran="promtool check metrics"
	promtool check metrics <"$work/page" >"$work/out" 2>"$work/err" || fail "promtool does not like it"
else
	echo "skipped: promtool is not installed (package prometheus)"
fi
if command -v prometheus >/dev/null; then
	ran="prometheus"
	printf 'scrape_configs: [{job_name: sluice, scrape_interval: 1s, static_configs: [{targets: ["127.0.0.1:9469"]}]}]\n' \
		>"$work/prometheus.yml"
	in_ns prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
		--web.listen-address=127.0.0.1:9470 --log.level=error >"$work/err" 2>&1 &
	prometheus=$!
	for _ in $(seq 60); do
		in_ns python3 -c '
import json, urllib.parse, urllib.request
query = urllib.parse.quote("sluice_packets_total{verdict=\"drop\"}")
answer = urllib.request.urlopen(f"http://127.0.0.1:9470/api/v1/query?query={query}", timeout=5)
print(json.load(answer)["data"]["result"][0]["value"][1])
' >"$work/out" 2>/dev/null && break
		sleep 0.5
	done
	end_process "$prometheus"
	prometheus=
	[ "$(cat "$work/out")" = 41 ] || fail "it has read something else"
else
	echo "skipped: prometheus is not installed"
fi
end_server

ran="metrics --listen unix:"
serve "unix:$work/socket"
python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
page = b""
while piece := s.recv(65536):
    page += piece
sys.stdout.buffer.write(page)
' "$work/socket" >"$work/out"
says "200 OK"; says 'sluice_attached{device="v0",mode="native"} 1'
end_server
[ ! -e "$work/socket" ] || fail "the socket is left"

# 10,000 rules: how long it takes is only told
{ echo "table ip many { chain input { type filter hook input priority 9;"
  seq 10000 | awk '{ printf "ip saddr 10.%d.%d.1 udp dport %d counter drop\n", $1 / 250, $1 % 250, $1 }'
  echo "}"; echo "}"; } | in_ns nft -f -
for _ in $(seq 100); do
	"$sluice" -n "$ns" status -j | jq -e '.devices[0] | .fresh and .rules > 10000' >/dev/null && break
	sleep 0.2
done
run metrics; exits 0
[ "$(grep -c '^sluice_rule_packets_total{.*table="many"' "$work/out")" = 10000 ] || fail "not 10,000 rules"
echo "10,000 rules, $(wc -c <"$work/out") bytes: $(grep '^sluice_scrape_seconds' "$work/out")"

finish
