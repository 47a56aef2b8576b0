/* SPDX-License-Identifier: GPL-2.0-only */
#include "daemon/keeper.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "compile.h"
#include "daemon/elements.h"
#include "daemon/lock.h"
#include "daemon/namespace_watch.h"
#include "daemon/tally.h"
#include "load/attach.h"
#include "load/dataplane.h"
#include "load/observe.h"
#include "load/pins.h"
#include "source/conntrack.h"
#include "source/watch.h"

/* Reading the rules while somebody writes them without a pause. */
#define PATIENCE_MS 2000
/* How long changes are collected before they are read: storms cost one compile each. */
#define SETTLE_MS 5
/* What no notice tells of is looked at this often. */
#define TICK_MS 500
/* Element expiries count from the last quiet moment; behind a longer gap only a dump is exact. */
#define STALL_NS 1000000000ULL
/* The whole conntrack table is walked for helpers at most this often. */
#define HELPER_CHECK_NS 10000000000ULL

struct sl_keeper {
	char device[IF_NAMESIZE];
	u32 ifindex;
	u64 net_cookie;
	enum sl_wanted_mode wanted;
	bool replaces; /* another XDP program may be taken off, once */
	enum sl_attach_mode mode;

	struct sl_observer *observer;
	struct sl_watch *watch;
	struct sl_namespace_watch namespace_watch;
	int lock_fd, link_fd, info_fd;

	struct sl_compiled *compiled; /* of `dataplane` */
	struct sl_dataplane *dataplane;
	struct sl_tally tally;
	struct sl_info info;

	bool has_helpers; /* some connection may have one; true until looked for */
	u64 helpers_checked_ns;
	bool wants_compile; /* something changed that only a recompile can follow */
	bool removed;       /* somebody took the attachment away */
	u64 ticked_ns;
	u64 quiet_ns; /* when no event was waiting, last */
};

static u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

enum sl_attach_mode sl_keeper_mode(const struct sl_keeper *keeper)
{
	return keeper->mode;
}

u64 sl_keeper_net_cookie(const struct sl_keeper *keeper)
{
	return keeper->net_cookie;
}

/* Pins and what they say */

static void write_info(struct sl_keeper *keeper)
{
	u32 zero = 0;

	keeper->info.abi_version = SL_ABI_VERSION;
	keeper->info.mode = keeper->mode;
	keeper->info.ifindex = keeper->ifindex;
	keeper->info.watcher_pid = (u32)getpid();
	snprintf(keeper->info.device, sizeof keeper->info.device, "%s", keeper->device);
	memcpy(keeper->info.carried, keeper->tally.fates, sizeof keeper->info.carried);
	if (keeper->info_fd >= 0)
		bpf_map_update_elem(keeper->info_fd, &zero, &keeper->info, BPF_ANY);
}

static int create_info(struct sl_keeper *keeper, struct sl_diag *diag)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);

	keeper->info_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sluice_info", sizeof(u32),
					 sizeof(struct sl_info), 1, &opts);
	if (keeper->info_fd < 0)
		return sl_fail(diag, errno, "cannot create a map: %s", strerror(errno));
	keeper->info.attached_at = (u64)time(NULL);
	return 0;
}

/* The maps of this generation; the link was pinned when it was made. */
static int pin_generation(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_dataplane_maps maps = sl_dataplane_maps(keeper->dataplane);
	SL_CLEANUP(sl_close) int rules = sl_tally_map(&keeper->tally);
	const struct {
		const char *name;
		int fd;
	} pins[] = {
		{"live", maps.live},   {"fates", maps.fates},
		{"local", maps.local}, {"rule_counters", maps.rule_counters},
		{"rules", rules},      {"info", keeper->info_fd},
	};
	int error =
		rules < 0 ? sl_fail(diag, -rules, "a map of counters: %s", strerror(-rules)) : 0;

	for (size_t i = 0; i < SL_ARRAY_SIZE(pins) && !error; i++)
		error = sl_pins_put(keeper->net_cookie, keeper->device, pins[i].name, pins[i].fd,
				    diag);
	return error;
}

/* Generations */

