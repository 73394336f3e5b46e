/* SPDX-License-Identifier: PostgreSQL */
/*
 * Draws the timeline as SVG: four panels over one axis of time.  On top, the
 * transfers that were acknowledged, with a band wherever the server was down;
 * below, those that failed or were in doubt, the connections killed, and the
 * statements canceled or given a short deadline.  All are rates, a second.
 *
 * COLUMNS at most are drawn, each the mean of its slots, so that an hour is as
 * readable as a minute.  Only main.c calls this.
 */
#include <inttypes.h>
#include <stdio.h>

#include "ledger.h"

enum {
    WIDTH = 960,
    LEFT = 70,
    RIGHT = 20,
    TOP = 70,
    COLUMNS = 400,
    PANELS = 4,
    GAP = 34,
};

struct panel {
    const char *title;
    int height;
    enum series first, second; /* the second is drawn over it; S_MANY: none */
    const char *color, *second_color;
};

static const struct panel panels[PANELS] = {
    { "transfers committed per second", 190, S_COMMITTED, S_MANY, "#2c7fb8",
      "" },
    { "failed, and in doubt (darker), per second", 80, S_FAILED, S_DOUBT,
      "#fdae61", "#a63603" },
    { "connections killed per second", 60, S_KILLS, S_MANY, "#c51b8a", "" },
    { "statements canceled or hurried per second", 60, S_CANCELS, S_MANY,
      "#756bb1", "" },
};

static FILE *out;
static unsigned columns, slots_each; /* the last column may be shorter     */

static double x_of(double seconds)
{
    double whole = (double)columns * slots_each * SLOT_MS / 1000;

    return LEFT + (WIDTH - LEFT - RIGHT) * seconds / whole;
}

static double rate(enum series series, unsigned column)
{
    unsigned slot = column * slots_each, end = slot + slots_each;
    uint64_t sum = 0;
    unsigned n = 0;

    for (; slot < end && slot < timeline.slots; slot++, n++)
        sum += timeline.counts[series][slot];
    return n ? (double)sum * 1000 / SLOT_MS / n : 0;
}

/* 1, 2 or 5 with zeros: the smallest not below x. */
static double round_up(double x)
{
    static const double steps[] = { 1, 2, 5 };

    for (double ten = 1;; ten *= 10)
        for (int i = 0; i < 3; i++)
            if (steps[i] * ten >= x)
                return steps[i] * ten;
}

static double top_of(const struct panel *p)
{
    double max = 1;

    for (unsigned c = 0; c < columns; c++)
        if (rate(p->first, c) > max)
            max = rate(p->first, c);
    for (unsigned c = 0; p->second != S_MANY && c < columns; c++)
        if (rate(p->second, c) > max)
            max = rate(p->second, c);
    return round_up(max);
}

/* ---------------------------------------------------------------- drawing */

static void draw_text(double x, double y, const char *anchor, int size,
                      const char *text)
{
    fprintf(out,
            "<text x='%.1f' y='%.1f' text-anchor='%s' font-size='%d'>%s"
            "</text>\n",
            x, y, anchor, size, text);
}

static void draw_series(enum series series, const char *color, double bottom,
                        int height, double top)
{
    double each = (double)slots_each * SLOT_MS / 1000;

    fprintf(out, "<path fill='%s' d='M%.1f %.1f", color, x_of(0), bottom);
    for (unsigned c = 0; c < columns; c++)
        fprintf(out, "V%.1fH%.1f", bottom - height * rate(series, c) / top,
                x_of((c + 1) * each));
    fprintf(out, "V%.1fZ'/>\n", bottom);
}

static void draw_grid(double bottom, int height, double top)
{
    char text[32];

    for (int i = 0; i <= 2; i++) {
        double y = bottom - height * i / 2.0;

        fprintf(out,
                "<path stroke='#ccc' stroke-width='0.5' d='M%d %.1fH%d'/>\n",
                LEFT, y, WIDTH - RIGHT);
        snprintf(text, sizeof(text), "%g", top * i / 2);
        draw_text(LEFT - 6, y + 4, "end", 11, text);
    }
}

/* From the crash to the first transfer after it, behind everything. */
static void draw_marks(double from, double to)
{
    for (unsigned i = 0; i < timeline.nmarks; i++) {
        const struct mark_on *m = &timeline.marks[i];
        const char *color = m->kind == M_CRASH ? "#e41a1c" : "#238b45";
        double x = x_of((double)m->down / 1e6);
        double back = m->back ? x_of((double)m->back / 1e6) : WIDTH - RIGHT;

        fprintf(out,
                "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' "
                "fill='%s' opacity='0.15'/>\n"
                "<path stroke='%s' d='M%.1f %.1fV%.1f'/>\n",
                x, from, back > x ? back - x : 0.5, to - from, color, color, x,
                from, to);
    }
}

static void draw_seconds(double y)
{
    double whole = (double)columns * slots_each * SLOT_MS / 1000;
    double step = round_up(whole / 12);
    char text[32];

    for (double t = 0; t <= whole; t += step) {
        snprintf(text, sizeof(text), "%g s", t);
        draw_text(x_of(t), y, "middle", 11, text);
    }
}

static void draw_legend(void)
{
    static const char *const names[] = {
        "server crashed, until the first transfer after it",
        "fail-over to a standby, likewise",
    };
    static const char *const colors[] = { "#e41a1c", "#238b45" };
    int x = LEFT;

    for (int i = 0; i < (chaos.failovers ? 2 : 1); i++) {
        fprintf(out,
                "<rect x='%d' y='44' width='14' height='11' fill='%s' "
                "opacity='0.3'/>\n",
                x, colors[i]);
        draw_text(x + 20, 54, "start", 12, names[i]);
        x += 330;
    }
}

static void draw_title(const struct settings *s)
{
    char text[200];

    snprintf(text, sizeof(text),
             "The ledger: %d tasks, %d connections, seed %" PRIu64 "%s", TASKS,
             CONNECTIONS, s->seed,
             s->replica     ? ", two standbys"
             : s->pgbouncer ? ", through PgBouncer"
                            : "");
    draw_text(LEFT, 28, "start", 17, text);
    draw_legend();
}

static void draw_panels(void)
{
    double y = TOP;
    double bottom = TOP;

    for (int i = 0; i < PANELS; i++)
        bottom += panels[i].height + GAP;
    draw_marks(TOP + GAP - 14, bottom);
    for (int i = 0; i < PANELS; i++) {
        const struct panel *p = &panels[i];
        double top = top_of(p);

        y += p->height + GAP;
        draw_grid(y, p->height, top);
        draw_series(p->first, p->color, y, p->height, top);
        if (p->second != S_MANY)
            draw_series(p->second, p->second_color, y, p->height, top);
        draw_text(LEFT, y - p->height - 6, "start", 12, p->title);
    }
    draw_seconds(bottom + 18);
}

bool plot_write(const char *path, const struct settings *settings)
{
    int height = TOP + 30;

    out = fopen(path, "w");
    if (!out)
        return false;
    for (int i = 0; i < PANELS; i++)
        height += panels[i].height + GAP;
    slots_each = timeline.slots / COLUMNS + 1;
    columns = (timeline.slots + slots_each - 1) / slots_each;
    if (columns == 0)
        columns = 1;
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
            "viewBox='0 0 %d %d' font-family='sans-serif' fill='#222'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            WIDTH, height, WIDTH, height);
    draw_title(settings);
    draw_panels();
    fprintf(out, "</svg>\n");
    return fclose(out) == 0;
}
