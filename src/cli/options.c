// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/verbs.h"
#include "load/memory.h"

struct option {
	enum sl_option_id id;
	const char *name, *letter, *word; /* --name, -letter, or a bare word (dev D) */
	bool has_value;
	const char *help;
};

static const struct option options[] = {
	{SL_OPTION_DEVICE, "--dev", NULL, "dev", true, "the device"},
	{SL_OPTION_MODE, "--mode", NULL, "mode", true, "auto, offload, native, tc or generic"},
	{SL_OPTION_NETNS, "--netns", "-n", NULL, true,
	 "work in the network namespace of this name"},
	{SL_OPTION_FORMAT, "--format", NULL, NULL, true, "nft or iptables"},
	{SL_OPTION_CONFIRM, "--confirm", NULL, NULL, true,
	 "go back to how it was after so many seconds, unless Enter is pressed, or `sluice "
	 "confirm` comes from elsewhere"},
	{SL_OPTION_FOR, "--for", NULL, NULL, true, "end after so long: 90s, 30m, 24h, 7d"},
	{SL_OPTION_CHECK, "--check", NULL, NULL, false, "for scripts: say it by the exit status"},
	{SL_OPTION_JSON, "--json", "-j", NULL, false, "print JSON"},
	{SL_OPTION_VERBOSE, "--verbose", "-v", NULL, false, "say more: rule by rule"},
	{SL_OPTION_YES, "--yes", "-y", NULL, false, "also on the device that carries this session"},
	{SL_OPTION_REPLACE, "--replace", NULL, NULL, false, "take another XDP program off first"},
	{SL_OPTION_MEMORY, "--memory", NULL, NULL, true,
	 "most of the kernel's memory that the maps may take: 64M unless said; K, M, G"},
	{SL_OPTION_LISTEN, "--listen", NULL, NULL, true,
	 "serve them over HTTP: [ADDRESS:]PORT, of this host alone unless an address says "
	 "otherwise, or unix:PATH"},
	{SL_OPTION_BRIEF, "--brief", NULL, NULL, false, "nothing of single rules"},
	{SL_OPTION_HTML, "--html", NULL, NULL, true, "where the page goes; - is standard output"},
	{SL_OPTION_INTERVAL, "--interval", NULL, NULL, true,
	 "seconds from one look to the next, 0.1 to 3600: 1 unless said"},
	{SL_OPTION_BATCH, "--batch", NULL, NULL, true,
	 "for scripts: print it so many times as plain text, without a terminal"},
	{SL_OPTION_ONCE, "--once", NULL, NULL, false, "the same as --batch 1"},
	{SL_OPTION_NO_COLOUR, "--no-colour", "--no-color", NULL, false,
	 "as with NO_COLOR in the environment"},
	{SL_OPTION_EVERY, "--every", NULL, NULL, true,
	 "one in so many drops, by chance: 100 unless said; 1: all"},
	{SL_OPTION_COUNT, "--count", NULL, NULL, true, "end after so many samples"},
	{SL_OPTION_PCAP, "--pcap", NULL, NULL, true,
	 "the packets go into this file, too, as pcapng; -: to standard output, and nothing else"},
	{SL_OPTION_HELP, "--help", "-h", "help", false, "this text"},
	{SL_OPTION_VERSION, "--version", "-V", NULL, false, "the version"},
};

static bool takes(const struct sl_verb *verb, enum sl_option_id id)
{
	const u32 always = 1u << SL_OPTION_NETNS | 1u << SL_OPTION_JSON | 1u << SL_OPTION_HELP |
			   1u << SL_OPTION_VERSION;

	return (always | verb->options) & 1u << id;
}

void sl_options_print_help(const struct sl_verb *verb, FILE *out)
{
	fprintf(out, "\noptions:\n");
	for (size_t i = 0; i < SL_ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];

		if (verb && !takes(verb, option->id))
			continue;
		fprintf(out, "  %s%s%s%s\n      %s\n", option->name, option->letter ? ", " : "",
			option->letter ? option->letter : "", option->has_value ? " VALUE" : "",
			option->help);
	}
}

static const struct option *find_option(const char *word, const char **ret_value)
{
	*ret_value = NULL;
	for (size_t i = 0; i < SL_ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];
		size_t length = strlen(option->name);

		if (!strcmp(word, option->name) ||
		    (option->letter && !strcmp(word, option->letter)) ||
		    (option->word && !strcmp(word, option->word)))
			return option;
		if (!strncmp(word, option->name, length) && word[length] == '=') {
			*ret_value = word + length + 1;
			return option;
		}
	}
	return NULL;
}

/* Values. Each returns 0 or the exit status. */