/* Whether a packet of no connection may be RELATED all the same. */
static bool related_is_possible(struct sl_keeper *keeper)
{
	const struct sl_program *program = keeper->compiled->program;

	/* Rules assign helpers: connections of theirs will outlive them. */
	if (program->miss_worlds & SL_WORLD_RELATED) {
		keeper->has_helpers = true;
		return true;
	}
	if (keeper->has_helpers && now_ns() - keeper->helpers_checked_ns > HELPER_CHECK_NS) {
		keeper->has_helpers = sl_conntrack_has_helpers();
		keeper->helpers_checked_ns = now_ns();
	}
	return keeper->has_helpers || sl_conntrack_expects();
}

/* Vouches for the data plane if the kernel's state is still the one that was compiled. */
static void publish(struct sl_keeper *keeper)
{
	struct sl_snapshot now;

	if (sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL)) {
		keeper->wants_compile = true;
		return;
	}
	/* The next transaction is there already: its notice is on the way, and may be followed. */
	if (now.generation != keeper->compiled->snapshot.generation)
		return;
	if (!sl_snapshots_equal(&now, &keeper->compiled->snapshot)) {
		keeper->wants_compile = true;
		return;
	}
	sl_dataplane_publish(keeper->dataplane, &now, related_is_possible(keeper));
	keeper->info.published_ns = now_ns();
	keeper->info.withdrawn_ns = 0;
	write_info(keeper);
}

/* Where a rule is decided, for the summary in `status`. */
static void count_rules(struct sl_keeper *keeper)
{
	const struct sl_program *meaning = keeper->compiled->meaning;

	keeper->info.rules = 0;
	for (u32 i = 0; i < meaning->chains.count; i++)
		keeper->info.rules += meaning->chains.items[i]->rules.count;
}

/* Makes `compiled` and `dataplane` the present generation; both are taken over. */
static int adopt(struct sl_keeper *keeper, struct sl_compiled *compiled,
		 struct sl_dataplane *dataplane, struct sl_diag *diag)
{
	struct sl_dataplane_maps maps = {0};
	struct sl_tally tally;
	int error;

	if (keeper->dataplane)
		maps = sl_dataplane_maps(keeper->dataplane);
	error = sl_tally_carry(compiled, keeper->dataplane ? &keeper->tally : NULL, &maps, &tally);
	if (error) {
		sl_compiled_free(compiled);
		sl_dataplane_free(dataplane);
		return sl_fail(diag, -error, "counters cannot be carried over: %s",
			       strerror(-error));
	}
	sl_tally_free(&keeper->tally);
	sl_dataplane_free(keeper->dataplane);
	sl_compiled_free(keeper->compiled);
	keeper->tally = tally;
	keeper->dataplane = dataplane;
	keeper->compiled = compiled;
	keeper->wants_compile = false;
	keeper->info.generations++;
	count_rules(keeper);
	error = pin_generation(keeper, diag);
	write_info(keeper);
	sl_dataplane_begin(dataplane);
	if (!error)
		publish(keeper);
	return error;
}

/*
 * A flood must not starve the keeper, or the packets that pass for want of it would feed the flood;
 * but a compile takes long enough to cost packets itself, and gets no more than its share.
 */
static void be_urgent(bool urgent)
{
	setpriority(PRIO_PROCESS, 0, urgent ? -20 : 0);
}

static int compile(struct sl_keeper *keeper, struct sl_compiled **ret_compiled,
		   struct sl_diag *diag)
{
	return sl_compile_live(keeper->observer, keeper->device, sl_attach_program(keeper->link_fd),
			       PATIENCE_MS, ret_compiled, diag);
}

static enum sl_hook_point point_of(enum sl_attach_mode mode)
{
	return mode == SL_MODE_TC ? SL_POINT_TC : SL_POINT_XDP;
}

/* Compiles anew and swaps. The old generation stays in place if anything fails; it is stale. */
static int refresh(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_compiled *compiled;
	struct sl_dataplane *dataplane;
	int error = compile(keeper, &compiled, diag);

	if (error)
		return error;
	error = sl_compiled_load(compiled, point_of(keeper->mode), &dataplane, diag);
	if (error) {
		sl_compiled_free(compiled);
		return error;
	}
	error = sl_attach_swap(keeper->link_fd, sl_dataplane_program_fd(dataplane));
	if (error) {
		sl_dataplane_free(dataplane);
		sl_compiled_free(compiled);
		return sl_fail(diag, -error, "cannot replace the program on %s: %s", keeper->device,
			       strerror(-error));
	}
	return adopt(keeper, compiled, dataplane, diag);
}

