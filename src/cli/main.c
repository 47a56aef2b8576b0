/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "cli/cli.h"

#ifndef SLUICE_VERSION
#define SLUICE_VERSION "0.1.0"
#endif

struct command {
	const char *name, *alias, *arguments, *summary;
	int (*run)(const struct sl_cli *cli);
};

static const struct command commands[] = {
	{"plan", NULL, "[dev D] [FILE] [--check N%]",
	 "what attaching would do, without doing it; FILE: rules not loaded yet", sl_command_plan},
	{"attach", "up", "dev D [mode auto|offload|native|tc|generic]",
	 "compile the live rules, attach, keep in step", sl_command_attach},
	{"detach", "down", "[dev D]", "take it off again; nothing is left behind",
	 sl_command_detach},
	{"status", NULL, "[dev D] [--check]", "what is attached, how fresh, what it did",
	 sl_command_status},
	{"list", "show", "[dev D] [--format nft|iptables]",
	 "the rules, with counters = the kernel's + early drops", sl_command_list},
	{"trace", NULL, "dev D PCAP", "run captured packets through the rules, touching no traffic",
	 sl_command_trace},
};

enum option_id {
	OPTION_DEVICE,
	OPTION_MODE,
	OPTION_NETNS,
	OPTION_FORMAT,
	OPTION_CONFIRM,
	OPTION_CHECK,
	OPTION_JSON,
	OPTION_VERBOSE,
	OPTION_YES,
	OPTION_REPLACE,
	OPTION_HELP,
	OPTION_VERSION,
};

struct option {
	enum option_id id;
	const char *name, *letter, *word; /* --name, -letter, or a bare word (dev D) */
	bool has_value;
	const char *help;
};

static const struct option options[] = {
	{OPTION_DEVICE, "--dev", NULL, "dev", true, "the device"},
	{OPTION_MODE, "--mode", NULL, "mode", true, "auto, offload, native, tc or generic"},
	{OPTION_NETNS, "--netns", "-n", NULL, true, "work in the network namespace of this name"},
	{OPTION_FORMAT, "--format", NULL, NULL, true, "nft or iptables"},
	{OPTION_CONFIRM, "--confirm", NULL, NULL, true,
	 "attach, and detach again after so many seconds unless Enter is pressed"},
	{OPTION_CHECK, "--check", NULL, NULL, false, "for scripts: say it by the exit status"},
	{OPTION_JSON, "--json", "-j", NULL, false, "print JSON"},
	{OPTION_VERBOSE, "--verbose", "-v", NULL, false, "rule by rule"},
	{OPTION_YES, "--yes", "-y", NULL, false, "also on the device that carries this session"},
	{OPTION_REPLACE, "--replace", NULL, NULL, false, "take another XDP program off first"},
	{OPTION_HELP, "--help", "-h", "help", false, "this text"},
	{OPTION_VERSION, "--version", "-V", NULL, false, "the version"},
};

int sl_cli_refuse(const struct sl_diag *diag)
{
	fflush(stdout);
	fprintf(stderr, "sluice: %s\n", diag->text[0] ? diag->text : "it failed, without a reason");
	return SL_EXIT_REFUSED;
}

int sl_cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "sluice%s%s: ", command ? " " : "", command ? command : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nSee: sluice --help\n");
	return SL_EXIT_USAGE;
}

const char *sl_cli_need_device(const struct sl_cli *cli, const char *command)
{
	struct if_nameindex *devices;

	if (cli->device)
		return cli->device;
	fprintf(stderr, "sluice %s: which device? Nothing was done. Candidates:\n", command);
	devices = if_nameindex();
	for (struct if_nameindex *device = devices; device && device->if_index; device++)
		if (strcmp(device->if_name, "lo") != 0)
			fprintf(stderr, "  sluice %s dev %s\n", command, device->if_name);
	if_freenameindex(devices);
	return NULL;
}

static void print_help(FILE *out)
{
	fprintf(out, "sluice: the firewall that this host already has, at the speed of XDP\n\n"
		     "usage: sluice [OPTIONS] COMMAND …\n\n");
	for (size_t i = 0; i < SL_ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];

		fprintf(out, "  %s%s%s %s\n      %s\n", command->name, command->alias ? "|" : "",
			command->alias ? command->alias : "", command->arguments, command->summary);
	}
	fprintf(out, "\noptions:\n");
	for (size_t i = 0; i < SL_ARRAY_SIZE(options); i++) {
		const struct option *option = &options[i];

		fprintf(out, "  %s%s%s%s\n      %s\n", option->name, option->letter ? ", " : "",
			option->letter ? option->letter : "", option->has_value ? " VALUE" : "",
			option->help);
	}
	fprintf(out,
		"\nCommands may be shortened as long as they stay unique. Exit status: 0 done, "
		"1 refused,\n2 usage.\n");
}

