# SPDX-License-Identifier: GPL-2.0-only
"""The rule sets of ./demo and bench/run, as an administrator would write them."""

BLOCKED_NETWORKS = 1000
# Senders inside the blocklist, at ports that nobody serves: what lab.start_flood() takes.
BLOCKED = f"198.18.0.0/{BLOCKED_NETWORKS * 256}:20000/4000"

# A server that lets in its services, and what it asked for itself.
POLICY_DROP = """table inet server {
	chain input {
		type filter hook input priority filter; policy drop;
		iif lo accept
		ct state established,related accept
		tcp dport { 22, 80, 443, 8053 } accept
		udp dport 8053 accept
	}
}
"""
POLICY_DROP_IPTABLES = """*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,80,443,8053 -j ACCEPT
-A INPUT -p udp -m udp --dport 8053 -j ACCEPT
COMMIT
"""


def blocked_networks():
    for number in range(BLOCKED_NETWORKS):
        yield f"198.{18 + number // 256}.{number % 256}.0/24"


def server_iptables():
    """A server for iptables-restore: conntrack, multiport, user chains, a blocklist."""
    blocklist = "\n".join(f"-A BLOCKLIST -s {network} -j DROP" for network in blocked_networks())
    return f"""*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:BLOCKLIST - [0:0]
:SERVICES - [0:0]
:ADMIN - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -m comment --comment "answers" -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -j BLOCKLIST
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -j SERVICES
-A INPUT -p tcp -m tcp --dport 22 -j ADMIN
{blocklist}
-A BLOCKLIST -j RETURN
-A SERVICES -p tcp -m multiport --dports 80,443,8053 -j ACCEPT
-A SERVICES -p udp -m multiport --dports 53,443,8053 -j ACCEPT
-A ADMIN -s 10.9.0.0/24 -j ACCEPT
-A ADMIN -s 192.0.2.0/28 -j ACCEPT
COMMIT
"""


def server_nft():
    """The same server for nft -f."""
    blocklist = "\n".join(f"\t\tip saddr {network} drop" for network in blocked_networks())
    return f"""table inet server {{
	chain blocklist {{
{blocklist}
	}}
	chain services {{
		tcp dport {{ 80, 443, 8053 }} accept
		udp dport {{ 53, 443, 8053 }} accept
	}}
	chain admin {{
		ip saddr {{ 10.9.0.0/24, 192.0.2.0/28 }} accept
	}}
	chain input {{
		type filter hook input priority filter; policy drop;
		iif lo accept
		ct state established,related accept
		ct state invalid drop
		jump blocklist
		icmp type echo-request accept
		icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert }} accept
		jump services
		tcp dport 22 jump admin
	}}
}}
"""


def others(count):
    """(sender, protocol, port) of rules that no packet here meets, but must be compared with."""
    for number in range(count):
        protocol = ("tcp", "udp")[number % 2]
        yield f"172.{16 + number // 65536}.{number // 256 % 256}.{number % 256}", protocol, 1 + number % 9998


def long_nft(count):
    """So many rules, the last of which drops a UDP port."""
    rules = "".join(f"\t\tip saddr {sender} {protocol} dport {port} drop\n"
                    for sender, protocol, port in others(count - 1))
    return f"""table ip server {{
	chain input {{
		type filter hook input priority filter
{rules}		udp dport 9999 drop
	}}
}}
"""


def long_iptables(count):
    """The same for iptables-restore."""
    rules = "".join(f"-A INPUT -s {sender}/32 -p {protocol} -m {protocol} --dport {port} -j DROP\n"
                    for sender, protocol, port in others(count - 1))
    return f"*filter\n{rules}-A INPUT -p udp -m udp --dport 9999 -j DROP\nCOMMIT\n"


def hosted_nft():
    """A server that bans senders, as fail2ban does; the counters tell who judged a packet."""
    return """table inet server {
	set banned { type ipv4_addr; }
	chain input {
		type filter hook input priority filter; policy drop;
		iif lo accept
		ip saddr @banned counter drop
		ct state established,related accept
		tcp dport { 22, 80, 443 } accept
		udp dport 8053 accept
		udp dport 9 counter drop
	}
	chain elsewhere { }
}
"""


def busy_nft(count):
    """The same with so many senders banned, and room for bans that end by themselves."""
    banned = ", ".join(f"172.{16 + number // 65536}.{number // 256 % 256}.{number % 256}"
                       for number in range(count))
    return hosted_nft().replace("set banned { type ipv4_addr; }",
                                f"set banned {{ type ipv4_addr; flags timeout; elements = {{ {banned} }} }}")


def large_nft(count):
    """The same behind that many rules more: half a blocklist, half senders who may come to one port.
    To be loaded again and again, each time as one transaction."""
    text = ["table inet server\ndelete table inet server\n", hosted_nft()]
    for first, host, verdict in ((198, ".0/24", "drop"), (203, ".1", "tcp dport 22 accept")):
        for number in range(count // 2):
            sender = f"{first}.{18 + number // 256}.{number % 256}{host}"
            text.append(f"insert rule inet server input ip saddr {sender} {verdict}\n")
    return "".join(text)
