// SPDX-License-Identifier: GPL-2.0-only
#include "cli/plan.h"

#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/attachments.h"
#include "cli/names.h"
#include "lift/lift.h"
#include "load/attach.h"
#include "load/hook_links.h"
#include "optimise/optimise.h"

#define PATIENCE_MS 2000

void sl_plan_free(struct sl_plan *plan)
{
	sl_program_free(plan->hook_legal);
	sl_program_free(plan->legal);
	sl_compiled_free(plan->compiled);
	*plan = (struct sl_plan){0};
}

/* The rules as they will run, one by one: legal for codegen, but not merged. */
static int lift_legal(struct sl_plan *plan, struct sl_diag *diag)
{
	int error = sl_lift(plan->compiled->rules, plan->compiled->host, plan->device, &plan->legal,
			    diag);

	if (!error && sl_optimise_legalise(plan->legal))
		error = sl_fail_memory(diag);
	plan->texts.rules = plan->compiled->rules;
	plan->texts.program = plan->legal;
	return error;
}

static u32 count_insns(const struct sl_code *code)
{
	u32 count = 0;

	for (u32 i = 0; i < SL_STAGES; i++)
		count += code->stages[i].insns.count;
	return count;
}

/* What the hooks add to the cost. */
static int add_hooks(struct sl_plan *plan, struct sl_diag *diag)
{
	struct sl_memory memory;
	int error = sl_memory_plan(plan->compiled->hook_program, 0 /* no filter */, &memory, diag);

	if (error)
		return error;
	plan->insns += count_insns(&plan->compiled->hook_code);
	plan->memory.maps += memory.maps;
	plan->memory.entries += memory.entries;
	plan->memory.bytes += memory.bytes;
	plan->memory.table_bytes += memory.table_bytes;
	return 0;
}

/* What is left is tried once more where the packet has come as far as a hook. */
static int decide_at_hooks(struct sl_plan *plan, u64 memory_limit, struct sl_diag *diag)
{
	struct sl_compiled *compiled = plan->compiled;
	struct sl_diag why;

	/* As for `attach`, there is none where it cannot be made. */
	if (sl_compiled_make_hooks(compiled, memory_limit, &why) || !compiled->hook_program)
		return 0;
	plan->lacks_hooks = !sl_hook_links_exist();
	if (plan->lacks_hooks)
		return 0;
	if (sl_lift_hooks(compiled->rules, compiled->host, compiled->meaning, &plan->hook_legal,
			  diag))
		return -ENOMEM;
	if (sl_optimise_legalise(plan->hook_legal) ||
	    sl_decide(plan->hook_legal, compiled->rules, &compiled->hook_code, NULL,
		      &plan->hook_decisions))
		return sl_fail_memory(diag);
	return 0;
}

/* Once the code is what will run: loading may have made it shorter. */
static int decide(struct sl_plan *plan, u64 memory_limit, struct sl_diag *diag)
{
	struct sl_compiled *compiled = plan->compiled;
	int error = decide_at_hooks(plan, memory_limit, diag);

	if (error)
		return error;
	if (sl_decide(plan->legal, compiled->rules, &compiled->code,
		      plan->hook_legal ? &plan->hook_decisions : NULL, &plan->decisions))
		return sl_fail_memory(diag);
	plan->insns = count_insns(&compiled->code);
	error = sl_memory_plan(compiled->program, memory_limit, &plan->memory, diag);
	return error || !plan->hook_legal ? error : add_hooks(plan, diag);
}

int sl_plan_file(const struct sl_cli *cli, struct sl_plan *plan, struct sl_diag *diag)
{
	int error = sl_compile_file(cli->arguments[0], cli->device, cli->memory_limit,
				    &plan->compiled, diag);

	if (error)
		return error;
	plan->device = plan->compiled->meaning->device.name;
	error = lift_legal(plan, diag);
	return error ? error : decide(plan, cli->memory_limit, diag);
}

/* Our own program does not count as one that was there before. */
static int compile_live(const struct sl_cli *cli, struct sl_plan *plan,
			struct sl_observer *observer, struct sl_diag *diag)
{
	struct sl_attachments attachments;
	u32 own = 0;
	int error = sl_attachments_read(plan->device, &attachments, diag);

