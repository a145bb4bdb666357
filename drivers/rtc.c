/*
 * The MC146818A real-time clock of the PC (Motorola's data sheet), read once to get the time; from
 * then on the timer counts.
 *
 * Its registers are behind an index port. They change once a second, while a bit reports the
 * update; a reading is valid when two in a row are equal. Numbers are binary or two decimal digits,
 * hours are 24 or 12 with a bit for the afternoon, and the century is in the usual register of PCs
 * (0x32), if its value is valid.
 *
 * Limits: times from 1970 to 2105. A clock that is never stable, or has no valid date, gives 0.
 */
#include <arch/x86/io.h>
#include <drivers/rtc.h>
#include <lib/string.h>

#define RTC_INDEX 0x70 /* bit 7 would turn off NMIs */
#define RTC_DATA  0x71

enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY, FIELDS };
static const u8 registers[FIELDS] = {0x00, 0x02, 0x04, 0x07, 0x08, 0x09, 0x32};

#define STATUS_A          0x0a
#define STATUS_A_UPDATING 0x80
#define STATUS_B          0x0b
#define STATUS_B_24_HOURS 0x02
#define STATUS_B_BINARY   0x04
#define HOUR_PM           0x80

#define TRIES 20000 /* an update takes 2 ms, a port access about 1 us */

static u8 rtc_register(u8 index)
{
    outb(RTC_INDEX, index);
    return inb(RTC_DATA);
}

static void read_fields(u8 *fields)
{
    for (u32 i = 0; i < FIELDS; i++)
        fields[i] = rtc_register(registers[i]);
}

/* False when the clock is not stable. */
static bool read_stable(u8 *fields)
{
    u8 again[FIELDS];

    for (u32 i = 0; i < TRIES; i++) {
        if (rtc_register(STATUS_A) & STATUS_A_UPDATING)
            continue;
        read_fields(fields);
        read_fields(again);
        if (memcmp(fields, again, FIELDS) == 0)
            return true;
    }
    return false;
}

static void decode(u8 *fields, u8 status)
{
    bool pm = !(status & STATUS_B_24_HOURS) && (fields[HOUR] & HOUR_PM);

    if (!(status & STATUS_B_24_HOURS))
        fields[HOUR] &= ~HOUR_PM;
    for (u32 i = 0; !(status & STATUS_B_BINARY) && i < FIELDS; i++)
        fields[i] = (fields[i] >> 4) * 10 + (fields[i] & 0xf);
    if (!(status & STATUS_B_24_HOURS))
        fields[HOUR] = fields[HOUR] % 12 + (pm ? 12 : 0);
}

/* Days from 1970-01-01; months count from March, so that the odd day of a leap year is the last. */
static u32 days_since_1970(u32 year, u32 month, u32 day)
{
    if (month < 3) {
        year--;
        month += 12;
    }
    return year * 365 + year / 4 - year / 100 + year / 400 + (153 * (month - 3) + 2) / 5 + day -
           719469;
}

u32 rtc_read(void)
{
    u8 f[FIELDS];
    u32 year;

    if (!read_stable(f))
        return 0;
    decode(f, rtc_register(STATUS_B));
    year = f[YEAR] + (f[CENTURY] >= 19 && f[CENTURY] <= 21 ? f[CENTURY] * 100 : 2000);
    if (f[SECOND] > 59 || f[MINUTE] > 59 || f[HOUR] > 23 || f[DAY] < 1 || f[DAY] > 31 ||
        f[MONTH] < 1 || f[MONTH] > 12 || f[YEAR] > 99 || year < 1970 || year > 2105)
        return 0;
    return ((days_since_1970(year, f[MONTH], f[DAY]) * 24 + f[HOUR]) * 60 + f[MINUTE]) * 60 +
           f[SECOND];
}
