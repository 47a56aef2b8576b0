// SPDX-License-Identifier: GPL-2.0-only
#include "lib/plan.h"

#include <errno.h>

#include "lib/attachments.h"
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

int sl_plan_file(const struct sl_plan_wish *wish, const char *path, struct sl_plan *plan,
		 struct sl_diag *diag)
{
	int error = sl_compile_file(path, wish->device, wish->memory_limit, &plan->compiled, diag);

	if (error)
		return error;
	plan->device = plan->compiled->meaning->device.name;
	error = lift_legal(plan, diag);
	return error ? error : decide(plan, wish->memory_limit, diag);
}

/* Our own program does not count as one that was there before. */
static int compile_live(const struct sl_plan_wish *wish, struct sl_plan *plan,
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
	return sl_compile_live(observer, plan->device, own, wish->mode == SL_WANT_NATIVE,
			       PATIENCE_MS, wish->memory_limit, &plan->compiled, diag);
}

int sl_plan_live(const struct sl_plan_wish *wish, struct sl_observer *observer,
		 struct sl_plan *plan, struct sl_diag *diag)
{
	int error;

	plan->device = wish->device;
	plan->is_live = true;
	error = compile_live(wish, plan, observer, diag);
	if (!error)
		error = lift_legal(plan, diag);
	if (error)
		return error;
	plan->texts.loaded = &plan->loaded;
	error = sl_plan_device(plan, wish->mode, diag);
	return error ? error : decide(plan, wish->memory_limit, diag);
}
