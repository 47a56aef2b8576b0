// SPDX-License-Identifier: GPL-2.0-only
#include "trial_file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define RULES_END "end of rules\n"

static const char *const formats[] = {[SL_RULES_NFT] = "nft",
				      [SL_RULES_IPTABLES] = "iptables",
				      [SL_RULES_IP6TABLES] = "ip6tables"};
static const char *const clients[] = {
	[SL_CLIENT_TCP] = "tcp", [SL_CLIENT_UDP] = "udp", [SL_CLIENT_PING] = "ping"};

/* Writing */

static void write_frame(const struct sl_act *act, FILE *out)
{
	fputs(act->kind == SL_ACT_PEER_SENDS ? "peer " : "back ", out);
	for (u32 i = 0; i < act->length; i++)
		fprintf(out, "%02x", act->bytes[i]);
	if (act->patch.is_wanted)
		fprintf(out, " ack of %u at %u sum %u", act->patch.port, act->patch.at,
			act->patch.checksum_at);
	fprintf(out, " # %s\n", act->what);
}

static void write_endpoint(const struct sl_endpoint *endpoint, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(endpoint->address.is_ip6 ? AF_INET6 : AF_INET, endpoint->address.bytes, text,
		  sizeof text);
	fprintf(out, " %s %u", text, endpoint->port);
}

static void write_act(const struct sl_act *act, FILE *out)
{
	char text[512];

	if (act->kind == SL_ACT_DUT_CHANGES) {
		fprintf(out, "%s %s\n", act->settles ? "settle" : "change", act->what);
		return;
	}
	sl_act_describe(act, text, sizeof text);
	fprintf(out, "# %s\n", text);
	if (act->kind != SL_ACT_DUT_CALLS) {
		write_frame(act, out);
		return;
	}
	fprintf(out, "dut %s", clients[act->client]);
	write_endpoint(&act->from, out);
	write_endpoint(&act->to, out);
	fputc('\n', out);
}

void sl_trial_write(const struct sl_trial *trial, FILE *out)
{
	const char *text = trial->rules.text;
	bool ends_line = *text && text[strlen(text) - 1] == '\n';

	fprintf(out, "# sluice-differential --sluice PATH --replay THIS_FILE\nseed %llu\nhost",
		(unsigned long long)trial->seed);
	for (u32 i = 0; i < sl_lab_setting_count; i++)
		fprintf(out, " %s %u", sl_lab_settings[i].name,
			sl_lab_get_setting(&trial->config, i));
	fprintf(out, "\nattach%s%s\n", trial->at_tc ? " tc" : "", trial->waits ? " waits" : "");
	fprintf(out, "rules %s\n%s%s" RULES_END, formats[trial->rules.format], text,
		ends_line || !*text ? "" : "\n");
	for (u32 i = 0; i < trial->script->acts.count; i++)
		write_act(&trial->script->acts.items[i], out);
}

/* Reading */

struct reader {
	struct sl_trial *trial;
	FILE *file;
	char *line;
	size_t size;
};

static bool read_host(struct reader *reader, char *words)
{
	char *rest = NULL;

	for (char *name = strtok_r(words, " \n", &rest); name;
	     name = strtok_r(NULL, " \n", &rest)) {
		const char *value = strtok_r(NULL, " \n", &rest);
		u32 i = 0;

		while (i < sl_lab_setting_count && strcmp(sl_lab_settings[i].name, name) != 0)
			i++;
		if (i == sl_lab_setting_count || !value)
			return false;
		sl_lab_put_setting(&reader->trial->config, i, (u32)strtoul(value, NULL, 10));
	}
	return true;
}

static bool read_attach(struct reader *reader, char *words)
{
	reader->trial->at_tc = strstr(words, "tc");
	reader->trial->waits = strstr(words, "waits");
	return true;
}

static bool read_seed(struct reader *reader, char *words)
{
	reader->trial->seed = strtoull(words, NULL, 10);
	return true;
}

static bool find_word(const char *word, const char *const *words, u32 count, u32 *ret_at)
{
	for (u32 i = 0; i < count; i++) {
		if (strcmp(words[i], word) != 0)
			continue;
		*ret_at = i;
		return true;
	}
	return false;
}

static bool read_rules(struct reader *reader, char *words)
{
	SL_CLEANUP(sl_free) char *text = NULL;
	size_t size = 0;
	u32 format;

	words[strcspn(words, "\n")] = '\0';
	if (!find_word(words, formats, SL_ARRAY_SIZE(formats), &format))
		return false;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return false;
	while (getline(&reader->line, &reader->size, reader->file) > 0 &&
	       strcmp(reader->line, RULES_END) != 0)
		fputs(reader->line, out);
	if (fclose(out))
		return false;
	reader->trial->rules = (struct sl_rules){(enum sl_rules_format)format,
						 sl_arena_strdup(reader->trial->arena, text)};
	return reader->trial->rules.text;
}

static struct sl_act *add_act(struct reader *reader, enum sl_act_kind kind)
{
	struct sl_act *act = sl_list_push(reader->trial->arena, &reader->trial->script->acts);

	if (act)
		act->kind = kind;
	return act;
}

