// SPDX-License-Identifier: GPL-2.0-only
#include "cli/verbs.h"

#include <string.h>

#define TAKES(option) (1u << SL_OPTION_##option)

static const struct sl_verb verbs[] = {
	{
		.name = "plan",
		.arguments = "[dev D] [mode M] [FILE] [--check N%]",
		.summary = "what attaching would do, without doing it; FILE: rules not loaded yet",
		.details =
			"Says which mode a device would take and what that changes about it, how\n"
			"many rules would be decided early, which share of the packets that the\n"
			"rules' own counters show as dropped, and which rules keep the rest.\n"
			"FILE is an nft script or the output of iptables-save; no privileges are\n"
			"needed for it. Without a device: one line for each.\n\n"
			"  early   sluice decides\n"
			"  maybe   holds a match that sluice cannot make: others decide, or it "
			"passes\n"
			"  kernel  the kernel must do what it says\n"
			"  behind  all packets have passed before they get here\n\n"
			"examples:\n"
			"  sluice plan dev eth0 -v\n"
			"  sluice plan /etc/nftables.conf --check 80%\n",
		.options =
			TAKES(DEVICE) | TAKES(MODE) | TAKES(CHECK) | TAKES(VERBOSE) | TAKES(MEMORY),
		.run = sl_command_plan,
	},
	{
		.name = "report",
		.arguments = "--html PAGE [dev D] [mode M] [FILE]",
		.summary = "the plan as one page to look at: chains, rules, counters, cost",
		.details = "PAGE is one file without scripts, which fetches nothing; it shows the "
			   "way of a\n"
			   "packet, and of each rule where it is decided and what it has counted, "
			   "with the\n"
			   "early drops where the device is attached. FILE is as for `plan`.\n\n"
			   "examples:\n"
			   "  sluice report --html eth0.html dev eth0\n"
			   "  sluice report --html planned.html /etc/nftables.conf\n",
		.options = TAKES(HTML) | TAKES(DEVICE) | TAKES(MODE) | TAKES(MEMORY),
		.run = sl_command_report,
	},
	{
		.name = "audit",
		.arguments = "dev D [mode auto|native|tc|generic] [--for TIME]",
		.summary = "a dry run: decide, pass, and compare with what the kernel does",
		.details = "The program is put on the device, judges every packet as it would in\n"
			   "earnest, and passes it. What the kernel then does with those that "
			   "would have\n"
			   "been dropped is watched; each that it does not drop is printed with "
			   "its rule.\n"
			   "It runs until --for is over or until Ctrl-C, follows changes of the "
			   "rules,\n"
			   "and takes the program off again, whatever ends it. Exit status 1 if "
			   "there\n"
			   "was a disagreement.\n\n"
			   "examples:\n"
			   "  sluice audit dev eth0 --for 24h\n"
			   "  sluice audit dev eth0 --for 10m --json | jq .disagreed\n",
		.options =
			TAKES(DEVICE) | TAKES(MODE) | TAKES(FOR) | TAKES(VERBOSE) | TAKES(MEMORY),
		.run = sl_command_audit,
	},
	{
		.name = "attach",
		.alias = "up",
		.arguments = "dev D [mode auto|offload|native|tc|generic]",
		.summary = "compile the live rules, attach, keep in step",
		.details = "A process stays behind that keeps the device in step with the rules.\n"
			   "Should it end, all packets pass after the next change of the rules.\n\n"
			   "examples:\n"
			   "  sluice attach dev eth0\n"
			   "  sluice attach dev eth0 mode tc\n"
			   "  sluice attach dev eth0 --confirm 60       # and elsewhere: sluice "
			   "confirm dev eth0\n",
		.options = TAKES(DEVICE) | TAKES(MODE) | TAKES(CONFIRM) | TAKES(VERBOSE) |
			   TAKES(YES) | TAKES(REPLACE) | TAKES(MEMORY),
		.run = sl_command_attach,
	},
	{
		.name = "reattach",
		.arguments = "dev D [mode auto|offload|native|tc|generic]",
		.summary = "attach anew, with other options or another version of sluice",
		.details = "The process that keeps the device is ended, and a new one takes the "
			   "attachment\n"
			   "over. Options that are not given stay as they are. Where it fails, the "
			   "device is\n"
			   "attached as before.\n\n"
			   "examples:\n"
			   "  sluice reattach dev eth0                  # after an upgrade\n"
			   "  sluice reattach dev eth0 mode tc --confirm 60\n",
		.options = TAKES(DEVICE) | TAKES(MODE) | TAKES(CONFIRM) | TAKES(VERBOSE) |
			   TAKES(YES) | TAKES(MEMORY),
		.run = sl_command_reattach,
	},
	{
		.name = "confirm",
		.arguments = "dev D",
		.summary = "keep what was attached with --confirm",
		.details = "From any session, as long as the time is not over.\n",
		.options = TAKES(DEVICE),
		.run = sl_command_confirm,
	},
	{
		.name = "rollback",
		.arguments = "dev D",
		.summary = "back to how the device was before the last attach or reattach",
		.details = "That is: attached with the options before, or detached. Said twice, it "
			   "is\n"
			   "detached. The rules are the kernel's, and stay as they are.\n",
		.options = TAKES(DEVICE),
		.run = sl_command_rollback,
	},
	{
		.name = "detach",
		.alias = "down",
		.arguments = "[dev D]",
		.summary = "take it off again; nothing is left behind",
		.details = "Without a device: off all devices of this network namespace.\n",
		.options = TAKES(DEVICE),
		.run = sl_command_detach,
	},
	{
		.name = "reload",
		.arguments = "",
		.summary = "have sluiced read its configuration again",
		.details =
			"Whole or not at all: where the file has a mistake, all stays as it was,\n"
			"and the exit status is 1.\n",
		.run = sl_command_reload,
	},
	{
		.name = "status",
		.arguments = "[dev D] [--check]",
		.summary = "what is attached, how fresh, what it did",
		.details = "With --check it prints one line and exits like a Nagios plugin:\n"
			   "0 fine, 1 stale or not kept, 2 not attached, 3 not known.\n",
		.options = TAKES(DEVICE) | TAKES(CHECK),
		.run = sl_command_status,
	},
	{
		.name = "top",
		.arguments = "[dev D] [--interval S] [--batch N|--once] [--no-colour]",
		.summary = "rates, the hottest rules, and who sends it, live",
		.details = "What each device drops early and passes a second, its last minute, and "
			   "the rules\n"
			   "that drop most, and by samples who sends it. Only rules that have a "
			   "counter are\n"
			   "told apart.\n\n"
			   "  Tab, arrows  choose the device whose rules are shown\n"
			   "  s            sort rules by packets a second, bits a second, packets\n"
			   "  p            pause, and go on\n"
			   "  ?            what the columns are\n"
			   "  q            quit\n\n"
			   "examples:\n"
			   "  sluice top\n"
			   "  sluice top dev eth0 --interval 5\n"
			   "  sluice top --once                         # of one second, as text\n",
		.options = TAKES(DEVICE) | TAKES(INTERVAL) | TAKES(BATCH) | TAKES(ONCE) |
			   TAKES(NO_COLOUR),
		.run = sl_command_top,
	},
	{
		.name = "metrics",
		.arguments = "[--listen ADDRESS:PORT|unix:PATH] [--brief]",
		.summary = "the counts of status and list for Prometheus: printed once, or served",
		.details =
			"Of all attachments in this network namespace; docs/metrics.md has their "
			"names.\n"
			"With --listen they are read anew for each request, until SIGTERM.\n\n"
			"examples:\n"
			"  sluice metrics\n"
			"  sluice metrics --listen 9469              # 127.0.0.1 alone\n"
			"  sluice metrics --listen unix:/run/sluice/metrics\n",
		.options = TAKES(LISTEN) | TAKES(BRIEF),
		.run = sl_command_metrics,
	},
	{
		.name = "list",
		.alias = "show",
		.arguments = "[dev D] [--format nft|iptables]",
		.summary = "the rules, with counters = the kernel's + early drops",
		.details = "With a device, only what was dropped early there is added.\n\n"
			   "examples:\n"
			   "  sluice list\n"
			   "  sluice list --format iptables\n"
			   "  sluice list --json | jq '.rules[] | select(.early_packets > 0)'\n",
		.options = TAKES(DEVICE) | TAKES(FORMAT),
		.run = sl_command_list,
	},
	{
		.name = "monitor",
		.arguments = "[dev D] [--every N] [--count N] [--pcap FILE]",
		.summary = "early drops as they happen, with their rules; and what becomes of "
			   "attachments",
		.details =
			"One in N drops, by chance, with the packet, where it was dropped and the "
			"rule\n"
			"that did it; and devices that come and go, rules that change, stale and "
			"fresh.\n"
			"Without a device: of all that are attached in this network namespace. The "
			"samples\n"
			"of a device go to one reader at a time. Ends with --count, Ctrl-C or "
			"SIGTERM.\n\n"
			"examples:\n"
			"  sluice monitor dev eth0\n"
			"  sluice monitor dev eth0 --every 1 --count 100 --pcap drops.pcapng\n"
			"  sluice monitor --pcap - | tcpdump -r -\n"
			"  sluice monitor -j | jq 'select(.event == \"drop\") | .decided_by'\n",
		.options = TAKES(DEVICE) | TAKES(EVERY) | TAKES(COUNT) | TAKES(PCAP),
		.run = sl_command_monitor,
	},
	{
		.name = "trace",
		.arguments = "dev D PCAP|PACKET",
		.summary = "run packets through the rules, touching no traffic",
		.details =
			"PCAP is a capture of Ethernet frames; PACKET describes one in nft's "
			"words:\n"
			"ether saddr|daddr, ip saddr|daddr|ttl|protocol, ip6 "
			"saddr|daddr|hoplimit|\n"
			"nexthdr, tcp sport|dport|flags, udp sport|dport, icmp type|code,\n"
			"icmpv6 type|code, meta l4proto, payload length. What is not said is\n"
			"sensible. Packets run through a copy of the program; no counter moves.\n"
			"-v also shows the rules that were met and did not match.\n\n"
			"examples:\n"
			"  sluice trace dev eth0 attack.pcap\n"
			"  sluice trace dev eth0 ip saddr 192.0.2.1 tcp dport 22 tcp flags syn\n",
		.options = TAKES(DEVICE) | TAKES(VERBOSE),
		.run = sl_command_trace,
	},
};

