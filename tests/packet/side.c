// SPDX-License-Identifier: GPL-2.0-only
#include "side.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include "attachment.h"
#include "base/clock.h"
#include "play.h"
#include "source/netlink.h"

#define PATIENCE_MS 10000

int sl_side_open(const struct sl_lab_config *config, const struct sl_candidate *candidate,
		 struct sl_side *ret_side, struct sl_diag *diag)
{
	*ret_side = (struct sl_side){.candidate = candidate, .opened_ns = sl_monotonic_ns()};
	int error = sl_lab_open(config, &ret_side->lab, diag);

	return error ? error : sl_services_open(&ret_side->lab, &ret_side->services, diag);
}

void sl_side_close(struct sl_side *side)
{
	struct sl_diag ignored;

	sl_side_detach(side, &ignored);
	sl_netlink_close(side->netfilter);
	side->netfilter = NULL;
	sl_services_close(side->services);
	side->services = NULL;
	sl_lab_close(&side->lab);
}

int sl_side_attach(struct sl_side *side, struct sl_diag *diag)
{
	int error = side->candidate
			    ? sl_candidate_attach(side->candidate, &side->lab, side->at_tc, diag)
			    : 0;

	/* Half an attach is to be undone too. */
	side->is_attached = side->candidate;
	return error;
}

int sl_side_detach(struct sl_side *side, struct sl_diag *diag)
{
	if (!side->is_attached)
		return 0;
	side->is_attached = false;
	return sl_candidate_detach(side->candidate, &side->lab, diag);
}

/* What is left when the script is over. */
static int read_aftermath(struct sl_side *side, struct sl_record *record, struct sl_diag *diag)
{
	const struct sl_candidate *candidate = side->candidate;
	int error = sl_lab_read_conntrack(&side->lab, &record->conntrack, diag);

	if (!error)
		error = sl_rules_read_counts(&side->lab, record->arena, &record->counts, diag);
	if (!error)
		error = sl_lab_count_xdp_drops(&side->lab, &record->xdp_drops, diag);
	if (!error && candidate)
		error = sl_candidate_count_drops(candidate, &side->lab, &record->has_early_drops,
						 &record->early_drops, &record->hook_drops, diag);
	if (!error && side->is_attached && candidate->sluice)
		record->early_hits =
			sl_attachment_count_hits(candidate->observer, &side->lab, &record->counts);
	record->xdp_drops -= side->xdp_drops_before;
	record->early_drops -= side->drops_before;
	record->hook_drops -= side->hook_drops_before;
	side->xdp_drops_before += record->xdp_drops;
	side->drops_before += record->early_drops;
	side->hook_drops_before += record->hook_drops;
	return error;
}

static int play_with(struct sl_side *side, struct sl_foresight *foresight,
		     const struct sl_script *script, struct sl_record **ret_record,
		     struct sl_diag *diag)
{
	const struct sl_stage stage = {
		.lab = &side->lab,
		.services = side->services,
		.candidate = side->is_attached ? side->candidate : NULL,
		.foresight = foresight,
	};

	return sl_play(&stage, script, ret_record, diag);
}

int sl_side_play(struct sl_side *side, const struct sl_script *script,
		 struct sl_record **ret_record, struct sl_diag *diag)
{
	struct sl_foresight *foresight = NULL;
	struct sl_record *record = NULL;
	int error = side->foresees ? sl_foresight_open(side->foresees, &side->lab, &foresight, diag)
				   : 0;

	if (!error)
		error = play_with(side, foresight, script, &record, diag);
	sl_foresight_close(foresight);
	if (!error)
		error = read_aftermath(side, record, diag);
	if (error)
		sl_record_free(record);
	else
		*ret_record = record;
	return error;
}

static int open_netfilter(struct sl_side *side, struct sl_diag *diag)
{
	int error = side->netfilter ? 0 : sl_lab_enter(&side->lab, SL_DUT, diag);

	if (error || side->netfilter)
		return error;
	error = sl_netlink_open(NETLINK_NETFILTER, &side->netfilter, diag);
	sl_lab_leave(&side->lab);
	return error;
}

static int forget_connections(struct sl_side *side, struct sl_diag *diag)
{
	_Alignas(struct nlmsghdr) char room[64];
	struct nlmsghdr *request = mnl_nlmsg_put_header(room);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(request, sizeof *header);
	int error = open_netfilter(side, diag);

	request->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	*header = (struct nfgenmsg){.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0};
	return error ? error : sl_netlink_ask(side->netfilter, request, NULL, NULL, diag);
}

int sl_side_settle(const struct sl_side *side, struct sl_diag *diag)
{
	return side->is_attached
		       ? sl_candidate_settle(side->candidate, &side->lab, PATIENCE_MS, diag)
		       : 0;
}

/* The tools of iptables replace their own tables only. */
static int replace_rules(const struct sl_side *side, const struct sl_rules *rules,
			 struct sl_diag *diag)
{
	bool is_nft = rules->format == SL_RULES_NFT;
	int error = sl_rules_replace(&side->lab, is_nft ? rules->text : "", diag);

	return error || is_nft ? error : sl_rules_load(&side->lab, rules, diag);
}

static void hold_candidate(const struct sl_side *side, bool holds)
{
	if (side->is_attached)
		sl_candidate_hold(side->candidate, &side->lab, holds);
}

int sl_side_renew(struct sl_side *side, const struct sl_rules *rules, struct sl_diag *diag)
{
	sl_services_close(side->services);
	side->services = NULL;
	hold_candidate(side, true);
	int error = replace_rules(side, rules, diag);

	if (!error)
		error = forget_connections(side, diag);
	hold_candidate(side, false);
	if (!error)
		error = sl_services_open(&side->lab, &side->services, diag);
	return error;
}
