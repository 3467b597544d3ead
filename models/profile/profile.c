/* Finding things in a profile. */
#include "models/profile/profile.h"

#include <string.h>

int profile_point(const struct profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->point_count; i++) {
        if (strcmp(profile->points[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int profile_role(const struct profile *profile, const char *role)
{
    for (size_t i = 0; i < profile->point_count; i++) {
        if (profile->points[i].role && strcmp(profile->points[i].role, role) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int profile_derived(const struct profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->derived_count; i++) {
        if (strcmp(profile->derived[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int profile_fault(const struct profile *profile, const char *id)
{
    for (size_t i = 0; i < profile->fault_count; i++) {
        if (strcmp(profile->faults[i].id, id) == 0) {
            return (int)i;
        }
    }
    return -1;
}
