// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs as text, near to nft's syntax where nft has words for it. Nothing depends on addresses
 * or time, so that the text of one program never changes.
 */
#include "ir/ir.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Names come from the kernel, but a terminal must survive whatever they hold. */
static void print_name(const char *name, FILE *out)
{
	for (; *name; name++) {
		if (isprint((unsigned char)*name) && *name != '"' && *name != '\\')
			fputc(*name, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*name);
	}
}

static void print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	print_name(text, out);
	fputc('"', out);
}

static const char *family_name(u32 family)
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
	default:
		return "family?";
	}
}

/* Prints "inet filter input". */
static void print_place(u32 family, const char *table, const char *name, FILE *out)
{
	fprintf(out, "%s ", family_name(family));
	print_name(table, out);
	fputc(' ', out);
	print_name(name, out);
}

/* Values */

typedef void value_fn(const u8 *bytes, u32 length, FILE *out);

static void print_hex(const u8 *bytes, u32 length, FILE *out)
{
	fputs("0x", out);
	for (u32 i = 0; i < length; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void print_be(const u8 *bytes, u32 length, FILE *out)
{
	u64 number = 0;

	for (u32 i = 0; i < length; i++)
		number = number << 8 | bytes[i];
	fprintf(out, "%" PRIu64, number);
}

static void print_host(const u8 *bytes, u32 length, FILE *out)
{
	u16 half;
	u32 word;

	if (length == 2) {
		memcpy(&half, bytes, 2);
		fprintf(out, "%u", half);
	} else if (length == 4) {
		memcpy(&word, bytes, 4);
		fprintf(out, "%u", word);
	} else {
		print_hex(bytes, length, out);
	}
}

static void print_ip(const u8 *bytes, u32 length, FILE *out)
{
	char text[INET_ADDRSTRLEN];

	(void)length;
	fputs(inet_ntop(AF_INET, bytes, text, sizeof text), out);
}

static void print_ip6(const u8 *bytes, u32 length, FILE *out)
{
	char text[INET6_ADDRSTRLEN];

	(void)length;
	fputs(inet_ntop(AF_INET6, bytes, text, sizeof text), out);
}

static void print_mac(const u8 *bytes, u32 length, FILE *out)
{
	for (u32 i = 0; i < length; i++)
		fprintf(out, "%s%02x", i ? ":" : "", bytes[i]);
}

/* A device name is padded with NULs; one cut short by a prefix match ends in nft's '*'. */
static void print_device(const u8 *bytes, u32 length, FILE *out)
{
	char name[17] = {0};

	memcpy(name, bytes, length);
	if (!memchr(name, 0, length))
		name[length < 16 ? length : 15] = '*';
	print_quoted(name, out);
}

/* Fields */

enum { OF_IP = 1, OF_IP6 = 2, OF_ANY = OF_IP | OF_IP6 };

struct field_name {
	struct sl_field field;
	u8 families; /* of chains where the bytes mean this */
	const char *name;
	value_fn *print;
};

static const struct field_name field_names[] = {
	{{SL_LINK, 6, 0}, OF_ANY, "ether daddr", print_mac},
	{{SL_LINK, 6, 6}, OF_ANY, "ether saddr", print_mac},
	{{SL_LINK, 2, 12}, OF_ANY, "ether type", print_hex},
	{{SL_NETWORK, 2, 2}, OF_IP, "ip length", print_be},
	{{SL_NETWORK, 1, 8}, OF_IP, "ip ttl", print_be},
	{{SL_NETWORK, 1, 9}, OF_IP, "ip protocol", print_be},
	{{SL_NETWORK, 4, 12}, OF_IP, "ip saddr", print_ip},
	{{SL_NETWORK, 4, 16}, OF_IP, "ip daddr", print_ip},
	{{SL_NETWORK, 2, 4}, OF_IP6, "ip6 length", print_be},
	{{SL_NETWORK, 1, 6}, OF_IP6, "ip6 nexthdr", print_be},
	{{SL_NETWORK, 1, 7}, OF_IP6, "ip6 hoplimit", print_be},
	{{SL_NETWORK, 16, 8}, OF_IP6, "ip6 saddr", print_ip6},
	{{SL_NETWORK, 16, 24}, OF_IP6, "ip6 daddr", print_ip6},
	{{SL_TRANSPORT, 2, 0}, OF_ANY, "th sport", print_be},
	{{SL_TRANSPORT, 2, 2}, OF_ANY, "th dport", print_be},
	{{SL_META, 1, SL_META_NFPROTO}, OF_ANY, "meta nfproto", print_be},
	{{SL_META, 1, SL_META_L4PROTO}, OF_ANY, "meta l4proto", print_be},
	{{SL_META, 2, SL_META_PROTOCOL}, OF_ANY, "meta protocol", print_hex},
	{{SL_META, 4, SL_META_IIF}, OF_ANY, "iif", print_host},
	{{SL_META, 16, SL_META_IIFNAME}, OF_ANY, "iifname", print_device},
	{{SL_META, 2, SL_META_IIFTYPE}, OF_ANY, "iiftype", print_host},
	{{SL_META, 4, SL_META_IIFGROUP}, OF_ANY, "iifgroup", print_host},
	{{SL_META, 4, SL_META_LENGTH}, OF_ANY, "meta length", print_host},
	{{SL_META, 4, SL_META_MARK}, OF_ANY, "meta mark", print_host},
	{{SL_META, 1, SL_META_PKTTYPE}, OF_ANY, "meta pkttype", print_be},
	{{SL_META, 4, SL_META_DADDR_TYPE}, OF_ANY, "fib daddr type", print_host},
};

/* What bytes mean in a chain of both families is told by their place alone. */
static u8 meanings(u32 family)
{
	if (family == NFPROTO_IPV4)
		return OF_IP;
	return family == NFPROTO_IPV6 ? OF_IP6 : OF_ANY;
}

static bool is_field(const struct field_name *name, const struct sl_field *field)
{
	bool is_name = field->base == SL_META && field->offset == SL_META_IIFNAME;

	return name->field.base == field->base && name->field.offset == field->offset &&
	       (name->field.length == field->length || is_name);
}

/* NULL for bytes that nobody has named. */
static const struct field_name *find_name(u32 family, const struct sl_field *field)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(field_names); i++)
		if (field_names[i].families & meanings(family) && is_field(&field_names[i], field))
			return &field_names[i];
	return NULL;
}

