/* SPDX-License-Identifier: GPL-2.0-only */
#include "rulesets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct sl_rules sl_rules_draw(struct sl_arena *arena, u64 seed)
{
	struct sl_random random = {seed};
	u32 dice = sl_random_below(&random, 100);
	struct sl_rules rules = {.format = dice < 60   ? SL_RULES_NFT
					   : dice < 85 ? SL_RULES_IPTABLES
						       : SL_RULES_IP6TABLES};
	SL_CLEANUP(sl_free) char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return rules;
	if (rules.format == SL_RULES_NFT)
		sl_nft_rules_write(out, &random);
	else
		sl_xt_rules_write(out, &random, rules.format == SL_RULES_IP6TABLES);
	if (!fclose(out))
		rules.text = sl_arena_strdup(arena, text);
	return rules;
}

/* iptables-save starts a table with "*filter"; IPv6 shows by its addresses and ICMP. */
static enum sl_rules_format tell_format(const char *text)
{
	bool has_table = text[0] == '*' || strstr(text, "\n*");

	if (!has_table)
		return SL_RULES_NFT;
	if (strstr(text, "ip6tables") || strstr(text, "ipv6-icmp") || strstr(text, "icmpv6") ||
	    strstr(text, "icmp6-") || strstr(text, "::"))
		return SL_RULES_IP6TABLES;
	return SL_RULES_IPTABLES;
}

int sl_rules_read(const char *path, struct sl_arena *arena, struct sl_rules *ret_rules,
		  struct sl_diag *diag)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	SL_CLEANUP(sl_free) char *text = NULL;
	size_t size = 0;

	if (!file)
		return sl_fail(diag, errno, "%s: %s", path, strerror(errno));
	if (getdelim(&text, &size, '\0', file) < 0)
		return sl_fail(diag, EINVAL, "%s: there is nothing in it", path);
	struct sl_rules rules = {tell_format(text), sl_arena_strdup(arena, text)};
	if (!rules.text)
		return sl_fail_memory(diag);
	*ret_rules = rules;
	return 0;
}

int sl_rules_load(const struct sl_lab *lab, const struct sl_rules *rules, struct sl_diag *diag)
{
	static const char *const loaders[][4] = {
		[SL_RULES_NFT] = {"nft", "-f", "-", NULL},
		[SL_RULES_IPTABLES] = {"iptables-nft-restore", NULL},
		[SL_RULES_IP6TABLES] = {"ip6tables-nft-restore", NULL},
	};

	return sl_lab_run(lab, SL_DUT, loaders[rules->format], rules->text, NULL, diag);
}

/* Both in one transaction. */
int sl_rules_replace(const struct sl_lab *lab, const char *text, struct sl_diag *diag)
{
	static const char *const argv[] = {"nft", "-f", "-", NULL};
	SL_CLEANUP(sl_free) char *both = NULL;

	if (asprintf(&both, "flush ruleset\n%s", text) < 0)
		return sl_fail_memory(diag);
	return sl_lab_run(lab, SL_DUT, argv, both, NULL, diag);
}

int sl_rules_read_counters(const struct sl_lab *lab, char **ret_text, struct sl_diag *diag)
{
	static const char *const argv[] = {"nft", "-j", "list", "ruleset", NULL};
	static const char key[] = "\"counter\": {\"packets\": ";
	SL_CLEANUP(sl_free) char *json = NULL;
	char *text = NULL;
	size_t size = 0;
	int error = sl_lab_run(lab, SL_DUT, argv, NULL, &json, diag);
	FILE *out = error ? NULL : open_memstream(&text, &size);

	if (!out)
		return error ? error : sl_fail_memory(diag);
	for (const char *at = json; (at = strstr(at, key)); at += sizeof key - 1) {
		u64 packets = strtoull(at + sizeof key - 1, NULL, 10);
		const char *bytes = strstr(at, "\"bytes\": ");

		fprintf(out, "%llu %llu\n", (unsigned long long)packets,
			bytes ? strtoull(bytes + strlen("\"bytes\": "), NULL, 10) : 0ULL);
	}
	if (fclose(out)) {
		free(text);
		return sl_fail_memory(diag);
	}
	*ret_text = text;
	return 0;
}
