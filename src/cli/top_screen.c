// SPDX-License-Identifier: GPL-2.0-only
#include "cli/top_screen.h"

#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Where lines with colours have them: the number of the pair is that of the style. */
static const short colours[SL_TOP_STYLES] = {
	[SL_TOP_PLAIN] = -1,
	[SL_TOP_TITLE] = -1,
	[SL_TOP_HEADING] = COLOR_CYAN,
	[SL_TOP_SELECTED] = -1,
	[SL_TOP_WARNING] = COLOR_RED,
	[SL_TOP_EARLY] = COLOR_GREEN,
	[SL_TOP_PASSED] = COLOR_YELLOW,
};

static const attr_t attributes[SL_TOP_STYLES] = {
	[SL_TOP_PLAIN] = A_NORMAL,  [SL_TOP_TITLE] = A_REVERSE, [SL_TOP_HEADING] = A_BOLD,
	[SL_TOP_SELECTED] = A_BOLD, [SL_TOP_WARNING] = A_BOLD,  [SL_TOP_EARLY] = A_NORMAL,
	[SL_TOP_PASSED] = A_NORMAL,
};

static SCREEN *screen;
static bool has_colours;

static int refuse(struct sl_diag *diag, const char *what)
{
	const char *name = getenv("TERM");

	return sl_fail(
		diag, ENOTTY,
		"%s (TERM is \"%s\"): `sluice top --once` prints the same as plain text, and "
		"`--batch N` so many times",
		what, name ? name : "");
}

/* Some terminals can only write line below line. */
static bool can_move_cursor(void)
{
	const char *moves = tigetstr("cup");

	return moves && moves != (char *)-1;
}

static void begin_colours(void)
{
	start_color();
	use_default_colors();
	for (int style = 1; style < SL_TOP_STYLES; style++)
		init_pair((short)style, colours[style], -1);
}

int sl_top_screen_open(bool with_colours, struct sl_diag *diag)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return refuse(diag, "standard input and output are not a terminal");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return refuse(diag, "the terminal is not known");
	if (!can_move_cursor()) {
		sl_top_screen_close();
		return refuse(diag, "the terminal cannot move its cursor");
	}
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50); /* ms: an arrow key comes as several bytes */
	has_colours = with_colours && has_colors();
	if (has_colours)
		begin_colours();
	return 0;
}

void sl_top_screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

void sl_top_screen_size(u32 *ret_rows, u32 *ret_columns)
{
	int rows, columns;

	getmaxyx(stdscr, rows, columns);
	*ret_rows = rows > 0 ? (u32)rows : 1;
	*ret_columns = columns > 0 ? (u32)columns : 1;
}

static void draw_line(int row, const struct sl_top_line *line)
{
	attr_t look = attributes[line->style];

	if (has_colours)
		look |= (attr_t)COLOR_PAIR(line->style);
	attrset(look);
	if (line->style == SL_TOP_TITLE)
		mvhline(row, 0, ' ' | look, COLS);
	mvaddstr(row, 0, line->text);
	attrset(A_NORMAL);
}

/* What has not changed is not sent: over a slow line that is most. */
void sl_top_screen_draw(const struct sl_top_frame *frame)
{
	erase();
	for (u32 i = 0; i < frame->lines.count && (int)i < LINES; i++)
		draw_line((int)i, &frame->lines.items[i]);
	refresh();
}

enum sl_top_key sl_top_screen_key(void)
{
	switch (getch()) {
	case ERR:
		return SL_TOP_KEY_NONE;
	case 'q':
	case 'Q':
		return SL_TOP_KEY_QUIT;
	case '\t':
	case KEY_DOWN:
	case KEY_RIGHT:
		return SL_TOP_KEY_NEXT;
	case KEY_BTAB:
	case KEY_UP:
	case KEY_LEFT:
		return SL_TOP_KEY_PREVIOUS;
	case 's':
		return SL_TOP_KEY_SORT;
	case 'p':
	case ' ':
		return SL_TOP_KEY_PAUSE;
	case '?':
	case 'h':
		return SL_TOP_KEY_HELP;
	default:
		return SL_TOP_KEY_OTHER;
	}
}
