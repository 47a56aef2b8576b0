/* SPDX-License-Identifier: GPL-2.0-only */
#include "play.h"

#include <errno.h>
#include <net/ethernet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "pools.h"
#include "responder.h"

#define MARKER_LENGTH     60
#define MARKER_TIMEOUT_MS 5000
#define LINK_TRIES        200
#define LINK_TRY_MS       10
#define SETTLE_MS         150
#define ROUNDS_MAX        24 /* no conversation of two answers this often without a loop */
#define RECEIVE_MAX       65536

struct player {
	const struct sl_lab *lab;
	struct sl_services *services;
	struct sl_recorder *recorder;
	const struct sl_stage *stage;
	struct sl_diag *diag;
	u32 marker; /* number of the last one sent */
};

/* Frames that the hosts around the dut still owe an answer. */
struct inbox {
	struct sl_frame answers[64];
	u32 count;
};

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

static int send_marker(struct player *player, int from, const u8 *mac)
{
	u8 frame[MARKER_LENGTH] = {0};

	memcpy(frame, mac, 6);
	frame[6] = 2;
	sl_put16(frame + 12, SL_MARKER_TYPE);
	sl_put32(frame + 14, ++player->marker);
	if (send(from, frame, sizeof frame, 0) != sizeof frame)
		return sl_fail(player->diag, errno, "cannot send a marker frame: %s",
			       strerror(errno));
	return 0;
}

static bool is_marker(const struct player *player, const u8 *bytes, u32 length)
{
	return length >= 18 && sl_get16(bytes + 12) == SL_MARKER_TYPE &&
	       sl_get32(bytes + 14) == player->marker;
}

/* A frame that came to `place`: noted, and perhaps to be answered. */
static void take_frame(struct player *player, enum sl_place place, const u8 *bytes, u32 length,
		       struct inbox *inbox)
{
	const u8 *mac = place == SL_PEER ? sl_mac_peer : sl_mac_back;

	if (length >= ETH_HLEN && sl_get16(bytes + 12) == SL_MARKER_TYPE)
		return;
	sl_recorder_note_frame(player->recorder, place, bytes, length);
	if (inbox->count < SL_ARRAY_SIZE(inbox->answers) &&
	    sl_responder_answer(bytes, length, mac, &inbox->answers[inbox->count]))
		inbox->count++;
}

/*
 * Reads `fd` up to the newest marker; with `inbox`, what comes before it are frames at `place`.
 * -ETIMEDOUT without a message where no more comes for `timeout_ms`.
 */
static int read_to_marker(struct player *player, int fd, enum sl_place place, struct inbox *inbox,
			  int timeout_ms)
{
	static u8 bytes[RECEIVE_MAX];
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	for (;;) {
		ssize_t length = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

		if (length < 0 && errno == EAGAIN && poll(&ready, 1, timeout_ms) == 1)
			continue;
		if (length < 0)
			return -ETIMEDOUT;
		if (is_marker(player, bytes, (u32)length))
			return 0;
		if (inbox)
			take_frame(player, place, bytes, (u32)length, inbox);
	}
}

/* One way through the lab, which everything sent before has to take too. */
static int follow_marker(struct player *player, int from, const u8 *mac, int to,
			 enum sl_place place, struct inbox *inbox)
{
	int error = send_marker(player, from, mac);

	if (error)
		return error;
	error = read_to_marker(player, to, place, inbox, MARKER_TIMEOUT_MS);
	if (error)
		return sl_fail(player->diag, -error,
			       "a marker frame did not come through: what is attached to the "
			       "device dropped it, or the machine stalled");
	return 0;
}

/* A link just raised loses frames until the kernel has noticed its carrier, a moment later. */
static int await_link(struct player *player, int from, const u8 *mac, int to)
{
	for (u32 i = 0; i < LINK_TRIES; i++) {
		int error = send_marker(player, from, mac);

		if (error)
			return error;
		if (!read_to_marker(player, to, SL_DUT, NULL, LINK_TRY_MS))
			return 0;
	}
	return sl_fail(player->diag, ETIMEDOUT,
		       "no marker frame comes through: what is attached to the device drops it");
}

static int await_links(struct player *player)
{
	const struct sl_lab *lab = player->lab;
	int error = await_link(player, lab->peer_socket, sl_mac_in, lab->in_markers);

	if (!error)
		error = await_link(player, lab->back_socket, sl_mac_out, lab->out_markers);
	if (!error)
		error = await_link(player, lab->in_markers, sl_mac_peer, lab->peer_socket);
	if (!error)
		error = await_link(player, lab->out_markers, sl_mac_back, lab->back_socket);
	return error;
}

