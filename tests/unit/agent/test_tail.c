/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/tail.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/fs.h"
#include "lib/tempdir.h"

struct device {
    struct kedge_tempdir tmp;
    struct kedge_key *key;
    struct kedge_age_identity *identity;
    struct kedge_slots *slots;
};

static struct device make(void)
{
    struct device device = {.tmp = kedge_tempdir_make()};
    struct kedge_err err;
    cr_assert_eq(kedge_key_init(&err), 0);
    device.key = kedge_key_from_seed((uint8_t[32]){1});
    cr_assert_eq(kedge_age_identity_of(device.key, &device.identity, &err), 0);
    cr_assert_eq(kedge_slots_open(device.tmp.path, &device.slots, &err), 0, "%s", err.msg);
    return device;
}

static void end(struct device *device)
{
    kedge_slots_close(device->slots);
    kedge_age_identity_free(device->identity);
    kedge_key_free(device->key);
    kedge_tempdir_auto(&device->tmp);
}

/* Stages an instance `m` with this secret. */
static void stage(const struct device *device, const char *secret)
{
    const struct kedge_age_recipient recipient = kedge_age_identity_recipient(device->identity);
    kedge_auto(kedge_buf) struct kedge_buf sealed = {0};
    struct kedge_err err;
    cr_assert_eq(kedge_age_seal(&recipient, 1, secret, strlen(secret), &sealed, &err), 0);
    const struct kedge_secret row = {"T", sealed.data, 1};
    struct kedge_assignment assignment = {.instance = "m",
                                          .deployment = "d",
                                          .version = "1.0.0",
                                          .runtime.driver = KEDGE_DRIVER_PROCESS,
                                          .secrets = &row,
                                          .secret_count = 1};
    kedge_assignment_seal(&assignment);
    cr_assert_eq(kedge_slots_make(device->slots, &assignment, &err), 0, "%s", err.msg);
    cr_assert_eq(kedge_slots_place(device->slots, &assignment, &err), 0, "%s", err.msg);
}

static void write_log(const struct device *device, const struct kedge_buf *text)
{
    struct kedge_err err;
    cr_assert_eq(kedge_fs_write(device->tmp.fd, "logs/m.log", text->data, text->size, 0640, &err),
                 0);
}

static void expect_tail(const struct device *device, const char *wanted)
{
    kedge_auto(kedge_buf) struct kedge_buf tail = {0};
    kedge_tail_read(device->slots, device->identity, "m", &tail);
    cr_expect_str_eq(tail.data ? tail.data : "", wanted);
}

Test(tail, last_lines_of_the_newest_run_without_secrets)
{
    struct device device = make();
    kedge_auto(kedge_buf) struct kedge_buf log = {0};
    expect_tail(&device, "");
    stage(&device, "hunter2");
    kedge_buf_puts(&log, "== m 1.0.0, started\nolder\n== m 1.0.0, started\none\ntoken hunter2\n\n");
    write_log(&device, &log);
    expect_tail(&device, "one | token ***");
    stage(&device, "swordfish");
    kedge_buf_puts(&log, "and swordfish\nshort of hunt");
    write_log(&device, &log);
    expect_tail(&device, "one | token *** |  | and *** | short of ***");
    end(&device);
}

Test(tail, a_secret_is_not_cut_at_the_start)
{
    struct device device = make();
    kedge_auto(kedge_buf) struct kedge_buf log = {0}, tail = {0};
    stage(&device, "0123456789abcdef0123456789abcdef");
    for (int i = 0; i < 2000; i++)
        kedge_buf_puts(&log, "0123456789abcdef0123456789abcdef");
    kedge_buf_puts(&log, "end");
    write_log(&device, &log);
    kedge_tail_read(device.slots, device.identity, "m", &tail);
    cr_assert_gt(tail.size, 500);
    cr_expect_eq(strspn(tail.data, "*"), tail.size - 3, "%s", tail.data);
    end(&device);
}

Test(tail, nothing_is_shown_where_secrets_cannot_be_told)
{
    struct device device = make();
    kedge_auto(kedge_buf) struct kedge_buf log = {0}, tail = {0};
    stage(&device, "hunter2");
    kedge_buf_puts(&log, "token hunter2\n");
    write_log(&device, &log);
    kedge_tail_read(device.slots, NULL, "m", &tail);
    cr_expect_eq(tail.size, 0);
    end(&device);
}
