// SPDX-License-Identifier: GPL-2.0-only
#include "cli/capture.h"

#include <errno.h>
#include <pcap/pcap.h>

#include "base/cleanup.h"

static void close_capture(pcap_t **capture)
{
	if (*capture)
		pcap_close(*capture);
}

static int add_packet(struct sl_arena *arena, const char *path, const struct pcap_pkthdr *header,
		      const u8 *bytes, struct sl_frames *frames, struct sl_diag *diag)
{
	struct sl_frame *frame = sl_list_push(arena, &frames->list);

	if (!frame)
		return sl_fail_memory(diag);
	if (header->caplen < header->len)
		return sl_fail(
			diag, EINVAL,
			"%s: packet %u is cut off: %u of its %u bytes were captured (capture "
			"with tcpdump -s 0)",
			path, frames->list.count, header->caplen, header->len);
	frame->length = header->caplen;
	frame->bytes = sl_arena_copy(arena, bytes, header->caplen);
	return frame->bytes ? 0 : sl_fail_memory(diag);
}

int sl_frames_read(struct sl_arena *arena, const char *path, struct sl_frames *ret_frames,
		   struct sl_diag *diag)
{
	char why[PCAP_ERRBUF_SIZE];
	SL_CLEANUP(close_capture) pcap_t *capture = pcap_open_offline(path, why);
	struct sl_frames frames = {0};
	struct pcap_pkthdr *header;
	const u8 *bytes;
	int link, more, error = 0;

	if (!capture)
		return sl_fail(diag, EINVAL, "cannot read the capture: %s", why);
	link = pcap_datalink(capture);
	if (link != DLT_EN10MB)
		return sl_fail(diag, EINVAL,
			       "%s holds packets of link type %s, not Ethernet: capture on the "
			       "device itself, not on \"any\"",
			       path,
			       pcap_datalink_val_to_name(link) ? pcap_datalink_val_to_name(link)
							       : "unknown");
	while (!error && (more = pcap_next_ex(capture, &header, &bytes)) == 1)
		error = add_packet(arena, path, header, bytes, &frames, diag);
	if (error)
		return error;
	if (more == PCAP_ERROR)
		return sl_fail(diag, EINVAL, "%s: behind packet %u: %s", path, frames.list.count,
			       pcap_geterr(capture));
	if (!frames.list.count)
		return sl_fail(diag, EINVAL, "%s holds no packets", path);
	*ret_frames = frames;
	return 0;
}
