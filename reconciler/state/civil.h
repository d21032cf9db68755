/* SPDX-License-Identifier: Apache-2.0 */
/* Days and dates of the proleptic Gregorian calendar, without a time zone. */
#pragma once

#include "kedge/types.h"

struct kedge_civil {
    int64_t year;
    int month, day; /* from 1 */
};

/* Days since 1970-01-01. */
int64_t kedge_civil_days(int64_t year, int month, int day);
struct kedge_civil kedge_civil_date(int64_t days);
int kedge_civil_month_length(int64_t year, int month);
bool kedge_civil_is_leap(int64_t year);
/* 0 for Sunday. */
int kedge_civil_weekday(int64_t days);