static bool read_hex(struct reader *reader, const char *hex, struct sl_act *act)
{
	size_t digits = strspn(hex, "0123456789abcdef");
	u8 *bytes = sl_arena_alloc(reader->trial->arena, digits / 2 + 1);

	if (!bytes || digits % 2 || digits / 2 > sizeof((struct sl_frame *)0)->bytes)
		return false;
	for (u32 i = 0; i < digits / 2; i++) {
		const char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};

		bytes[i] = (u8)strtoul(pair, NULL, 16);
	}
	act->bytes = bytes;
	act->length = (u32)(digits / 2);
	return true;
}

static bool read_frame(struct reader *reader, enum sl_act_kind kind, char *words)
{
	struct sl_act *act = add_act(reader, kind);
	char *what = strstr(words, " # ");
	unsigned int port, at, sum;

	if (!act || !what || !read_hex(reader, words, act))
		return false;
	*what = '\0';
	what += 3;
	what[strcspn(what, "\n")] = '\0';
	act->what = sl_arena_strdup(reader->trial->arena, what);
	if (sscanf(words, "%*s ack of %u at %u sum %u", &port, &at, &sum) == 3)
		act->patch = (struct sl_patch){true, (u16)port, at, sum};
	/* They are filled in with nothing but this to say where. */
	return act->what && (!act->patch.is_wanted || (act->patch.at + 4 <= act->length &&
						       act->patch.checksum_at + 2 <= act->length));
}

static bool read_peer(struct reader *reader, char *words)
{
	return read_frame(reader, SL_ACT_PEER_SENDS, words);
}

static bool read_back(struct reader *reader, char *words)
{
	return read_frame(reader, SL_ACT_BACK_SENDS, words);
}

static bool read_endpoint(const char *address, unsigned int port, struct sl_endpoint *ret_endpoint)
{
	u8 bytes[16];

	if (inet_pton(AF_INET, address, bytes) != 1 && inet_pton(AF_INET6, address, bytes) != 1)
		return false;
	*ret_endpoint = (struct sl_endpoint){sl_address_from(address), (u16)port};
	return true;
}

static bool read_dut(struct reader *reader, char *words)
{
	char kind[8], from[64], to[64];
	unsigned int from_port, to_port, client;
	struct sl_act *act = add_act(reader, SL_ACT_DUT_CALLS);

	if (!act ||
	    sscanf(words, "%7s %63s %u %63s %u", kind, from, &from_port, to, &to_port) != 5 ||
	    !find_word(kind, clients, SL_ARRAY_SIZE(clients), &client))
		return false;
	act->client = (enum sl_client_kind)client;
	return read_endpoint(from, from_port, &act->from) && read_endpoint(to, to_port, &act->to);
}

static bool add_change(struct reader *reader, char *command, bool settles)
{
	struct sl_act *act = add_act(reader, SL_ACT_DUT_CHANGES);

	if (!act)
		return false;
	command[strcspn(command, "\n")] = '\0';
	act->settles = settles;
	act->what = sl_arena_strdup(reader->trial->arena, command);
	return act->what;
}

static bool read_change(struct reader *reader, char *words)
{
	return add_change(reader, words, false);
}

static bool read_settle(struct reader *reader, char *words)
{
	return add_change(reader, words, true);
}

static const struct {
	const char *word;
	bool (*read)(struct reader *reader, char *words);
} lines[] = {
	{"seed ", read_seed},   {"host ", read_host},     {"attach", read_attach},
	{"rules ", read_rules}, {"peer ", read_peer},     {"back ", read_back},
	{"dut ", read_dut},     {"change ", read_change}, {"settle ", read_settle},
};

/* One line, and what belongs to it. */
static bool read_line(struct reader *reader)
{
	char *line = reader->line;

	if (*line == '#' || *line == '\n')
		return true;
	for (u32 i = 0; i < SL_ARRAY_SIZE(lines); i++) {
		size_t length = strlen(lines[i].word);

		if (!strncmp(line, lines[i].word, length))
			return lines[i].read(reader, line + length);
	}
	return false;
}

static struct sl_trial *new_trial(void)
{
	struct sl_arena *arena = sl_arena_new();
	struct sl_trial *trial = arena ? sl_arena_alloc(arena, sizeof *trial) : NULL;

	if (trial)
		trial->script = sl_arena_alloc(arena, sizeof *trial->script);
	if (!trial || !trial->script) {
		sl_arena_free(arena);
		return NULL;
	}
	trial->arena = arena;
	trial->rules.text = "";
	trial->config.out_mtu = 1500;
	return trial;
}

int sl_trial_read(const char *path, struct sl_trial **ret_trial, struct sl_diag *diag)
{
	SL_CLEANUP(sl_fclose) FILE *file = fopen(path, "re");
	struct reader reader = {.file = file};
	int error = 0;

	if (!file)
		return sl_fail(diag, errno, "%s: %s", path, strerror(errno));
	reader.trial = new_trial();
	if (!reader.trial)
		return sl_fail_memory(diag);
	while (!error && getline(&reader.line, &reader.size, file) > 0)
		if (!read_line(&reader))
			error = sl_fail(diag, EINVAL, "%s: cannot make sense of \"%.60s\"", path,
					reader.line);
	free(reader.line);
	if (error)
		sl_trial_free(reader.trial);
	else
		*ret_trial = reader.trial;
	return error;
}