/* The macvlan guest takes unicast frames at once; broadcasts come some time later, if at all. */
static void drain_guest(struct player *player)
{
	u8 bytes[SL_FRAME_MAX + 64];
	ssize_t length;

	if (player->lab->guest_socket < 0)
		return;
	while ((length = recv(player->lab->guest_socket, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
		if (length >= ETH_HLEN && !memcmp(bytes, sl_mac_guest, 6))
			sl_recorder_note_frame(player->recorder, SL_GUEST, bytes, (u32)length);
}

/* Into the dut from both sides, then out of it on both. */
static int flush_links(struct player *player, struct inbox *peer, struct inbox *back)
{
	const struct sl_lab *lab = player->lab;
	int error =
		follow_marker(player, lab->peer_socket, sl_mac_in, lab->in_markers, SL_DUT, NULL);

	if (!error)
		error = follow_marker(player, lab->back_socket, sl_mac_out, lab->out_markers,
				      SL_DUT, NULL);
	if (!error)
		error = follow_marker(player, lab->in_markers, sl_mac_peer, lab->peer_socket,
				      SL_PEER, peer);
	if (!error)
		error = follow_marker(player, lab->out_markers, sl_mac_back, lab->back_socket,
				      SL_BACK, back);
	drain_guest(player);
	return error;
}

/* A frame too long for the device is refused, alike in both labs. */
static void send_frame(int fd, const u8 *bytes, u32 length)
{
	(void)send(fd, bytes, length, 0);
}

static void send_answers(int fd, struct inbox *inbox)
{
	for (u32 i = 0; i < inbox->count; i++)
		send_frame(fd, inbox->answers[i].bytes, inbox->answers[i].length);
	inbox->count = 0;
}

static int settle(struct player *player)
{
	static struct inbox peer, back; /* too large for a stack */

	peer.count = back.count = 0;
	for (u32 round = 0; round < ROUNDS_MAX; round++) {
		int error = flush_links(player, &peer, &back);

		if (error)
			return error;
		int served = sl_services_serve(player->services, player->recorder);
		if (served < 0)
			return sl_fail(player->diag, -served, "the dut's services failed: %s",
				       strerror(-served));
		if (!served && !peer.count && !back.count)
			return 0;
		send_answers(player->lab->peer_socket, &peer);
		send_answers(player->lab->back_socket, &back);
	}
	return sl_fail(player->diag, ELOOP, "the lab does not come to rest");
}

static void send_act(struct player *player, const struct sl_act *act)
{
	bool by_peer = act->kind == SL_ACT_PEER_SENDS;
	struct sl_frame frame = {.length = act->length};

	memcpy(frame.bytes, act->bytes, act->length);
	if (act->patch.is_wanted) {
		const struct sl_stream *stream = sl_recorder_find_stream(
			player->recorder, by_peer ? SL_PEER : SL_BACK, act->patch.port);

		if (stream && stream->has_next)
			sl_frame_patch(&frame, act->patch.at, act->patch.checksum_at, stream->next);
	}
	if (by_peer)
		player->recorder->moment->is_doomed =
			sl_foresight_dooms(player->stage->foresight, frame.bytes, frame.length);
	send_frame(by_peer ? player->lab->peer_socket : player->lab->back_socket, frame.bytes,
		   frame.length);
}

/* What fails, fails in both labs; late is no fault of what is attached, which then passes. */
static int change_dut(struct player *player, const struct sl_act *act)
{
	const char *const argv[] = {"sh", "-c", act->what, NULL};
	const struct sl_stage *stage = player->stage;
	struct sl_diag ignored;

	(void)sl_lab_run(stage->lab, SL_DUT, argv, NULL, NULL, &ignored);
	if (act->settles && stage->candidate)
		(void)sl_candidate_settle(stage->candidate, stage->lab, SETTLE_MS, &ignored);
	return sl_foresight_renew(stage->foresight, player->diag);
}

static int play_act(struct player *player, const struct sl_act *act)
{
	int error = 0;

	sl_recorder_begin(player->recorder);
	if (!player->recorder->moment)
		return sl_fail_memory(player->diag);
	if (act->kind == SL_ACT_DUT_CHANGES)
		error = change_dut(player, act);
	else if (act->kind == SL_ACT_DUT_CALLS)
		error = sl_services_start_client(player->services, act->client, &act->from,
						 &act->to, player->recorder, player->diag);
	else
		send_act(player, act);
	if (!error)
		error = settle(player);
	sl_recorder_end(player->recorder);
	return error;
}

int sl_play(const struct sl_stage *stage, const struct sl_script *script,
	    struct sl_record **ret_record, struct sl_diag *diag)
{
	SL_CLEANUP(sl_free) struct sl_recorder *recorder = calloc(1, sizeof *recorder);
	struct player player = {.lab = stage->lab,
				.services = stage->services,
				.stage = stage,
				.recorder = recorder,
				.diag = diag};
	int error = recorder ? sl_record_new(&recorder->record, diag) : sl_fail_memory(diag);
	u64 start = now_ms();

	if (!error)
		recorder->skips_rationed = stage->lab->lasts;
	if (!error)
		error = await_links(&player);
	for (u32 i = 0; !error && i < script->acts.count; i++)
		error = play_act(&player, &script->acts.items[i]);
	if (!error && recorder->out_of_memory)
		error = sl_fail_memory(diag);
	if (error) {
		if (recorder)
			sl_record_free(recorder->record);
		return error;
	}
	recorder->record->elapsed_ms = (u32)(now_ms() - start);
	*ret_record = recorder->record;
	return 0;
}
