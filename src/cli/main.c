// SPDX-License-Identifier: GPL-2.0-only
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "cli/verbs.h"

int sl_cli_refuse(const struct sl_diag *diag)
{
	fflush(stdout);
	fprintf(stderr, "sluice: %s\n", diag->text[0] ? diag->text : "it failed, without a reason");
	return SL_EXIT_REFUSED;
}

struct sluice *sl_cli_library(void)
{
	struct sluice *sluice;
	struct sl_diag diag;
	int error = sluice_open(-1, &sluice);

	if (!error)
		return sluice;
	sl_fail(&diag, -error, "cannot look at this network namespace: %s", strerror(-error));
	sl_cli_refuse(&diag);
	return NULL;
}

int sl_cli_refuse_library(struct sluice *sluice)
{
	struct sl_diag diag;

	sl_fail(&diag, 0, "%s", sluice_error(sluice));
	sluice_close(sluice);
	return sl_cli_refuse(&diag);
}

int sl_cli_usage(const char *command, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "sluice%s%s: ", command ? " " : "", command ? command : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nSee: sluice %s%s--help\n", command ? command : "", command ? " " : "");
	return SL_EXIT_USAGE;
}

void sl_cli_say_slow(const char *device)
{
	fprintf(stderr,
		"sluice: %s: still reading and compiling the rules, of which the kernel "
		"hands out large sets and chains slowly; nothing is dropped early until "
		"then\n",
		device);
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

/* A full disk or a closed pipe must not look like success. */
static int finish(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	perror("sluice: cannot write the output");
	return status ? status : SL_EXIT_REFUSED;
}

int main(int argc, char **argv)
{
	const struct sl_verb *verb;
	struct sl_cli cli;
	int status;

	libbpf_set_print(NULL); /* its errors come back in ours */
	status = sl_options_parse(argc, argv, &cli, &verb);
	if (status >= 0)
		return finish(status);
	if (!verb) {
		sl_verb_print_help(NULL, stderr);
		return SL_EXIT_USAGE;
	}
	return finish(verb->run(&cli));
}