static bool is_prefix(const char *word, const char *of)
{
	return of && !strncmp(word, of, strlen(word));
}

/* An exact name or alias, else the only one that begins so. */
static const struct command *find_command(const char *word, bool *ret_ambiguous)
{
	const struct command *found = NULL;

	*ret_ambiguous = false;
	for (size_t i = 0; i < SL_ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];

		if (!strcmp(word, command->name) ||
		    (command->alias && !strcmp(word, command->alias)))
			return command;
		if (!is_prefix(word, command->name) && !is_prefix(word, command->alias))
			continue;
		*ret_ambiguous |= found != NULL;
		found = command;
	}
	return *ret_ambiguous ? NULL : found;
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

static int set_mode(struct sl_cli *cli, const char *value)
{
	static const char *const names[] = {
		[SL_WANT_AUTO] = "auto", [SL_WANT_OFFLOAD] = "offload", [SL_WANT_NATIVE] = "native",
		[SL_WANT_TC] = "tc",     [SL_WANT_GENERIC] = "generic",
	};

	for (size_t i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (!strcmp(value, names[i])) {
			cli->mode = (enum sl_wanted_mode)i;
			return 0;
		}
	}
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

static int set_seconds(struct sl_cli *cli, const char *value)
{
	char *end;
	long seconds = strtol(value, &end, 10);

	if (*end || end == value || seconds < 1 || seconds > 86400)
		return sl_cli_usage(NULL, "--confirm takes seconds, 1 to 86400, not \"%s\"", value);
	cli->confirm_seconds = (u32)seconds;
	return 0;
}

/* Returns −1 to go on, else the exit status. */
static int apply_option(struct sl_cli *cli, const struct option *option, const char *value)
{
	int status = 0;

	switch (option->id) {
	case OPTION_DEVICE:
		if (strlen(value) >= IF_NAMESIZE)
			return sl_cli_usage(NULL, "\"%s\" is too long for a device's name", value);
		cli->device = value;
		break;
	case OPTION_MODE:
		status = set_mode(cli, value);
		break;
	case OPTION_NETNS:
		status = enter_netns(value);
		break;
	case OPTION_FORMAT:
		cli->format = value;
		break;
	case OPTION_CONFIRM:
		status = set_seconds(cli, value);
		break;
	case OPTION_CHECK:
		cli->check = true;
		if (value)
			cli->check_percent = strtod(value, NULL);
		break;
	case OPTION_JSON:
		cli->json = true;
		break;
	case OPTION_VERBOSE:
		cli->verbose = true;
		break;
	case OPTION_YES:
		cli->yes = true;
		break;
	case OPTION_REPLACE:
		cli->replace = true;
		break;
	case OPTION_HELP:
		print_help(stdout);
		return SL_EXIT_DONE;
	case OPTION_VERSION:
		printf("sluice " SLUICE_VERSION "\n");
		return SL_EXIT_DONE;
	}
	return status ? status : -1;
}

/* `--check 80%`: a value that is a number belongs to it. */
static bool takes_next(const struct option *option, const char *next)
{
	if (option->has_value)
		return true;
	return option->id == OPTION_CHECK && next && strchr("0123456789", next[0]);
}

static int parse(struct sl_cli *cli, int argc, char **argv, const struct command **ret_command)
{
	*ret_command = NULL;
	for (int i = 1; i < argc; i++) {
		const char *value;
		const struct option *option = find_option(argv[i], &value);
		bool ambiguous;
		int status;

		if (option) {
			if (!value && takes_next(option, argv[i + 1]))
				value = argv[++i];
			if (option->has_value && !value)
				return sl_cli_usage(NULL, "%s wants a value", argv[argc - 1]);
			status = apply_option(cli, option, value);
			if (status >= 0)
				return status;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return sl_cli_usage(NULL, "no option %s", argv[i]);
		} else if (!*ret_command) {
			*ret_command = find_command(argv[i], &ambiguous);
			if (!*ret_command)
				return sl_cli_usage(NULL,
						    ambiguous
							    ? "\"%s\" is short for several commands"
							    : "no command \"%s\"",
						    argv[i]);
		} else if (cli->argument_count == SL_ARRAY_SIZE(cli->arguments)) {
			return sl_cli_usage((*ret_command)->name, "too many arguments");
		} else {
			cli->arguments[cli->argument_count++] = argv[i];
		}
	}
	return -1;
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct sl_cli cli = {0};
	int status;

	libbpf_set_print(NULL); /* its errors come back in ours */
	status = parse(&cli, argc, argv, &command);
	if (status >= 0)
		return status;
	if (!command) {
		print_help(stderr);
		return SL_EXIT_USAGE;
	}
	return command->run(&cli);
}
