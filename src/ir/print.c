// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs as text, near to nft's syntax where nft has words for it. Nothing depends on addresses
 * or time, so that the text of one program never changes.
 */
#include "ir/ir.h"
#include "ir/print_parts.h"

#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

const char *sl_family_name(u32 family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_NETDEV:
		return "netdev";
	case NFPROTO_ARP:
		return "arp";
	case NFPROTO_BRIDGE:
		return "bridge";
	default:
		return "unknown";
	}
}

/* Prints "inet filter input". */
static void print_place(u32 family, const char *table, const char *name, FILE *out)
{
	fprintf(out, "%s ", sl_family_name(family));
	sl_print_text(table, out);
	fputc(' ', out);
	sl_print_text(name, out);
}

/* Ops */

static void print_verdict(const struct sl_verdict *verdict, FILE *out)
{
	static const char *const names[] = {
		[SL_VERDICT_CONTINUE] = "continue", [SL_VERDICT_ACCEPT] = "accept",
		[SL_VERDICT_DROP] = "drop",         [SL_VERDICT_JUMP] = "jump ",
		[SL_VERDICT_GOTO] = "goto ",        [SL_VERDICT_RETURN] = "return",
		[SL_VERDICT_KERNEL] = "kernel",
	};

	fputs(names[verdict->kind], out);
	if (verdict->kind == SL_VERDICT_JUMP || verdict->kind == SL_VERDICT_GOTO)
		sl_print_text(verdict->chain->name, out);
}

static void print_worlds(u8 worlds, FILE *out)
{
	static const char *const names[] = {"new", "established", "related", "invalid",
					    "untracked"};
	const char *comma = "";

	if (!worlds)
		fputs("none", out);
	for (u32 i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (!(worlds & 1 << i))
			continue;
		fprintf(out, "%s%s", comma, names[i]);
		comma = ",";
	}
}

static void print_compare(u32 family, const struct sl_op *op, FILE *out)
{
	static const char *const signs[] = {
		[SL_EQ] = "",    [SL_NE] = "!= ", [SL_LT] = "< ",
		[SL_LE] = "<= ", [SL_GT] = "> ",  [SL_GE] = ">= ",
	};
	bool is_plain = op->compare != SL_EQ || !op->key.transform_count;

	fprintf(out, " %s", is_plain ? signs[op->compare] : "== ");
	sl_print_value(family, &op->key, op->data, out);
}

/* What stands behind the key of COMPARE, RANGE, SET and VMAP. */
static void print_right_side(u32 family, const struct sl_op *op, FILE *out)
{
	switch (op->kind) {
	case SL_OP_COMPARE:
		print_compare(family, op, out);
		break;
	case SL_OP_RANGE:
		fputs(op->invert ? " != " : " ", out);
		sl_print_value(family, &op->key, op->data, out);
		fputc('-', out);
		sl_print_value(family, &op->key, op->data_end, out);
		break;
	default:
		fputs(op->kind == SL_OP_VMAP ? " vmap @" : op->invert ? " != @" : " @", out);
		sl_print_text(op->set->name, out);
	}
}

static void print_op(u32 family, const struct sl_op *op, FILE *out);

static void print_any(u32 family, const struct sl_op *op, FILE *out)
{
	fputs(op->invert ? "none(" : "any(", out);
	for (u32 i = 0; i < op->alternative_count; i++) {
		fputs(i ? ", " : "", out);
		print_op(family, &op->alternatives[i], out);
	}
	fputc(')', out);
}

static void print_reason(const char *what, const char *reason, FILE *out)
{
	fprintf(out, "%s(", what);
	sl_print_text(reason, out);
	fputc(')', out);
}

static void print_mark(const struct sl_op *op, FILE *out)
{
	if (op->reason)
		print_reason("mark", op->reason, out);
	else if (op->keep)
		fprintf(out, "mark = mark & %#x ^ %#x", op->keep, op->flip);
	else
		fprintf(out, "mark = %#x", op->flip);
}

static void print_filled(u32 family, const struct sl_op *op, FILE *out)
{
	if (op->kind == SL_OP_FILL)
		fprintf(out, "fill %u with ", op->filled);
	sl_print_key(family, &op->key, out);
	if (op->kind == SL_OP_FILLED)
		fprintf(out, "%s filled %u", op->invert ? " not in" : " in", op->filled);
}

static void print_op(u32 family, const struct sl_op *op, FILE *out)
{
	switch (op->kind) {
	case SL_OP_COMPARE:
	case SL_OP_RANGE:
	case SL_OP_SET:
	case SL_OP_VMAP:
		sl_print_key(family, &op->key, out);
		print_right_side(family, op, out);
		break;
	case SL_OP_STATE:
		fputs("ct state ", out);
		print_worlds(op->worlds, out);
		break;
	case SL_OP_ANY:
		print_any(family, op, out);
		break;
	case SL_OP_UNKNOWN:
		print_reason("unknown", op->reason, out);
		break;
	case SL_OP_KERNEL:
		print_reason("kernel", op->reason, out);
		break;
	case SL_OP_FILLED:
	case SL_OP_FILL:
		print_filled(family, op, out);
		break;
	case SL_OP_LIMIT:
		fprintf(out, "limit %s%u", op->invert ? "over " : "", op->limit);
		break;
	case SL_OP_MARK:
		print_mark(op, out);
		break;
	case SL_OP_COUNTER:
		fprintf(out, "counter %u", op->counter);
		break;
	case SL_OP_VERDICT:
		print_verdict(&op->verdict, out);
		break;
	case SL_OP_TABLE:
		fprintf(out, "table of %u rules:", op->table->count);
		break;
	}
}

