/*
 * What a short message costs and how much of a text fits. A message of GSM-7 letters carries 160 of them, one of any other
 * letters 70 UTF-16 units; a longer text goes as segments of 153 or 67, and a letter that takes two places is never torn
 * apart. One letter outside of GSM-7 makes the whole text UCS-2. Pure.
 */
#pragma once

#include <stdbool.h>

#include "models/base/text.h"

#define SMS_SEGMENTS_MOST 10 /* more than that no gateway puts together again */
#define SMS_NUMBER_ROOM   24

enum sms_coding { SMS_GSM7, SMS_UCS2 };
extern const char *const sms_coding_names[]; /* gsm7 ucs2 */

struct sms_size {
    enum sms_coding coding;
    int units, segments; /* segments 0: the text is empty */
};

struct sms_size sms_measure(const char *words);
/* words, and behind them tail (a link; may be NULL), within `segments`: words are cut at a whole letter and end with
 * "...", the tail is whole, or left out when it does not fit by itself. */
void sms_fit(const char *words, const char *tail, int segments, struct text *to);
/* "+86 21 5550-1234" as +862155501234. false: no telephone number (5 to 18 digits, a + only in front, and nothing but
 * blanks and - ( ) . / between them). */
bool sms_number(const char *words, struct text *to);
