// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/names.h"
#include "cli/trace.h"
#include "ir/packet.h"

/* The packet, in nft's order of fields */

static u16 read_be16(const u8 *at)
{
	return (u16)(at[0] << 8 | at[1]);
}

static void print_mac(const char *name, const u8 *mac)
{
	printf(" ether %s %02x:%02x:%02x:%02x:%02x:%02x", name, mac[0], mac[1], mac[2], mac[3],
	       mac[4], mac[5]);
}

static const char *protocol_name(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		return NULL;
	}
}

static void print_protocol(u8 protocol)
{
	const char *name = protocol_name(protocol);

	if (name)
		printf(" %s", name);
	else
		printf(" %u", protocol);
}

static void print_network(const struct sl_packet *packet)
{
	const u8 *header = packet->frame + packet->network;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	if (packet->family == SL_IP) {
		inet_ntop(AF_INET, header + 12, from, sizeof from);
		inet_ntop(AF_INET, header + 16, to, sizeof to);
		printf(" ip saddr %s ip daddr %s ip ttl %u ip protocol", from, to, header[8]);
		print_protocol(packet->protocol);
		printf(" ip length %u", read_be16(header + 2));
		return;
	}
	inet_ntop(AF_INET6, header + 8, from, sizeof from);
	inet_ntop(AF_INET6, header + 24, to, sizeof to);
	printf(" ip6 saddr %s ip6 daddr %s ip6 hoplimit %u ip6 nexthdr", from, to, header[7]);
	print_protocol(packet->protocol);
	printf(" ip6 length %u", read_be16(header + 4));
}

static void print_flags(u8 flags)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};
	const char *separator = "";

	printf(" tcp flags == ");
	if (!flags)
		printf("0x0");
	for (u32 i = 0; i < SL_ARRAY_SIZE(names); i++) {
		if (!(flags & 1 << i))
			continue;
		printf("%s%s", separator, names[i]);
		separator = "|";
	}
}

static void print_transport(const struct sl_packet *packet)
{
	const u8 *header = packet->frame + packet->transport;
	const char *name = protocol_name(packet->protocol);

	switch (packet->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		printf(" %s sport %u %s dport %u", name, read_be16(header), name,
		       read_be16(header + 2));
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		printf(" %s type %u %s code %u", name, header[0], name, header[1]);
		break;
	default:
		break;
	}
	if (packet->protocol == IPPROTO_TCP)
		print_flags(header[13]);
}

static void print_packet(const struct sl_tracer *tracer, const struct sl_trace *trace)
{
	const struct sl_frame *frame = trace->frame;
	struct sl_packet packet;
	const char *odd = sl_packet_parse(&tracer->compiled->meaning->device, frame->bytes,
					  frame->length, &packet);

	printf("packet: iif \"%s\"", tracer->device);
	if (frame->length >= 14) {
		print_mac("saddr", frame->bytes + 6);
		print_mac("daddr", frame->bytes);
	}
	if (odd) {
		printf(" length %u (%s)\n", frame->length, odd);
		return;
	}
	print_network(&packet);
	print_transport(&packet);
	printf("\n");
}

/* Its way */

static void append(char text[SL_TRACE_VERDICT], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char text[SL_TRACE_VERDICT], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, SL_TRACE_VERDICT - used, format, args);
	va_end(args);
}

static const char *const world_names[] = {"new", "established", "related", "invalid", "untracked"};

static void append_worlds(char text[SL_TRACE_VERDICT], const char *lead, u8 worlds)
{
	for (u32 i = 0; i < SL_ARRAY_SIZE(world_names); i++) {
		if (!(worlds & 1 << i))
			continue;
		append(text, "%s%s", lead, world_names[i]);
		lead = ",";
	}
}

/* The last op says what happens; those before it, under which condition. */
static void append_op(char text[SL_TRACE_VERDICT], const struct sl_op *op)
{
	static const char *const names[] = {
		[SL_VERDICT_CONTINUE] = "continue", [SL_VERDICT_ACCEPT] = "accept",
		[SL_VERDICT_DROP] = "drop",         [SL_VERDICT_JUMP] = "jump",
		[SL_VERDICT_GOTO] = "goto",         [SL_VERDICT_RETURN] = "return",
		[SL_VERDICT_KERNEL] = "kernel",
	};

	if (op->kind == SL_OP_KERNEL)
		append(text, "kernel: %s", op->reason);
	else if (op->kind == SL_OP_VMAP)
		append(text, "by map");
	else if (op->kind == SL_OP_VERDICT)
		append(text, "%s%s%s", names[op->verdict.kind], op->verdict.chain ? " " : "",
		       op->verdict.chain ? op->verdict.chain->name : "");
	else
		append(text, "continue");
}

