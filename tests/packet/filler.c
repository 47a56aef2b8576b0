/* SPDX-License-Identifier: GPL-2.0-only */
#include "filler.h"

#define RULES_MAX 400

struct plain_rule {
	char source[64], destination[64]; /* "" where not asked */
	const char *protocol;             /* NULL: any */
	u32 first_port, last_port;        /* of the destination; 0: any */
	bool counts;
	const char *verdict;
};

/* Near the lab's own addresses, and seldom one of them. */
static void draw_prefix(struct sl_random *random, bool is_ip6, char ret_text[64])
{
	static const char *const nets[] = {"10.77.1", "10.77.2", "192.0.2", "198.51.100",
					   "203.0.113"};
	static const char *const nets6[] = {
		"fd00:77:1::", "fd00:77:2::", "2001:db8:1::", "2001:db8:1:5::"};
	u32 bits = 24 + sl_random_below(random, 9), size = 1u << (32 - bits);
	u32 host = sl_random_below(random, 256) / size * size;

	ret_text[0] = '\0';
	if (sl_random_chance(random, 35))
		return;
	if (is_ip6)
		snprintf(ret_text, 64, "%s%x/%u", sl_random_pick(random, nets6), host, bits + 96);
	else
		snprintf(ret_text, 64, "%s.%u/%u", sl_random_pick(random, nets), host, bits);
}

static void draw_ports(struct sl_random *random, struct plain_rule *rule)
{
	static const u32 known[] = {7, 22, 53, 80, 123, 443, 1000, 5000, 9000, 20123};

	if (!rule->protocol || sl_random_chance(random, 25))
		return;
	rule->first_port = sl_random_chance(random, 20) ? sl_random_pick(random, known)
							: 1 + sl_random_below(random, 60000);
	rule->last_port = rule->first_port;
	if (sl_random_chance(random, 25))
		rule->last_port += 1 + sl_random_below(random, 500);
}

static struct plain_rule draw(struct sl_random *random, bool is_ip6)
{
	static const char *const protocols[] = {"tcp", "tcp", "udp", "udp", NULL};
	static const char *const verdicts[] = {"accept", "accept", "accept", "drop",
					       "drop",   "drop",   "drop",   "return"};
	struct plain_rule rule = {.protocol = sl_random_pick(random, protocols),
				  .counts = sl_random_chance(random, 30),
				  .verdict = sl_random_pick(random, verdicts)};

	draw_prefix(random, is_ip6, rule.source);
	draw_prefix(random, is_ip6, rule.destination);
	draw_ports(random, &rule);
	/* One that takes everything would leave the rest of the chain untried. */
	if (!rule.source[0] && !rule.destination[0] && !rule.first_port)
		rule.verdict = "continue";
	return rule;
}

bool sl_filler_is_wanted(struct sl_random *random)
{
	return sl_random_below(random, 8) == 0;
}

void sl_filler_write_nft(FILE *out, struct sl_random *random, bool is_ip6)
{
	const char *family = is_ip6 ? "ip6" : "ip";

	for (u32 i = 1 + sl_random_below(random, RULES_MAX); i > 0; i--) {
		struct plain_rule rule = draw(random, is_ip6);

		fputs("\t\t", out);
		if (rule.source[0])
			fprintf(out, "%s saddr %s ", family, rule.source);
		if (rule.destination[0])
			fprintf(out, "%s daddr %s ", family, rule.destination);
		if (rule.protocol && rule.first_port)
			fprintf(out, "%s dport %u-%u ", rule.protocol, rule.first_port,
				rule.last_port);
		else if (rule.protocol)
			fprintf(out, "meta l4proto %s ", rule.protocol);
		fprintf(out, "%s%s\n", rule.counts ? "counter " : "", rule.verdict);
	}
}

void sl_filler_write_xt(FILE *out, struct sl_random *random, bool is_ip6, const char *chain)
{
	for (u32 i = 1 + sl_random_below(random, RULES_MAX); i > 0; i--) {
		struct plain_rule rule = draw(random, is_ip6);

		fprintf(out, "-A %s ", chain);
		if (rule.source[0])
			fprintf(out, "-s %s ", rule.source);
		if (rule.destination[0])
			fprintf(out, "-d %s ", rule.destination);
		if (rule.protocol)
			fprintf(out, "-p %s -m %s ", rule.protocol, rule.protocol);
		if (rule.first_port)
			fprintf(out, "--dport %u:%u ", rule.first_port, rule.last_port);
		if (rule.verdict[0] == 'a')
			fputs("-j ACCEPT", out);
		else if (rule.verdict[0] == 'd')
			fputs("-j DROP", out);
		else if (rule.verdict[0] == 'r')
			fputs("-j RETURN", out);
		fputc('\n', out);
	}
}
