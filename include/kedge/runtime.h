/* SPDX-License-Identifier: Apache-2.0 */
/* Port: what runs an instance. Drivers: "process" (a supervised child), "files" (data only, with
 * hooks) and "fake" (in memory, for tests).
 *
 * A unit is one content of one instance in the act of being run. Units outlive the program that
 * started them: `observe` of a later life finds them again and takes them over. Calls block, up to
 * the unit's own time-outs; different units may be handled by different threads at once, one unit
 * by one thread at a time. */
#pragma once

#include "err.h"
#include "types.h"

struct kedge_runtime_spec; /* state/workload.h */

#define KEDGE_RUNTIME_PORTS 16
#define KEDGE_RUNTIME_HOW   96
/* How the line begins that a driver writes into a log before each run: "== name version, started .." */
#define KEDGE_RUNTIME_HEADING "== "

/* A variable that is no one else's business. */
struct kedge_runtime_secret {
    const char *name;
    struct kedge_slice value; /* in guarded memory, without a NUL */
};

/* What to run and where; all paths absolute, everything borrowed for the call. Whatever runs for a
 * unit, its hooks and probes too, gets its secrets. */
struct kedge_runtime_unit {
    const char *instance, *version;
    const struct kedge_runtime_spec *spec;
    const char *folder; /* the unpacked package: working directory and HOME */
    const char *config; /* config.json of the instance */
    /* What stands in for `config` where that refers to secrets: it is never on a disk. Empty: it does
     * not. */
    struct kedge_slice private_config;
    const struct kedge_runtime_secret *secrets;
    uint32_t secret_count;
    const char *models; /* models.json of the device */
    const char *log;    /* its stdout and stderr are appended here, behind a heading */
    const char *record; /* the driver's own note that the unit runs; gone when it does not */
};

struct kedge_runtime_status {
    bool running;
    bool stale;  /* running, but its folder was replaced since it was started */
    int64_t pid; /* 0: it has no process */
    uint16_t ports[KEDGE_RUNTIME_PORTS]; /* one for each port of the spec */
    uint32_t port_count;
    char how[KEDGE_RUNTIME_HOW]; /* not running: "exited with status 1"; empty when not known */
};

struct kedge_runtime;

struct kedge_runtime_ops {
    const char *name; /* as in the manifests: "process", ... */
    int (*open)(struct kedge_runtime **out, struct kedge_err *err);
    void (*close)(struct kedge_runtime *self);
    /* Could this unit be started here? No side effect. After it has passed, `start` fails only for
     * a run-time reason. KEDGE_UNSUPPORTED, KEDGE_INVALID, KEDGE_NOTFOUND (no such program). */
    int (*check)(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                 struct kedge_err *err);
    /* Runs the beforeStart hook, then the unit; KEDGE_EXISTS when it runs already. A unit is either
     * recorded and running, or not there at all, wherever this program is killed. */
    int (*start)(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                 struct kedge_runtime_status *out, struct kedge_err *err);
    /* What it does now, never waiting. Takes over a unit that an earlier life started. */
    int (*observe)(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                   struct kedge_runtime_status *out, struct kedge_err *err);
    /* A descriptor that is readable once the unit has ended, the caller's to close; -1 for a unit
     * that never ends by itself, or is not running. */
    int (*watch)(struct kedge_runtime *self, const struct kedge_runtime_unit *unit);
    /* Ends it gracefully, by force after the spec's stopTimeout, then runs the afterStop hook. With
     * nothing running: 0, and no hook. */
    int (*stop)(struct kedge_runtime *self, const struct kedge_runtime_unit *unit,
                struct kedge_err *err);
};

/* Embedded first by every driver. */
struct kedge_runtime {
    const struct kedge_runtime_ops *ops;
};

/* By name; KEDGE_UNSUPPORTED names the drivers there are. */
int kedge_runtime_open(const char *name, struct kedge_runtime **out,
                       struct kedge_err *err) KEDGE_MUST_CHECK;
void kedge_runtime_close(struct kedge_runtime *runtime);
/* Names of the drivers a device has, NULL at the end; `fake` is not among them. */
const char *const *kedge_runtime_names(void);