static void print_field(u32 family, const struct sl_field *field, FILE *out)
{
	static const char *const bases[] = {
		[SL_LINK] = "ll", [SL_NETWORK] = "nh", [SL_TRANSPORT] = "th", [SL_META] = "meta"};
	const struct field_name *name = find_name(family, field);

	if (name)
		fputs(name->name, out);
	else
		fprintf(out, "@%s,%u,%u", bases[field->base], field->offset * 8u,
			field->length * 8u);
}

/* Keys */

static bool is_zero(const u8 *bytes, u32 length)
{
	for (u32 i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Where a part starts that is laid out as nf_tables concatenates. */
static u32 next_part(const struct sl_part *part)
{
	return (part->at + part->field.length + 3u) & ~3u;
}

static bool keeps_meaning(const struct sl_key *key)
{
	for (u32 i = 0; i < key->transform_count; i++)
		if (key->transforms[i].kind != SL_MASK)
			return false;
	return true;
}

/* Hex unless every byte belongs to a part whose meaning is known, or is padding. */
static bool can_print_parts(u32 family, const struct sl_key *key, const u8 *value)
{
	u32 at = 0;

	if (!keeps_meaning(key))
		return false;
	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (part->at < at || !is_zero(value + at, part->at - at) ||
		    !find_name(family, &part->field))
			return false;
		at = part->at + part->field.length;
	}
	return is_zero(value + at, key->length - at);
}

static void print_value(u32 family, const struct sl_key *key, const u8 *value, FILE *out)
{
	if (!can_print_parts(family, key, value)) {
		print_hex(value, key->length, out);
		return;
	}
	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (i)
			fputs(" . ", out);
		find_name(family, &part->field)->print(value + part->at, part->field.length, out);
	}
}

static void print_transform(u32 family, const struct sl_key *key,
			    const struct sl_transform *transform, FILE *out)
{
	bool is_whole = transform->at == 0 && transform->length == key->length;

	switch (transform->kind) {
	case SL_SWAP:
		fprintf(out, " swap%u", transform->width);
		break;
	case SL_MASK:
		fputs(" & ", out);
		if (is_whole)
			print_value(family, key, transform->mask, out);
		else
			print_hex(transform->mask, transform->length, out);
		if (!is_zero(transform->xor, transform->length)) {
			fputs(" ^ ", out);
			print_hex(transform->xor, transform->length, out);
		}
		break;
	case SL_SHL:
	case SL_SHR:
		fprintf(out, " %s %u", transform->kind == SL_SHL ? "<<" : ">>", transform->width);
		break;
	}
	if (!is_whole)
		fprintf(out, " [%u,%u]", transform->at, transform->length);
}

/* A part in an unusual place says so: "ip saddr[8]". */
static void print_key(u32 family, const struct sl_key *key, FILE *out)
{
	u32 expected = 0;

	for (u32 i = 0; i < key->part_count; i++) {
		const struct sl_part *part = &key->parts[i];

		if (i)
			fputs(" . ", out);
		print_field(family, &part->field, out);
		if (part->at != expected)
			fprintf(out, "[%u]", part->at);
		expected = next_part(part);
	}
	for (u32 i = 0; i < key->transform_count; i++)
		print_transform(family, key, &key->transforms[i], out);
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
		print_name(verdict->chain->name, out);
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
	print_value(family, &op->key, op->data, out);
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
		print_value(family, &op->key, op->data, out);
		fputc('-', out);
		print_value(family, &op->key, op->data_end, out);
		break;
	default:
		fputs(op->kind == SL_OP_VMAP ? " vmap @" : op->invert ? " != @" : " @", out);
		print_name(op->set->name, out);
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
	print_name(reason, out);
	fputc(')', out);
}

static void print_op(u32 family, const struct sl_op *op, FILE *out)
{
	switch (op->kind) {
	case SL_OP_COMPARE:
	case SL_OP_RANGE:
	case SL_OP_SET:
	case SL_OP_VMAP:
		print_key(family, &op->key, out);
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
			print_quoted(rule->comment, out);
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
		print_value(use->family, use->key, value, out);
	else
		print_hex(value, set->key_length, out);
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
	print_name(device->name, out);
	fprintf(out, " index %u type %u group %u mtu %u mac ", device->ifindex, device->type,
		device->group, device->mtu);
	print_mac(device->mac, sizeof device->mac, out);
	fprintf(out, "%s%s\n", device->mark_is_zero ? "" : ", marks unknown",
		device->hides_vlan ? ", hides VLAN tags" : "");
}

static void print_local(const struct sl_program *program, FILE *out)
{
	fputs("local", out);
	for (u32 i = 0; i < program->local.count; i++) {
		const struct sl_local_address *local = &program->local.items[i];

		fputc(' ', out);
		(local->is_ip6 ? print_ip6 : print_ip)(local->bytes, 0, out);
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