static void print_rule(u32 family, const struct sl_rule *rule, FILE *out)
{
	for (u32 i = 0; i < rule->ops.count; i++) {
		fputs(i ? " " : "", out);
		print_op(family, &rule->ops.items[i], out);
	}
}

static bool chain_holds(const struct sl_chain *chain, const struct sl_rule *rule)
{
	for (u32 i = 0; i < chain->rules.count; i++)
		if (&chain->rules.items[i] == rule)
			return true;
	return false;
}

void sl_rule_print(const struct sl_program *program, const struct sl_rule *rule, FILE *out)
{
	u32 family = NFPROTO_INET;

	for (u32 i = 0; i < program->chains.count; i++)
		if (chain_holds(program->chains.items[i], rule))
			family = program->chains.items[i]->family;
	print_rule(family, rule, out);
}

/* Chains */

/* The rules of a run stand below it, further in. */
static void print_rules(u32 family, const struct sl_rule *rules, u32 count, const char *indent,
			FILE *out)
{
	for (u32 i = 0; i < count; i++) {
		const struct sl_rule *rule = &rules[i];
		const struct sl_table *run = sl_rule_table(rule);

		fputs(indent, out);
		print_rule(family, rule, out);
		fprintf(out, "%s# handle %" PRIu64, rule->ops.count ? " " : "", rule->handle);
		if (rule->comment) {
			fputc(' ', out);
			sl_print_quoted(rule->comment, out);
		}
		fputc('\n', out);
		if (run)
			print_rules(family, run->rules, run->count, "\t\t", out);
	}
}

static void print_chain(const struct sl_chain *chain, FILE *out)
{
	fputs("\nchain ", out);
	print_place(chain->family, chain->table, chain->name, out);
	fputs(" {\n", out);
	print_rules(chain->family, chain->rules.items, chain->rules.count, "\t", out);
	fputs("}\n", out);
}

/* Sets: an element reads like the first key that is looked up in the set. */

struct use {
	const struct sl_key *key; /* NULL: the set is not used */
	u32 family;
};

static void note_use(const struct sl_op *op, u32 family, struct use *uses)
{
	for (u32 i = 0; op->kind == SL_OP_ANY && i < op->alternative_count; i++)
		note_use(&op->alternatives[i], family, uses);
	if ((op->kind == SL_OP_SET || op->kind == SL_OP_VMAP) && !uses[op->set->index].key)
		uses[op->set->index] = (struct use){&op->key, family};
}

static void note_uses(const struct sl_rule *rules, u32 count, u32 family, struct use *uses)
{
	for (u32 i = 0; i < count; i++) {
		const struct sl_table *run = sl_rule_table(&rules[i]);

		for (u32 j = 0; j < rules[i].ops.count; j++)
			note_use(&rules[i].ops.items[j], family, uses);
		if (run)
			note_uses(run->rules, run->count, family, uses);
	}
}

static void find_uses(const struct sl_program *program, struct use *uses)
{
	for (u32 i = 0; i < program->chains.count; i++) {
		const struct sl_chain *chain = program->chains.items[i];

		note_uses(chain->rules.items, chain->rules.count, chain->family, uses);
	}
}

static void print_element_key(const struct sl_set *set, const struct use *use, const u8 *value,
			      FILE *out)
{
	if (use->key)
		sl_print_value(use->family, use->key, value, out);
	else
		sl_print_hex(value, set->key_length, out);
}

static void print_element(const struct sl_set *set, const struct use *use,
			  const struct sl_element *element, FILE *out)
{
	fputc('\t', out);
	print_element_key(set, use, element->key, out);
	if (memcmp(element->key, element->key_end, set->key_length) != 0) {
		fputs(" - ", out);
		print_element_key(set, use, element->key_end, out);
	}
	if (element->expires_at_ns)
		fprintf(out, " expires at %" PRIu64 "ns", element->expires_at_ns);
	if (set->is_vmap) {
		fputs(" : ", out);
		print_verdict(&element->verdict, out);
	}
	fputc('\n', out);
}

static void print_set_head(const struct sl_set *set, FILE *out)
{
	static const char *const kinds[] = {
		[SL_SET_EXACT] = "exact", [SL_SET_INTERVAL] = "interval", [SL_SET_BOXES] = "boxes"};

	fprintf(out, "\n%s ", set->is_vmap ? "map" : "set");
	print_place(set->family, set->table, set->name, out);
	fprintf(out, " { # %s, %u bytes", kinds[set->kind], set->key_length);
	for (u32 i = 0; i < set->field_count; i++)
		fprintf(out, "%s%u", i ? "." : ": ", set->field_lengths[i]);
	fprintf(out, "%s%s\n", set->is_constant ? ", constant" : "",
		set->has_timeouts ? ", timeouts" : "");
}

