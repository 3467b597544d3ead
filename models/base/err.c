/* Words for outcomes. */
#include "models/base/err.h"

#include <stddef.h>

const char *err_text(enum err err)
{
    static const char *const words[] = {
#define ERR_WORDS(name, text) text,
        ERR_LIST(ERR_WORDS)
#undef ERR_WORDS
    };
    size_t index = (size_t)err;

    return index < sizeof(words) / sizeof(words[0]) ? words[index] : "unknown outcome";
}