static int set_mode(struct sl_cli *cli, const char *value)
{
	if (sl_wanted_mode_parse(value, &cli->mode))
		return 0;
	return sl_cli_usage(NULL, "no mode \"%s\": auto, offload, native, tc or generic", value);
}

/* Enters a namespace that `ip netns` named. */
static int enter_netns(const char *name)
{
	struct sl_diag diag;
	char path[256];

	snprintf(path, sizeof path, "/run/netns/%s", name);

	SL_CLEANUP(sl_close) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		sl_fail(&diag, errno, "network namespace \"%s\": %s (see `ip netns list`)", name,
			strerror(errno));
		return sl_cli_refuse(&diag);
	}
	return 0;
}

static int set_device(struct sl_cli *cli, const char *value)
{
	if (!*value)
		return sl_cli_usage(NULL, "a device's name cannot be empty");
	if (strlen(value) >= IF_NAMESIZE)
		return sl_cli_usage(NULL, "\"%s\" is too long for a device's name", value);
	cli->device = value;
	return 0;
}

static int set_seconds(struct sl_cli *cli, const char *value)
{
	char *end;
	long seconds = strtol(value, &end, 10);

	if (*end || end == value || seconds < 1 || seconds > 86400)
		return sl_cli_usage(NULL, "--confirm takes seconds, 1 to 86400, not \"%s\"", value);
	cli->confirm_seconds = (u32)seconds;
	return 0;
}

static int set_number(const char *option, const char *value, u32 *ret_number)
{
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || !number || number > INT32_MAX)
		return sl_cli_usage(NULL, "%s takes a number from 1 on, not \"%s\"", option, value);
	*ret_number = (u32)number;
	return 0;
}

/* "90", "90s", "30m", "24h", "7d" */
static int set_duration(struct sl_cli *cli, const char *value)
{
	static const struct {
		const char *suffix;
		u32 seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	char *end;
	unsigned long number = strtoul(value, &end, 10);

	for (size_t i = 0; i < SL_ARRAY_SIZE(units); i++) {
		if (value[0] < '0' || value[0] > '9' || strcmp(end, units[i].suffix) != 0 ||
		    !number || number > UINT32_MAX / units[i].seconds)
			continue;
		cli->for_seconds = (u32)number * units[i].seconds;
		return 0;
	}
	return sl_cli_usage(NULL, "--for takes a time like 90s, 30m, 24h or 7d, not \"%s\"", value);
}

static int set_memory(struct sl_cli *cli, const char *value)
{
	if (sl_memory_parse(value, &cli->memory_limit))
		return 0;
	return sl_cli_usage(NULL, "--memory takes a size like 64M, not \"%s\"", value);
}

static int set_interval(struct sl_cli *cli, const char *value)
{
	char *end;
	double seconds = strtod(value, &end);

	if (*end || end == value || !(seconds >= 0.1 && seconds <= 3600))
		return sl_cli_usage(NULL, "--interval takes seconds, 0.1 to 3600, not \"%s\"",
				    value);
	cli->interval_seconds = seconds;
	return 0;
}

static int set_batch(struct sl_cli *cli, const char *value)
{
	char *end;
	unsigned long times = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || !times || times > UINT32_MAX)
		return sl_cli_usage(NULL, "--batch takes how many times, not \"%s\"", value);
	cli->batch = (u32)times;
	return 0;
}

/* "80", "80%", "99.5%" */
static bool parse_percent(const char *text, double *ret_percent)
{
	char *end;
	double percent = strtod(text, &end);

	if (end == text || (*end && strcmp(end, "%") != 0) || !isfinite(percent))
		return false;
	*ret_percent = percent;
	return true;
}

static int set_check(struct sl_cli *cli, const char *value)
{
	double percent;

	cli->check = true;
	if (!value)
		return 0;
	if (!parse_percent(value, &percent) || percent < 0 || percent > 100)
		return sl_cli_usage(NULL, "--check takes a percentage, 0 to 100, not \"%s\"",
				    value);
	cli->check_percent = percent;
	return 0;
}