/* Attaching */

/* With --replace, somebody else's program goes, but only now that ours is loaded and ready. */
static int attach_or_replace(struct sl_keeper *keeper, const struct sl_link *link,
			     enum sl_attach_mode mode, int program_fd, struct sl_diag *diag)
{
	int error = sl_attach(link->ifindex, keeper->device, link->mtu, mode, program_fd,
			      &keeper->link_fd, diag);

	if (error != -EBUSY || !keeper->replaces)
		return error;
	sl_attach_remove_foreign(link->ifindex);
	return sl_attach(link->ifindex, keeper->device, link->mtu, mode, program_fd,
			 &keeper->link_fd, diag);
}

/* One rung: load for the mode, link, pin the link. */
static int try_mode(struct sl_keeper *keeper, struct sl_compiled *compiled,
		    const struct sl_link *link, enum sl_attach_mode mode,
		    struct sl_dataplane **ret_dataplane, struct sl_diag *diag)
{
	struct sl_dataplane *dataplane;
	int error = sl_compiled_load(compiled, point_of(mode), &dataplane, diag);

	if (error)
		return error;
	error = attach_or_replace(keeper, link, mode, sl_dataplane_program_fd(dataplane), diag);
	if (!error)
		error = sl_pins_put(keeper->net_cookie, keeper->device, "link", keeper->link_fd,
				    diag);
	if (error) {
		sl_close(&keeper->link_fd);
		sl_dataplane_free(dataplane);
		return error;
	}
	if (mode == SL_MODE_TC)
		compiled->snapshot.tc_programs++;
	keeper->mode = mode;
	*ret_dataplane = dataplane;
	return 0;
}

static int climb(struct sl_keeper *keeper, struct sl_compiled *compiled,
		 struct sl_dataplane **ret_dataplane, char *ret_ladder, struct sl_diag *diag)
{
	enum sl_attach_mode modes[4];
	struct sl_ladder ladder = {
		.compiled = compiled,
		.link = sl_host_find_link(compiled->host, keeper->device),
		.wanted = keeper->wanted,
	};
	int error = -EOPNOTSUPP;

	sl_ladder_plan(&ladder, modes);
	/* Beside somebody's program only when asked for: it sees packets first, and sluice fewer.
	 */
	for (u32 i = 0; modes[i] != SL_MODE_NONE && error && error != -EBUSY; i++) {
		struct sl_diag why = {0};

		error = try_mode(keeper, compiled, ladder.link, modes[i], ret_dataplane, &why);
		sl_ladder_note(&ladder, sl_mode_name(modes[i]), "%s%s",
			       error ? "refused: " : "attached", error ? why.text : "");
	}
	if (ret_ladder)
		memcpy(ret_ladder, ladder.text, SL_LADDER_TEXT);
	if (error)
		return sl_fail(diag, -error, "%s takes no program:\n%s", keeper->device,
			       ladder.text);
	return 0;
}

/* What a keeper that died left: its link, if it is alive. */
static bool find_orphan(struct sl_keeper *keeper)
{
	struct sl_info info;
	u32 zero = 0;
	int link_fd = sl_pins_get(keeper->net_cookie, keeper->device, "link");
	SL_CLEANUP(sl_close)
	int info_fd = sl_pins_get(keeper->net_cookie, keeper->device, "info");

	if (link_fd >= 0 && info_fd >= 0 && sl_attach_ifindex(link_fd) == keeper->ifindex &&
	    !bpf_map_lookup_elem(info_fd, &zero, &info) && info.abi_version == SL_ABI_VERSION) {
		keeper->link_fd = link_fd;
		keeper->mode = (enum sl_attach_mode)info.mode;
		return true;
	}
	sl_close(&link_fd);
	sl_pins_remove(keeper->net_cookie, keeper->device);
	return false;
}

static bool mode_fits(enum sl_attach_mode mode, enum sl_wanted_mode wanted)
{
	switch (wanted) {
	case SL_WANT_AUTO:
		return mode != SL_MODE_GENERIC;
	case SL_WANT_NATIVE:
		return mode == SL_MODE_NATIVE;
	case SL_WANT_TC:
		return mode == SL_MODE_TC;
	case SL_WANT_GENERIC:
		return mode == SL_MODE_GENERIC;
	case SL_WANT_OFFLOAD:
		break;
	}
	return false;
}

