/* Parcels: made by one thread, taken by another. */
#include "agent/parcel/parcel.h"

#include <stdlib.h>
#include <string.h>

struct parcel *parcel_make(enum parcel_kind kind, int64_t t_ms)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel));

    if (parcel) {
        parcel->kind = kind;
        parcel->t_ms = t_ms;
    }
    return parcel;
}

void parcel_free(void *item)
{
    struct parcel *parcel = item;

    if (!parcel) {
        return;
    }
    for (size_t i = 0; parcel->readings && i < parcel->count; i++) {
        char *text;

        memcpy(&text, &parcel->readings[i].reading.text, sizeof(text));
        free(text);
    }
    free(parcel->readings);
    free(parcel->body);
    free(parcel->command);
    free(parcel->have);
    free(parcel);
}

size_t parcel_bytes(const struct parcel *parcel)
{
    return sizeof(*parcel) + parcel->count * sizeof(struct outgoing) +
           (parcel->body ? strlen(parcel->body) : 0);
}