static int apply_option(struct sl_cli *cli, enum sl_option_id id, const char *value)
{
	switch (id) {
	case SL_OPTION_DEVICE:
		return set_device(cli, value);
	case SL_OPTION_MODE:
		return set_mode(cli, value);
	case SL_OPTION_NETNS:
		return enter_netns(value);
	case SL_OPTION_FORMAT:
		cli->format = value;
		return 0;
	case SL_OPTION_CONFIRM:
		return set_seconds(cli, value);
	case SL_OPTION_FOR:
		return set_duration(cli, value);
	case SL_OPTION_CHECK:
		return set_check(cli, value);
	case SL_OPTION_JSON:
		cli->json = true;
		return 0;
	case SL_OPTION_VERBOSE:
		cli->verbose = true;
		return 0;
	case SL_OPTION_YES:
		cli->yes = true;
		return 0;
	case SL_OPTION_REPLACE:
		cli->replace = true;
		return 0;
	case SL_OPTION_MEMORY:
		return set_memory(cli, value);
	case SL_OPTION_LISTEN:
		cli->listen = value;
		return 0;
	case SL_OPTION_BRIEF:
		cli->brief = true;
		return 0;
	case SL_OPTION_HTML:
		cli->html = value;
		return 0;
	case SL_OPTION_INTERVAL:
		return set_interval(cli, value);
	case SL_OPTION_BATCH:
		return set_batch(cli, value);
	case SL_OPTION_ONCE:
		cli->batch = 1;
		return 0;
	case SL_OPTION_NO_COLOUR:
		cli->no_colour = true;
		return 0;
	case SL_OPTION_EVERY:
		return set_number("--every", value, &cli->every);
	case SL_OPTION_COUNT:
		return set_number("--count", value, &cli->count);
	case SL_OPTION_PCAP:
		cli->pcap = value;
		return 0;
	case SL_OPTION_HELP:
	case SL_OPTION_VERSION:
		return 0; /* answered at the end, when the command is known */
	}
	return 0;
}

/* The command line as it is read. */
struct reader {
	char **words;
	u32 count, next;
	struct sl_cli *cli;
	const struct sl_verb *verb;
	u32 given; /* options, by bit of their id */
};

/* `--check 80%`: a percentage that follows belongs to it. */
static bool takes_next(const struct reader *reader, const struct option *option)
{
	double percent;

	if (reader->next == reader->count)
		return false;
	return option->has_value || (option->id == SL_OPTION_CHECK &&
				     parse_percent(reader->words[reader->next], &percent));
}

static int read_option(struct reader *reader, const struct option *option, const char *value)
{
	if (value && !option->has_value && option->id != SL_OPTION_CHECK)
		return sl_cli_usage(NULL, "%s takes no value", option->name);
	if (!value && takes_next(reader, option))
		value = reader->words[reader->next++];
	if (option->has_value && !value)
		return sl_cli_usage(NULL, "%s wants a value",
				    option->word ? option->word : option->name);
	reader->given |= 1u << option->id;
	return apply_option(reader->cli, option->id, value);
}

static int read_verb(struct reader *reader, const char *word)
{
	bool ambiguous;

	reader->verb = sl_verb_find(word, &ambiguous);
	if (reader->verb)
		return 0;
	if (ambiguous)
		return sl_cli_usage(NULL, "\"%s\" is short for several commands", word);
	return sl_cli_usage(NULL, "no command \"%s\"", word);
}

static int read_word(struct reader *reader)
{
	const char *word = reader->words[reader->next++], *value;
	const struct option *option = find_option(word, &value);
	struct sl_cli *cli = reader->cli;

	if (option)
		return read_option(reader, option, value);
	if (word[0] == '-' && word[1])
		return sl_cli_usage(NULL, "no option %s", word);
	if (!reader->verb)
		return read_verb(reader, word);
	if (cli->argument_count == SL_ARRAY_SIZE(cli->arguments))
		return sl_cli_usage(reader->verb->name, "too many arguments");
	cli->arguments[cli->argument_count++] = word;
	return 0;
}

/* What the command has no use for is a mistake, not noise. */
static int check_options(const struct reader *reader)
{
	for (size_t i = 0; i < SL_ARRAY_SIZE(options) && reader->verb; i++)
		if (reader->given & 1u << options[i].id && !takes(reader->verb, options[i].id))
			return sl_cli_usage(reader->verb->name, "it has no use for %s",
					    options[i].word ? options[i].word : options[i].name);
	return 0;
}

int sl_options_parse(int argc, char **argv, struct sl_cli *ret_cli, const struct sl_verb **ret_verb)
{
	struct sl_cli cli = {
		.check_percent = -1, .memory_limit = SL_MEMORY_LIMIT, .interval_seconds = 1};
	struct reader reader = {
		.words = argv + 1, .count = argc > 0 ? (u32)argc - 1 : 0, .cli = &cli};
	int status = 0;

	while (!status && reader.next < reader.count)
		status = read_word(&reader);
	if (status)
		return status;
	if (reader.given & 1u << SL_OPTION_HELP) {
		sl_verb_print_help(reader.verb, stdout);
		return SL_EXIT_DONE;
	}
	if (reader.given & 1u << SL_OPTION_VERSION) {
		printf("sluice " SLUICE_VERSION "\n");
		return SL_EXIT_DONE;
	}
	status = check_options(&reader);
	if (status)
		return status;
	cli.given = reader.given;
	*ret_cli = cli;
	*ret_verb = reader.verb;
	return -1;
}