/* Takes an orphan over, or climbs the ladder with a fresh link. */
static int begin(struct sl_keeper *keeper, char *ret_ladder, struct sl_diag *diag)
{
	struct sl_compiled *compiled;
	struct sl_dataplane *dataplane;
	int error;

	if (find_orphan(keeper) && mode_fits(keeper->mode, keeper->wanted)) {
		if (ret_ladder)
			snprintf(ret_ladder, SL_LADDER_TEXT, "%s: taken over from before",
				 sl_mode_name(keeper->mode));
		return refresh(keeper, diag);
	}
	if (keeper->link_fd >= 0) {
		sl_close(&keeper->link_fd);
		sl_pins_remove(keeper->net_cookie, keeper->device);
		keeper->mode = SL_MODE_NONE;
	}
	error = compile(keeper, &compiled, diag);
	if (error)
		return error;
	error = sl_pins_make_directory(keeper->net_cookie, keeper->device, diag);
	if (!error)
		error = climb(keeper, compiled, &dataplane, ret_ladder, diag);
	if (error) {
		sl_compiled_free(compiled);
		sl_pins_remove(keeper->net_cookie, keeper->device);
		return error;
	}
	error = adopt(keeper, compiled, dataplane, diag);
	if (error) /* nothing half-attached */
		sl_pins_remove(keeper->net_cookie, keeper->device);
	return error;
}

static int open_keeper(struct sl_keeper *keeper, const char *device, struct sl_diag *diag)
{
	struct sl_snapshot snapshot;
	int error = sl_pins_init(diag);

	keeper->lock_fd = keeper->link_fd = keeper->info_fd = -1;
	keeper->ifindex = if_nametoindex(device);
	if (!error && !keeper->ifindex)
		error = sl_fail(diag, ENODEV, "no device %s in this network namespace", device);
	if (!error)
		error = sl_observer_open(&keeper->observer, diag);
	if (!error)
		error = sl_observer_look(keeper->observer, keeper->ifindex, &snapshot, diag);
	if (error)
		return error;
	snprintf(keeper->device, sizeof keeper->device, "%s", device);
	keeper->net_cookie = snapshot.net_cookie;
	error = sl_lock_take(keeper->net_cookie, device, &keeper->lock_fd, diag);
	if (!error)
		error = create_info(keeper, diag);
	/* Before the rules are read, so that no change falls between. */
	if (!error)
		error = sl_watch_open(&keeper->watch, diag);
	return error;
}

int sl_keeper_attach(const char *device, enum sl_wanted_mode wanted, bool replaces,
		     struct sl_keeper **ret_keeper, char ret_ladder[SL_LADDER_TEXT],
		     struct sl_diag *diag)
{
	struct sl_keeper *keeper = calloc(1, sizeof *keeper);
	int error;

	if (!keeper)
		return sl_fail_memory(diag);
	keeper->wanted = wanted;
	keeper->replaces = replaces;
	keeper->has_helpers = true;
	error = open_keeper(keeper, device, diag);
	if (!error)
		error = begin(keeper, ret_ladder, diag);
	keeper->replaces = false;
	if (error) {
		sl_keeper_free(keeper);
		return error;
	}
	*ret_keeper = keeper;
	return 0;
}

void sl_keeper_free(struct sl_keeper *keeper)
{
	if (!keeper)
		return;
	sl_watch_close(keeper->watch);
	sl_dataplane_free(keeper->dataplane);
	sl_compiled_free(keeper->compiled);
	sl_tally_free(&keeper->tally);
	sl_observer_free(keeper->observer);
	sl_close(&keeper->link_fd);
	sl_close(&keeper->info_fd);
	sl_close(&keeper->lock_fd);
	free(keeper);
}

/* Keeping in step */

/* Elements alone: maps change while nothing is dropped, then it is published anew. */
static void follow_elements(struct sl_keeper *keeper, const struct sl_rules_event *event)
{
	sl_dataplane_withdraw(keeper->dataplane);
	if (now_ns() - keeper->quiet_ns > STALL_NS ||
	    !sl_elements_apply(keeper->compiled->program, keeper->dataplane, event)) {
		keeper->wants_compile = true;
		return;
	}
	keeper->compiled->snapshot.generation = event->generation;
}