static void print_set(const struct sl_set *set, const struct use *use, FILE *out)
{
	print_set_head(set, out);
	for (u32 i = 0; i < set->elements.count; i++)
		print_element(set, use, &set->elements.items[i], out);
	if (set->has_catchall) {
		fputs("\t*", out);
		if (set->is_vmap) {
			fputs(" : ", out);
			print_verdict(&set->catchall, out);
		}
		fputc('\n', out);
	}
	fputs("}\n", out);
}

/* The head: device, routing, path, counters */

static const char *families_name(u8 families)
{
	return families == SL_IP ? "ip" : families == SL_IP6 ? "ip6" : "ip,ip6";
}

static void print_step(const struct sl_step *step, FILE *out)
{
	static const char *const hooks[] = {[SL_HOOK_INGRESS] = "ingress",
					    [SL_HOOK_PREROUTING] = "prerouting",
					    [SL_HOOK_INPUT] = "input",
					    [SL_HOOK_FORWARD] = "forward"};

	fprintf(out, "\t%s ", families_name(step->families));
	switch (step->kind) {
	case SL_STEP_CHAIN:
		fprintf(out, "%s %d chain ", hooks[step->hook], step->priority);
		print_place(step->chain->family, step->chain->table, step->chain->name, out);
		fprintf(out, " policy %s", step->drops_by_policy ? "drop" : "accept");
		if (step->policy_counter != SL_NO_COUNTER)
			fprintf(out, " counter %u", step->policy_counter);
		break;
	case SL_STEP_CONNTRACK:
		fputs("conntrack", out);
		break;
	case SL_STEP_TRACKED:
		fputs("tracked", out);
		break;
	case SL_STEP_ROUTE:
		fputs("route", out);
		break;
	case SL_STEP_KERNEL:
		fprintf(out, "%s %d ", hooks[step->hook], step->priority);
		print_reason("kernel", step->reason, out);
		break;
	}
	fputc('\n', out);
}

static void print_device_line(const struct sl_device *device, FILE *out)
{
	fputs("device ", out);
	sl_print_text(device->name, out);
	fprintf(out, " index %u type %u group %u mtu %u mac ", device->ifindex, device->type,
		device->group, device->mtu);
	sl_print_mac(device->mac, sizeof device->mac, out);
	fprintf(out, "%s%s\n", device->mark_is_zero ? "" : ", marks unknown",
		device->hides_vlan ? ", hides VLAN tags" : "");
}

static void print_local(const struct sl_program *program, FILE *out)
{
	fputs("local", out);
	for (u32 i = 0; i < program->local.count; i++) {
		const struct sl_local_address *local = &program->local.items[i];

		fputc(' ', out);
		sl_print_address(local->bytes, local->is_ip6, out);
	}
	fputc('\n', out);
}

static void print_head(const struct sl_program *program, FILE *out)
{
	static const char *const modes[] = {[SL_ROUTE_INPUT_ONLY] = "input-only",
					    [SL_ROUTE_LOCAL_ONLY] = "local-only",
					    [SL_ROUTE_LOOKUP] = "lookup",
					    [SL_ROUTE_PASS] = "pass"};

	fprintf(out, "generation %u\n", program->generation);
	print_device_line(&program->device, out);
	print_local(program, out);
	fprintf(out, "route ip %s, ip6 %s\n", modes[program->route_ip], modes[program->route_ip6]);
	fputs("conntrack miss ", out);
	print_worlds(program->miss_worlds, out);
	fputs("\npath\n", out);
	for (u32 i = 0; i < program->path.count; i++)
		print_step(&program->path.items[i], out);
}

static void print_counters(const struct sl_program *program, FILE *out)
{
	if (program->counters.count)
		fputc('\n', out);
	for (u32 i = 0; i < program->counters.count; i++) {
		const struct sl_counter *counter = &program->counters.items[i];

		fprintf(out, "counter %u ", i);
		print_place(counter->family, counter->table, counter->chain, out);
		if (counter->handle)
			fprintf(out, " handle %" PRIu64 "\n", counter->handle);
		else
			fputs(" policy\n", out);
	}
}

void sl_program_print(const struct sl_program *program, FILE *out)
{
	const struct use unused = {0};
	/* Without the memory to look for uses, elements are printed as hex. */
	SL_CLEANUP(sl_free)
	struct use *uses = calloc((size_t)program->sets.count + 1, sizeof *uses);

	if (uses)
		find_uses(program, uses);
	print_head(program, out);
	for (u32 i = 0; i < program->chains.count; i++)
		print_chain(program->chains.items[i], out);
	for (u32 i = 0; i < program->sets.count; i++)
		print_set(program->sets.items[i], uses ? &uses[i] : &unused, out);
	print_counters(program, out);
}