static bool is_prefix(const char *word, const char *of)
{
	return of && !strncmp(word, of, strlen(word));
}

const struct sl_verb *sl_verb_find(const char *word, bool *ret_ambiguous)
{
	const struct sl_verb *found = NULL;

	*ret_ambiguous = false;
	for (size_t i = 0; i < SL_ARRAY_SIZE(verbs); i++) {
		const struct sl_verb *verb = &verbs[i];

		if (!strcmp(word, verb->name) || (verb->alias && !strcmp(word, verb->alias)))
			return verb;
		if (!is_prefix(word, verb->name) && !is_prefix(word, verb->alias))
			continue;
		*ret_ambiguous |= found != NULL;
		found = verb;
	}
	return *ret_ambiguous ? NULL : found;
}

static void print_usage(const struct sl_verb *verb, const char *indent, FILE *out)
{
	fprintf(out, "%s%s%s%s %s\n", indent, verb->name, verb->alias ? "|" : "",
		verb->alias ? verb->alias : "", verb->arguments);
}

void sl_verb_print_help(const struct sl_verb *verb, FILE *out)
{
	if (verb) {
		print_usage(verb, "usage: sluice ", out);
		fprintf(out, "\n%s\n\n%s", verb->summary, verb->details);
		sl_options_print_help(verb, out);
		return;
	}
	fprintf(out, "sluice: the firewall that this host already has, at the speed of XDP\n\n"
		     "usage: sluice [OPTIONS] COMMAND …\n\n");
	for (size_t i = 0; i < SL_ARRAY_SIZE(verbs); i++) {
		print_usage(&verbs[i], "  ", out);
		fprintf(out, "      %s\n", verbs[i].summary);
	}
	sl_options_print_help(NULL, out);
	fprintf(out, "\nMore of a command: sluice COMMAND --help. Commands may be shortened as "
		     "long as they stay\nunique. Exit status: 0 done, 1 refused, 2 usage.\n");
}
