/* The grammar of RFC 8259, a function a rule; at is left behind what was read. */
#include "models/base/json_check.h"

#include <stdbool.h>
#include <string.h>

struct check {
    const char *at, *end;
    int depth, depth_most;
    const char *wrong; /* the first sentence */
};

static bool fail(struct check *check, const char *wrong)
{
    check->wrong = check->wrong ? check->wrong : wrong;
    return false;
}

/* The next character, or NUL at the end (a NUL itself is no JSON anywhere). */
static char peek(const struct check *check)
{
    return check->at < check->end ? *check->at : '\0';
}

static bool eat(struct check *check, char c)
{
    if (peek(check) != c) {
        return false;
    }
    check->at++;
    return true;
}

static void skip_blanks(struct check *check)
{
    while (peek(check) == ' ' || peek(check) == '\t' || peek(check) == '\n' || peek(check) == '\r') {
        check->at++;
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool skip_digits(struct check *check)
{
    const char *from = check->at;

    while (is_digit(peek(check))) {
        check->at++;
    }
    return check->at > from;
}

static bool check_number(struct check *check)
{
    bool good;

    (void)eat(check, '-');
    good = eat(check, '0') || skip_digits(check);
    if (good && eat(check, '.')) {
        good = skip_digits(check);
    }
    if (good && (eat(check, 'e') || eat(check, 'E'))) {
        (void)(eat(check, '+') || eat(check, '-'));
        good = skip_digits(check);
    }
    return good || fail(check, "expected a JSON value");
}

/* Four hex digits; -1 when they are none. */
static int read_hex(struct check *check)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    int number = 0;

    for (int i = 0; i < 4; i++) {
        const char *found = peek(check) ? strchr(digits, peek(check)) : NULL;

        if (!found) {
            return -1;
        }
        number = number * 16 + (int)((found - digits) % 16);
        check->at++;
    }
    return number;
}

static bool check_escape(struct check *check)
{
    int unit;

    if (!eat(check, 'u')) {
        bool good = peek(check) && strchr("\"\\/bfnrt", peek(check));

        check->at += good;
        return good || fail(check, "expected an escape of JSON behind '\\'");
    }
    unit = read_hex(check);
    if (unit == 0) {
        return fail(check, "expected text without NUL");
    }
    if (unit >= 0xd800 && unit <= 0xdbff) { /* the first half of a pair */
        unit = eat(check, '\\') && eat(check, 'u') ? read_hex(check) : -1;
        return (unit >= 0xdc00 && unit <= 0xdfff) || fail(check, "expected a whole pair of \\u");
    }
    return (unit > 0 && !(unit >= 0xdc00 && unit <= 0xdfff)) ||
           fail(check, "expected four hex digits behind '\\u'");
}

static bool check_text(struct check *check)
{
    if (!eat(check, '"')) {
        return fail(check, "expected a text in quotes");
    }
    while (check->at < check->end && (unsigned char)*check->at >= 0x20) {
        if (eat(check, '"')) {
            return true;
        }
        if (eat(check, '\\')) {
            if (!check_escape(check)) {
                return false;
            }
        } else {
            check->at++;
        }
    }
    return fail(check, "expected the end of a text");
}

static bool check_value(struct check *check);

/* The items of a list or an object up to its closing bracket. */
static bool check_items(struct check *check, bool object, char close)
{
    skip_blanks(check);
    if (eat(check, close)) {
        return true;
    }
    do {
        skip_blanks(check);
        if (object) {
            if (!check_text(check)) {
                return false;
            }
            skip_blanks(check);
            if (!eat(check, ':')) {
                return fail(check, "expected ':' behind a key");
            }
        }
        if (!check_value(check)) {
            return false;
        }
    } while (eat(check, ','));
    return eat(check, close) || fail(check, object ? "expected ',' or '}'" : "expected ',' or ']'");
}

static bool check_word(struct check *check, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(check->end - check->at) < length || memcmp(check->at, word, length) != 0) {
        return fail(check, "expected a JSON value");
    }
    check->at += length;
    return true;
}

static bool check_value(struct check *check)
{
    bool good;

    skip_blanks(check);
    switch (peek(check)) {
    case '{':
    case '[':
        if (check->depth == check->depth_most) {
            return fail(check, "nested too deeply");
        }
        check->depth++;
        good = *check->at++ == '{' ? check_items(check, true, '}') : check_items(check, false, ']');
        check->depth--;
        break;
    case '"':
        good = check_text(check);
        break;
    case 't':
        good = check_word(check, "true");
        break;
    case 'f':
        good = check_word(check, "false");
        break;
    case 'n':
        good = check_word(check, "null");
        break;
    default:
        good = check_number(check);
        break;
    }
    skip_blanks(check);
    return good;
}

const char *json_check(const char *bytes, size_t size, int depth_most)
{
    struct check check = {.at = bytes, .end = bytes + size, .depth_most = depth_most};

    if (!check_value(&check)) {
        return check.wrong;
    }
    return check.at == check.end ? NULL : "expected one JSON value";
}
