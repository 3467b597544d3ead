/* Segments of short messages, after 3GPP TS 23.038 and 23.040. */
#include "models/service/sms.h"

#include <stdint.h>
#include <string.h>

#define DOTS "..."

const char *const sms_coding_names[] = {"gsm7", "ucs2", NULL};

/* The letters of the default alphabet beyond ASCII, and those of ASCII that it lacks or that take two places. */
static const uint16_t beyond[] = {0xa3, 0xa5, 0xe8, 0xe9, 0xf9, 0xec, 0xf2, 0xc7, 0xd8, 0xf8, 0xc5, 0xe5, 0x394, 0x3a6,
                                  0x393, 0x39b, 0x3a9, 0x3a0, 0x3a8, 0x3a3, 0x398, 0x39e, 0xc6, 0xe6, 0xdf, 0xc9, 0xa4,
                                  0xa1, 0xc4, 0xd6, 0xd1, 0xdc, 0xa7, 0xbf, 0xe4, 0xf6, 0xf1, 0xfc, 0xe0};

/* Units of a letter in GSM-7; 0: it has none. */
static int gsm_units(uint32_t letter)
{
    if (letter < 0x80) {
        return letter == '`' || (letter < ' ' && letter != '\n' && letter != '\r') || letter == 0x7f ? 0
               : strchr("^{}\\[~]|", (int)letter) && letter                                           ? 2
                                                                                                      : 1;
    }
    for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++) {
        if (beyond[i] == letter) {
            return 1;
        }
    }
    return letter == 0x20ac ? 2 : 0; /* the euro sign */
}

/* The letter at *at, which moves on; what is no UTF-8 counts a letter a byte. */
static uint32_t next_letter(const char **at)
{
    const unsigned char *bytes = (const unsigned char *)*at;
    int more = bytes[0] >= 0xf0 ? 3 : bytes[0] >= 0xe0 ? 2 : bytes[0] >= 0xc0 ? 1 : 0;
    uint32_t letter = more ? bytes[0] & (0x3fU >> more) : bytes[0];

    for (int i = 1; i <= more; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            *at += 1;
            return 0xfffd;
        }
        letter = letter << 6 | (bytes[i] & 0x3f);
    }
    *at += more + 1;
    return letter;
}

static enum sms_coding coding_of(const char *words)
{
    while (*words) {
        if (!gsm_units(next_letter(&words))) {
            return SMS_UCS2;
        }
    }
    return SMS_GSM7;
}

struct sms_size sms_measure(const char *words)
{
    struct sms_size size = {.coding = coding_of(words)};
    int alone = size.coding == SMS_GSM7 ? 160 : 70, part = size.coding == SMS_GSM7 ? 153 : 67, used = 0;

    for (const char *at = words; *at;) {
        uint32_t letter = next_letter(&at);
        int units = size.coding == SMS_GSM7 ? gsm_units(letter) : letter > 0xffff ? 2 : 1;

        size.units += units;
        size.segments += used == 0 || used + units > part;
        used = size.segments > 0 && used + units <= part ? used + units : units;
    }
    size.segments = size.units == 0 ? 0 : size.units <= alone ? 1 : size.segments;
    return size;
}

/* words[0..length), dots when it was cut, the tail. */
static void put(const char *words, size_t length, bool cut, const char *tail, struct text *to)
{
    text_clear(to);
    text_add_bytes(to, words, length);
    text_add(to, cut ? DOTS : "");
    if (tail && tail[0]) {
        text_add(to, length || cut ? " " : "");
        text_add(to, tail);
    }
}

void sms_fit(const char *words, const char *tail, int segments, struct text *to)
{
    size_t length = strlen(words), most = (size_t)segments * 160 * 4;

    if (tail && (strlen(tail) + 1 >= to->room || sms_measure(tail).segments > segments)) {
        tail = NULL;
    }
    put(words, length, false, tail, to);
    if (!to->cut && sms_measure(to->at).segments <= segments) {
        return;
    }
    length = length < most ? length : most;
    do {
        while (length > 0 && ((unsigned char)words[length] & 0xc0) == 0x80) {
            length--;
        }
        put(words, length, true, tail, to);
    } while ((to->cut || sms_measure(to->at).segments > segments) && length-- > 0);
}

bool sms_number(const char *words, struct text *to)
{
    int digits = 0;

    text_clear(to);
    for (; words && *words; words++) {
        if (*words >= '0' && *words <= '9') {
            text_add_bytes(to, words, 1);
            digits++;
        } else if (*words == '+' && !to->length) {
            text_add(to, "+");
        } else if (!strchr(" -().\t/", *words)) {
            return false;
        }
    }
    return digits >= 5 && digits <= 18 && !to->cut;
}