void sl_trace_verdict(const struct sl_trace_step *step, char ret_text[SL_TRACE_VERDICT])
{
	const struct sl_rule *rule = step->rule;
	u8 worlds = step->worlds;

	ret_text[0] = '\0';
	if (rule->ops.count)
		append_op(ret_text, &rule->ops.items[rule->ops.count - 1]);
	else
		append(ret_text, "continue");
	for (u32 i = 0; i < rule->ops.count; i++) {
		const struct sl_op *op = &rule->ops.items[i];

		if (op->kind == SL_OP_UNKNOWN)
			append(ret_text, ", if it matches: %s", op->reason);
		if (op->kind == SL_OP_STATE)
			worlds &= op->worlds;
	}
	if (worlds != step->worlds)
		append_worlds(ret_text, " if ", worlds);
}

bool sl_trace_is_shown(const struct sl_tracer *tracer, const struct sl_trace *trace, u32 index)
{
	const struct sl_trace_step *steps = trace->steps.items, *step = &steps[index];
	u32 first = index, end = index + 1;

	if (step->matched || !tracer->is_verbose)
		return step->matched;
	while (first && steps[first - 1].chain == step->chain &&
	       steps[first - 1].rule->handle == step->rule->handle)
		first--;
	while (end < trace->steps.count && steps[end].chain == step->chain &&
	       steps[end].rule->handle == step->rule->handle)
		end++;
	for (u32 i = first; i < end; i++)
		if (steps[i].matched)
			return false;
	return index == first;
}

static void print_place(const struct sl_chain *chain)
{
	printf("%s ", sl_family_name(chain->family));
	sl_print_name(chain->table);
	printf(" ");
	sl_print_name(chain->name);
}

static void print_step(const struct sl_tracer *tracer, const struct sl_trace *trace,
		       const struct sl_trace_step *step)
{
	char text[SL_TRACE_VERDICT] = "";

	printf("trace id %08x ", trace->number);
	print_place(step->chain);
	printf(" rule ");
	sl_print_name(sl_rule_text_in(&tracer->texts, step->chain, step->rule));
	printf(" # handle %" PRIu64, step->rule->handle);
	if (step->matched)
		sl_trace_verdict(step, text);
	if (step->matched)
		printf(" (verdict %s)", text);
	else
		printf(" (no match)");
	text[0] = '\0';
	if (tracer->is_verbose && step->worlds != SL_WORLDS_ALL)
		append_worlds(text, " as ", step->worlds);
	printf("%s\n", text);
}

static void print_policy(const struct sl_trace *trace)
{
	const struct sl_outcome *outcome = &trace->outcome;

	if (!outcome->chain || outcome->rule)
		return;
	printf("trace id %08x ", trace->number);
	print_place(outcome->chain);
	printf(" policy %s\n", outcome->drop ? "drop" : "accept");
}

/* Where the program and the interpreter have their own reasons, the program's comes first. */
static void print_reason(const struct sl_trace *trace)
{
	const struct sl_outcome *outcome = &trace->outcome;

	printf("passed to the kernel: ");
	if (trace->run.ran && trace->run.fate == SL_PASSED_STALE)
		printf("%s", sl_fate_text(SL_PASSED_STALE));
	else if (outcome->drop)
		printf("left to it by the program (%s)", sl_fate_text(trace->run.fate));
	else
		printf("%s%s%s", outcome->reason, outcome->subject ? ": " : "",
		       outcome->subject ? outcome->subject : "");
}

static void print_verdict(const struct sl_tracer *tracer, const struct sl_trace *trace)
{
	printf("trace id %08x sluice: ", trace->number);
	if (trace->drop)
		printf("dropped early, at %s", tracer->runner.point == SL_POINT_TC ? "TC" : "XDP");
	else
		print_reason(trace);
	if (!trace->run.ran)
		printf(" (by the interpreter alone; the program was not run: %s)",
		       trace->run.why_not);
	printf("\n");
}

void sl_trace_print(const struct sl_tracer *tracer, const struct sl_trace *trace)
{
	printf("trace id %08x ", trace->number);
	print_packet(tracer, trace);
	for (u32 i = 0; i < trace->steps.count; i++)
		if (sl_trace_is_shown(tracer, trace, i))
			print_step(tracer, trace, &trace->steps.items[i]);
	print_policy(trace);
	print_verdict(tracer, trace);
}
