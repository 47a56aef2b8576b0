// SPDX-License-Identifier: GPL-2.0-only
/* sluiced(8): the command line of the service. */
#include <bpf/libbpf.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/privileges.h"
#include "daemon/system_calls.h"
#include "service/service.h"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE };

static const char help[] =
	"usage: sluiced [--config FILE]\n"
	"       sluiced --check [FILE]\n\n"
	"Keeps sluice attached to the devices that " SL_CONFIG_PATH " names, in the\n"
	"network namespace that it is started in. It stays in the foreground.\n\n"
	"options:\n"
	"  --config FILE   another configuration\n"
	"  --check [FILE]  only say whether the configuration is good: exit status 0, or 1\n"
	"  --help          this text\n"
	"  --version       the version\n\n"
	"SIGHUP: read the configuration again. SIGTERM: end; what is attached stays so.\n";

static int refuse(const struct sl_diag *diag)
{
	fprintf(stderr, "sluiced: %s\n", diag->text);
	return EXIT_REFUSED;
}

static int check(const char *path)
{
	struct sl_config config;
	struct sl_diag diag;

	if (sl_config_read(path, &config, &diag))
		return refuse(&diag);
	printf("%s: good: %u device%s\n", path, config.count, config.count == 1 ? "" : "s");
	sl_config_free(&config);
	return EXIT_DONE;
}

/* It is read again from elsewhere. NULL when out of memory. */
static char *make_absolute(const char *path)
{
	SL_CLEANUP(sl_free) char *here = *path == '/' ? NULL : get_current_dir_name();
	char *absolute;

	return asprintf(&absolute, "%s%s%s", here ? here : "", here ? "/" : "", path) < 0
		       ? NULL
		       : absolute;
}

static int serve(const char *name)
{
	SL_CLEANUP(sl_free) char *path = make_absolute(name);
	static struct sl_service service;
	struct sl_diag diag = {0};
	int error = path && !chdir("/") ? sl_service_open(path, &service, &diag)
					: sl_fail_memory(&diag);

	if (error)
		return refuse(&diag);
	error = sl_privileges_drop(false, &diag);
	if (!error && sl_system_calls_limit(SL_CALLER_SERVICE, &diag))
		refuse(&diag);
	if (!error)
		error = sl_service_run(&service, &diag);
	sl_service_close(&service);
	return error ? refuse(&diag) : EXIT_DONE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'f'},
		{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	const char *path = SL_CONFIG_PATH;
	bool only_checks = false;
	int option;

	libbpf_set_print(NULL); /* its errors come back in ours */
	while ((option = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			path = optarg;
			break;
		case 'c':
			only_checks = true;
			break;
		case 'h':
			printf("%s", help);
			return EXIT_DONE;
		case 'V':
			printf("sluiced " SLUICE_VERSION "\n");
			return EXIT_DONE;
		default:
			fprintf(stderr, "%s", help);
			return EXIT_USAGE;
		}
	}
	if (only_checks && optind < argc)
		path = argv[optind++];
	if (optind < argc) {
		fprintf(stderr, "sluiced: \"%s\" is one word too many\n%s", argv[optind], help);
		return EXIT_USAGE;
	}
	return only_checks ? check(path) : serve(path);
}
