/* SPDX-License-Identifier: Apache-2.0 */
/* Data only: a unit "runs" from the beforeStart hook to the afterStop hook. */
#include "drivers.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "child.h"
#include "mark.h"

static int files_open(struct kedge_runtime **out, struct kedge_err *err)
{
    (void)err;
    struct kedge_runtime *files = kedge_alloc_zeroed(sizeof *files);
    files->ops = &kedge_runtime_files_ops;
    *out = files;
    return 0;
}

static void files_close(struct kedge_runtime *self)
{
    free(self);
}

static int files_check(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                       struct kedge_err *err)
{
    (void)self;
    const struct kedge_strings *commands[] = {
        &unit->spec->before_start.command,
        &unit->spec->after_stop.command,
        &unit->spec->probe.command,
    };
    kedge_auto(kedge_buf) struct kedge_buf program = {0};
    int code = 0;
    for (size_t i = 0; !code && i < KEDGE_COUNT(commands); i++)
        if (commands[i]->count)
            code = kedge_child_program(unit, commands[i], &program, err);
    return code;
}

static int run_hook(const struct kedge_runtime_unit *unit, const struct kedge_hook *hook,
                    const char *name, struct kedge_err *err)
{
    const struct kedge_runtime_status none = {0};
    if (hook->command.count && kedge_child_run(unit, &none, &hook->command, hook->timeout, err))
        return kedge_err_wrap(err, "%s", name);
    return 0;
}

static int files_start(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                       struct kedge_runtime_status *out, struct kedge_err *err)
{
    (void)self;
    struct kedge_mark mark = {0};
    struct stat st;
    if (kedge_mark_read(unit->record, &mark, NULL) == 0)
        return kedge_err_set(err, KEDGE_EXISTS, "'%s' is in use already", unit->instance);
    if (stat(unit->folder, &st) < 0)
        return kedge_err_sys(err, errno, "cannot stat '%s'", unit->folder);
    int code = run_hook(unit, &unit->spec->before_start, "beforeStart", err);
    if (code)
        return code;
    char text[KEDGE_MARK_TEXT];
    kedge_auto(kedge_buf) struct kedge_buf temporary = {0};
    kedge_buf_printf(&temporary, "%s.new", unit->record);
    mark = (struct kedge_mark){.device = st.st_dev, .inode = st.st_ino};
    int sys = -kedge_mark_write(unit->record, temporary.data, text, kedge_mark_format(&mark, text));
    if (sys)
        return kedge_err_sys(err, sys, "cannot write '%s'", unit->record);
    *out = (struct kedge_runtime_status){.running = true};
    return 0;
}

static int files_observe(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                         struct kedge_runtime_status *out, struct kedge_err *err)
{
    (void)self;
    (void)err;
    struct kedge_mark mark;
    struct stat st;
    *out =
        (struct kedge_runtime_status){.running = kedge_mark_read(unit->record, &mark, NULL) == 0};
    out->stale = out->running && (stat(unit->folder, &st) < 0 || st.st_dev != mark.device ||
                                  st.st_ino != mark.inode);
    return 0;
}

static int files_watch(struct kedge_runtime *self, const struct kedge_runtime_unit *unit)
{
    (void)self;
    (void)unit;
    return -1;
}

static int files_stop(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                      struct kedge_err *err)
{
    (void)self;
    if (unlink(unit->record) < 0)
        return errno == ENOENT ? 0 : kedge_err_sys(err, errno, "cannot remove '%s'", unit->record);
    return run_hook(unit, &unit->spec->after_stop, "afterStop", err);
}

const struct kedge_runtime_ops kedge_runtime_files_ops = {
    .name = "files",
    .open = files_open,
    .close = files_close,
    .check = files_check,
    .start = files_start,
    .observe = files_observe,
    .watch = files_watch,
    .stop = files_stop,
};