	if (error)
		return error;
	if (attachments.count && attachments.items[0].is_alive) {
		plan->attached = (enum sl_attach_mode)attachments.items[0].info.mode;
		if (plan->attached == SL_MODE_TC)
			own = sl_attachment_program(&attachments, &attachments.items[0]);
	}
	sl_attachments_free(&attachments);
	return sl_compile_live(observer, plan->device, own, cli->mode == SL_WANT_NATIVE,
			       PATIENCE_MS, cli->memory_limit, &plan->compiled, diag);
}

int sl_plan_live(const struct sl_cli *cli, const char *device, struct sl_observer *observer,
		 struct sl_plan *plan, struct sl_diag *diag)
{
	int error;

	plan->device = device;
	plan->is_live = true;
	error = compile_live(cli, plan, observer, diag);
	if (!error)
		error = lift_legal(plan, diag);
	if (error)
		return error;
	plan->texts.loaded = &plan->loaded;
	error = sl_plan_device(plan, cli->mode, diag);
	return error ? error : decide(plan, cli->memory_limit, diag);
}

/* Several devices */

struct output {
	const struct sl_cli *cli;
	bool is_line; /* one line a device */
	json_t *devices;
	bool is_below; /* --check */
};

static void put_out(struct output *output, const struct sl_plan *plan)
{
	const struct sl_cli *cli = output->cli;
	double share = sl_decisions_share(&plan->decisions);

	if (cli->json)
		json_array_append_new(output->devices, sl_plan_describe(plan, cli->verbose));
	else if (output->is_line)
		sl_plan_print_line(plan);
	else
		sl_plan_print(plan, cli->verbose);
	if (!cli->check || share >= cli->check_percent)
		return;
	fflush(stdout);
	fprintf(stderr, "sluice: %s: %.1f %% would be decided early, less than %g %%\n",
		plan->device, share, cli->check_percent);
	output->is_below = true;
}

static int plan_one(struct output *output, const char *device, struct sl_observer *observer,
		    struct sl_diag *diag)
{
	struct sl_plan plan = {0};
	int error = device || !output->cli->argument_count
			    ? sl_plan_live(output->cli, device, observer, &plan, diag)
			    : sl_plan_file(output->cli, &plan, diag);

	if (!error)
		put_out(output, &plan);
	sl_plan_free(&plan);
	return error;
}

/* All but loopback; one that vanishes meanwhile is left out. */
static int plan_all(struct output *output, struct sl_observer *observer, struct sl_diag *diag)
{
	struct if_nameindex *devices = if_nameindex();
	int error = devices ? 0 : sl_fail(diag, errno, "cannot list the devices: %m");

	output->is_line = true;
	for (struct if_nameindex *at = devices; at && at->if_index && !error; at++) {
		if (!strcmp(at->if_name, "lo"))
			continue;
		error = plan_one(output, at->if_name, observer, diag);
		if (error == -ENODEV)
			error = 0;
	}
	if (devices)
		if_freenameindex(devices);
	return error;
}

static int plan_what_is_asked(struct output *output, struct sl_diag *diag)
{
	const struct sl_cli *cli = output->cli;
	struct sl_observer *observer;
	int error;

	if (cli->argument_count)
		return plan_one(output, NULL, NULL, diag);
	if (cli->device && !if_nametoindex(cli->device))
		return sl_fail(diag, ENODEV, "no device %s in this network namespace", cli->device);
	error = sl_observer_open(&observer, diag);
	if (error)
		return error;
	error = cli->device ? plan_one(output, cli->device, observer, diag)
			    : plan_all(output, observer, diag);
	sl_observer_free(observer);
	return error;
}

int sl_command_plan(const struct sl_cli *cli)
{
	struct output output = {.cli = cli};
	struct sl_diag diag = {0};
	int error;

	if (cli->argument_count > 1)
		return sl_cli_usage("plan", "\"%s\" is one word too many", cli->arguments[1]);
	if (cli->check && cli->check_percent < 0)
		return sl_cli_usage("plan", "--check wants a percentage: --check 80%%");
	output.devices = json_array();
	error = plan_what_is_asked(&output, &diag);
	if (!error && cli->json)
		sl_json_print(json_pack("{s:O}", "devices", output.devices));
	json_decref(output.devices);
	if (error)
		return sl_cli_refuse(&diag);
	return output.is_below ? SL_EXIT_REFUSED : SL_EXIT_DONE;
}