static void follow_rules(struct sl_keeper *keeper, const struct sl_rules_event *event)
{
	s32 newer = (s32)(event->generation - keeper->compiled->snapshot.generation);

	if (newer <= 0) /* the last dump has it already */
		return;
	if (event->elements_only && !event->needs_dump && newer == 1 && !keeper->wants_compile)
		follow_elements(keeper, event);
	else
		keeper->wants_compile = true;
}

static void follow_link(struct sl_keeper *keeper)
{
	char name[IF_NAMESIZE];

	keeper->wants_compile = true;
	if (sl_attach_ifindex(keeper->link_fd) == keeper->ifindex &&
	    if_indextoname(keeper->ifindex, name) && strcmp(name, keeper->device) != 0) {
		if (!sl_pins_rename(keeper->net_cookie, keeper->device, name))
			snprintf(keeper->device, sizeof keeper->device, "%s", name);
		sl_lock_rename(keeper->net_cookie, keeper->info.device, keeper->device);
	}
}

static void follow(struct sl_keeper *keeper, const struct sl_event *event)
{
	switch (event->kind) {
	case SL_EVENT_RULES:
		follow_rules(keeper, &event->rules);
		return;
	case SL_EVENT_LINK:
		follow_link(keeper);
		return;
	case SL_EVENT_EXPECTATION:
		sl_dataplane_set_related(keeper->dataplane, true);
		return;
	case SL_EVENT_ROUTE: /* the FIB itself is asked for every packet */
		return;
	case SL_EVENT_ADDRESS:
	case SL_EVENT_NETCONF:
	case SL_EVENT_TC:
	case SL_EVENT_OVERRUN:
		keeper->wants_compile = true;
		return;
	}
}

/* Takes in all that waits; true if anything did. */
static bool drain(struct sl_keeper *keeper, struct sl_diag *diag)
{
	struct sl_event event;
	bool any = false;
	int more;

	while ((more = sl_watch_next(keeper->watch, keeper->compiled->rules, &event, diag)) > 0) {
		any = true;
		if (!keeper->info.withdrawn_ns)
			keeper->info.withdrawn_ns = now_ns();
		follow(keeper, &event);
	}
	if (more < 0)
		keeper->wants_compile = true;
	keeper->quiet_ns = now_ns();
	return any;
}

static bool pins_are_there(const struct sl_keeper *keeper)
{
	char path[SL_PIN_PATH_MAX];

	sl_pins_path(path, keeper->net_cookie, keeper->device, "link");
	return !access(path, F_OK);
}

/* Gone, or in another namespace, or another one that got its index. */
static bool device_is_here(const struct sl_keeper *keeper)
{
	struct sl_snapshot now;

	return keeper->link_fd >= 0 && sl_attach_ifindex(keeper->link_fd) == keeper->ifindex &&
	       !sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL) &&
	       now.device_address == keeper->compiled->snapshot.device_address;
}

/* What is left then is what `status` and `detach` go by. */
static void let_go(struct sl_keeper *keeper)
{
	if (keeper->link_fd < 0)
		return;
	bpf_link_detach(keeper->link_fd);
	sl_close(&keeper->link_fd);
	sl_pins_drop(keeper->net_cookie, keeper->device, "link");
	keeper->info.withdrawn_ns = now_ns();
	write_info(keeper);
}

/* The device went, perhaps to come back under the same name. True when attached again. */
static bool reattach(struct sl_keeper *keeper, struct sl_diag *diag)
{
	u32 ifindex = if_nametoindex(keeper->device);

	let_go(keeper);
	if (!ifindex)
		return false;
	keeper->ifindex = ifindex;
	keeper->mode = SL_MODE_NONE;
	if (!begin(keeper, NULL, diag))
		return true;
	if (!sl_pins_make_directory(keeper->net_cookie, keeper->device, diag))
		sl_pins_put(keeper->net_cookie, keeper->device, "info", keeper->info_fd, diag);
	return false;
}

/* Hooks, tcx programs and devices above come without a notice; the data plane sees them. */
static void look_around(struct sl_keeper *keeper)
{
	struct sl_snapshot now;

	/* A notice that should have come did not. */
	if (keeper->info.withdrawn_ns && now_ns() - keeper->info.withdrawn_ns > STALL_NS)
		keeper->wants_compile = true;
	if (keeper->info.withdrawn_ns ||
	    sl_observer_look(keeper->observer, keeper->ifindex, &now, NULL) ||
	    sl_snapshots_equal(&now, &keeper->compiled->snapshot))
		return;
	keeper->info.withdrawn_ns = now_ns();
	keeper->wants_compile = true;
}

/* What no event tells of. */
static void tick(struct sl_keeper *keeper)
{
	if (keeper->link_fd >= 0 && !pins_are_there(keeper))
		keeper->removed = true;
	if (sl_namespace_watch_is_left(&keeper->namespace_watch))
		keeper->removed = true;
	sl_dataplane_set_related(keeper->dataplane, related_is_possible(keeper));
	look_around(keeper);
}

static void catch_up(struct sl_keeper *keeper)
{
	struct sl_diag diag = {0};

	if (!device_is_here(keeper) && !reattach(keeper, &diag))
		return;
	be_urgent(!keeper->wants_compile);
	if (keeper->wants_compile && refresh(keeper, &diag))
		fprintf(stderr, "sluice: %s: %s\n", keeper->device, diag.text);
	else if (!keeper->wants_compile && keeper->info.withdrawn_ns)
		publish(keeper);
	be_urgent(true);
}

static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

int sl_keeper_start(struct sl_keeper *keeper, struct sl_diag *diag)
{
	int error = sl_lock_sign(keeper->lock_fd);

	if (error)
		return sl_fail(diag, -error, "cannot write the lock of %s: %s", keeper->device,
			       strerror(-error));
	sl_namespace_watch_init(&keeper->namespace_watch);
	write_info(keeper);
	return 0;
}

int sl_keeper_run(struct sl_keeper *keeper, struct sl_diag *diag)
{
	SL_CLEANUP(sl_close) int signals = open_signals();

	if (signals < 0)
		return sl_fail(diag, errno, "cannot wait for signals: %s", strerror(errno));
	keeper->quiet_ns = now_ns();
	while (!keeper->removed) {
		struct pollfd fds[] = {
			{.fd = sl_watch_fd(keeper->watch), .events = POLLIN},
			{.fd = signals, .events = POLLIN},
		};
		int ready = poll(fds, 2, TICK_MS);

		if (ready < 0 && errno != EINTR)
			return sl_fail(diag, errno, "cannot wait for events: %s", strerror(errno));
		if (fds[1].revents)
			break;
		if (drain(keeper, diag) && keeper->wants_compile) {
			poll(NULL, 0, SETTLE_MS);
			drain(keeper, diag);
		}
		catch_up(keeper); /* first, so that it is fresh again soon */
		if (now_ns() - keeper->ticked_ns < TICK_MS * 1000000ULL)
			continue;
		keeper->ticked_ns = now_ns();
		tick(keeper);
		if (!keeper->removed)
			catch_up(keeper);
	}
	if (keeper->removed) /* by hand, or with its namespace */
		sl_pins_remove(keeper->net_cookie, keeper->device);
	sl_lock_remove(keeper->net_cookie, keeper->device);
	return 0;
}

/* Removing */

int sl_keeper_pid(u64 net_cookie, const char *device)
{
	return (int)sl_lock_holder(net_cookie, device);
}

static bool is_gone(u64 net_cookie, const char *device, pid_t pid)
{
	for (int i = 0; i < 200; i++) {
		if (sl_lock_holder(net_cookie, device) != pid)
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

static void end_keeper(u64 net_cookie, const char *device, pid_t pid)
{
	if (pid <= 0 || kill(pid, SIGTERM) || is_gone(net_cookie, device, pid))
		return;
	kill(pid, SIGKILL); /* stopped, or hanging; it keeps nothing that is not pinned */
	is_gone(net_cookie, device, pid);
}

int sl_keeper_detach(u64 net_cookie, const char *device, struct sl_diag *diag)
{
	pid_t pid = sl_lock_holder(net_cookie, device);
	int error;

	/* First the keeper, or it would take the link's end for a device to attach to again. */
	end_keeper(net_cookie, device, pid);

	SL_CLEANUP(sl_close) int link_fd = sl_pins_get(net_cookie, device, "link");

	if (link_fd >= 0)
		bpf_link_detach(link_fd); /* whoever else holds it */
	error = sl_pins_remove(net_cookie, device);
	sl_lock_remove(net_cookie, device);
	if (error == -ENOENT && pid <= 0)
		return sl_fail(diag, ENOENT, "sluice is not attached to %s", device);
	return error == -ENOENT ? 0 : error;
}
