/* Points and registers of a profile, from YAML. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "models/base/text.h"
#include "models/profile/profile_int.h"

static bool is_integer(enum register_type type)
{
    return type != REGISTER_FLOAT32 && type != REGISTER_FLOAT64 && type != REGISTER_STRING;
}

static unsigned width_bits(const struct register_spec *spec)
{
    return register_is_bit(spec) ? 1 : 16U * register_width(spec);
}

static uint64_t all_bits(const struct register_spec *spec)
{
    unsigned bits = width_bits(spec);

    return bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

static void check_register(struct profile_reader *reader, struct yaml_node *map,
                           const struct register_spec *spec)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *type = yaml_find(map, "type"), *mask = yaml_find(map, "mask");
    struct yaml_node *shift = yaml_find(map, "shift"), *address = yaml_find(map, "address");

    if (type && register_is_bit(spec) && spec->type != REGISTER_BOOL) {
        complain(complaints, type, "expected bool for a %s, found '%s'",
                 register_table_names[spec->table], type->text);
    }
    if (mask && is_integer(spec->type) && !(spec->mask & all_bits(spec))) {
        complain(complaints, mask, "expected a mask with bits among the %u of the value, found '%.40s'",
                 width_bits(spec), mask->text);
    }
    if (shift && is_integer(spec->type) && spec->shift >= width_bits(spec)) {
        complain(complaints, shift, "expected a shift from 0 to %u, found '%.40s'",
                 width_bits(spec) - 1, shift->text);
    }
    if (mask && !is_integer(spec->type)) {
        complain(complaints, mask, "expected a mask only for whole numbers, found it for %s",
                 register_type_names[spec->type]);
    }
    if (shift && !is_integer(spec->type)) {
        complain(complaints, shift, "expected a shift only for whole numbers, found it for %s",
                 register_type_names[spec->type]);
    }
    if (address && spec->address + register_width(spec) > 65536) {
        complain(complaints, address, "expected the value to end at register 65535, found '%s'",
                 address->text);
    }
}

/* Up to 64 bits: the uppermost one makes a whole number of ours negative. */
static uint64_t read_mask(struct complaints *complaints, struct yaml_node *node)
{
    const char *words = node->text;
    uint64_t mask = 0;
    size_t digits = 0;

    if (node->kind == YAML_SCALAR && !node->quoted && words[0] == '0' &&
        (words[1] == 'x' || words[1] == 'X')) {
        digits = strspn(words + 2, "0123456789abcdefABCDEF");
    }
    if (digits == 0 || digits > 16 || words[2 + digits] != '\0') {
        return (uint64_t)yaml_int(complaints, node, "a mask", 1, INT64_MAX, INT64_MAX);
    }
    for (size_t i = 2; i < 2 + digits; i++) {
        unsigned char c = (unsigned char)words[i];

        mask = mask << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (mask == 0) {
        complain(complaints, node, "expected a mask with at least one bit, found '%.40s'", words);
    }
    return mask;
}

void profile_register(struct profile_reader *reader, struct yaml_node *map,
                      struct register_spec *spec)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *length;

    *spec = (struct register_spec){.scale = 1, .mask = UINT64_MAX, .length = 1};
    spec->order = reader->order;
    map = yaml_map(complaints, map, "a register {table, address, type}");
    if (!map) {
        return;
    }
    spec->table = (enum register_table)yaml_choice(complaints, yaml_need(complaints, map, "table"),
                                                   "a table", register_table_names, 0);
    spec->address = (uint16_t)yaml_int(complaints, yaml_need(complaints, map, "address"),
                                       "an address", 0, 65535, 0);
    spec->type = (enum register_type)yaml_choice(complaints, yaml_need(complaints, map, "type"),
                                                 "a type", register_type_names, 0);
    spec->order = (enum register_order)yaml_choice(complaints, yaml_find(map, "word_order"),
                                                   "a word order", register_order_names,
                                                   (int)reader->order);
    spec->scale = yaml_number(complaints, yaml_find(map, "scale"), "a scale", -1e12, 1e12, 1);
    if (!(fabs(spec->scale) > 0)) {
        complain(complaints, yaml_find(map, "scale"), "expected a scale other than 0, found '0'");
        spec->scale = 1;
    }
    spec->offset = yaml_number(complaints, yaml_find(map, "offset"), "an offset", -1e12, 1e12, 0);
    if (yaml_find(map, "mask")) {
        spec->mask = read_mask(complaints, yaml_find(map, "mask"));
    }
    spec->shift = (uint8_t)yaml_int(complaints, yaml_find(map, "shift"), "a shift", 0, 63, 0);
    length = yaml_find(map, "length");
    spec->length = (uint16_t)yaml_int(complaints, length, "a length in registers", 1,
                                      REGISTER_STRING_MOST, 1);
    check_register(reader, map, spec);
    yaml_no_more(complaints, map);
}

static void read_invalid(struct profile_reader *reader, struct yaml_node *node, struct point *point)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, "a list of raw values");
    int64_t *values = profile_array(reader, list, sizeof(*values), 64, &point->invalid_count);
    size_t i = 0;

    for (node = list ? list->first : NULL; node && i < point->invalid_count; node = node->next) {
        values[i++] = yaml_int(reader->complaints, node, "a raw value", INT64_MIN, INT64_MAX, 0);
    }
    point->invalid = values;
}

/* [least, most] */
static bool read_pair(struct profile_reader *reader, struct yaml_node *node, const char *what,
                      double *ret_least, double *ret_most)
{
    struct yaml_node *list = yaml_list(reader->complaints, node, what);

    if (!list) {
        return false;
    }
    if (list->count != 2) {
        complain(reader->complaints, list, "expected %s, found %zu values", what, list->count);
        return false;
    }
    *ret_least = yaml_number(reader->complaints, list->first, "a number", -1e15, 1e15, 0);
    *ret_most = yaml_number(reader->complaints, list->first->next, "a number", -1e15, 1e15, 0);
    if (*ret_least > *ret_most) {
        complain(reader->complaints, list, "expected %s with least before most, found [%g, %g]",
                 what, *ret_least, *ret_most);
        return false;
    }
    return true;
}

static void read_names(struct profile_reader *reader, struct yaml_node *node, struct point *point)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a map of values to names");
    struct point_enum *names = profile_array(reader, map, sizeof(*names), 256, &point->name_count);
    size_t i = 0;

    for (node = map ? map->first : NULL; node && i < point->name_count; node = node->next) {
        node->asked = true;
        if (text_to_int(node->key, strlen(node->key), &names[i].value)) {
            complain_key(reader->complaints, node, "expected a whole number, found '%.40s'",
                         node->key);
        }
        names[i].name = profile_words(
            reader, yaml_text(reader->complaints, node, "the name of a value", ""));
        i++;
    }
    point->names = names;
}

static void read_write(struct profile_reader *reader, struct yaml_node *node, struct point *point)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a map {range, budget, rate}");

    if (!map) {
        return;
    }
    if (point->reg.table != REGISTER_HOLDING && point->reg.table != REGISTER_COIL) {
        complain(reader->complaints, map, "expected a holding register or a coil, found %s",
                 register_table_names[point->reg.table]);
    }
    if (point->reg.type == REGISTER_STRING) {
        complain(reader->complaints, map, "expected a number to write, found a string");
    }
    point->may_write = true;
    /* left out: what the point itself may show, else what its register holds */
    point->write_least = point->has_range ? point->least : -DBL_MAX;
    point->write_most = point->has_range ? point->most : DBL_MAX;
    read_pair(reader, yaml_find(map, "range"), "a range [least, most]", &point->write_least,
              &point->write_most);
    point->write_budget =
        yaml_int(reader->complaints, yaml_find(map, "budget"), "a budget", 1, 1000000000, 0);
    point->write_rate_ms =
        yaml_duration_ms(reader->complaints, yaml_find(map, "rate"), "a rate", 0);
    yaml_no_more(reader->complaints, map);
}

/* {by: 20, in: 10s}: more is not possible in that time. */
static void read_step(struct profile_reader *reader, struct yaml_node *node, struct point *point)
{
    struct yaml_node *map = yaml_map(reader->complaints, node, "a map {by, in}");
    struct yaml_node *in;

    if (!map) {
        return;
    }
    point->step = yaml_number(reader->complaints, yaml_need(reader->complaints, map, "by"), "a number", 0,
                              1e15, 0);
    in = yaml_need(reader->complaints, map, "in");
    point->step_ms = yaml_duration_ms(reader->complaints, in, "a time", 1000);
    if (point->step_ms < 1) {
        complain(reader->complaints, in, "expected a time of at least 1ms, found '%.40s'", in->text);
        point->step_ms = 1;
    }
    yaml_no_more(reader->complaints, map);
}

static void read_times(struct profile_reader *reader, struct yaml_node *map, struct point *point)
{
    struct yaml_node *every = yaml_find(map, "every");

    point->every_ms = yaml_duration_ms(reader->complaints, every, "a period", reader->every_ms);
    if (point->every_ms < 50) {
        complain(reader->complaints, every ? every : map, "expected a period of at least 50ms, found '%s'",
                 every ? every->text : "");
        point->every_ms = 50;
    }
    point->heartbeat_ms = yaml_duration_ms(reader->complaints, yaml_find(map, "heartbeat"),
                                           "a heartbeat", reader->heartbeat_ms);
    if (point->heartbeat_ms == 0) { /* interfaces.md 8, Reporting */
        point->heartbeat_ms = 10 * point->every_ms > 600000 ? 10 * point->every_ms : 600000;
    }
}

static void read_point(struct profile_reader *reader, struct yaml_node *map, struct point *point)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *name;

    point->name = point->unit = "";
    point->reg.scale = 1;
    map = yaml_map(complaints, map, "a point {name, register}");
    if (!map) {
        return;
    }
    name = yaml_need(complaints, map, "name");
    point->name = profile_words(reader, yaml_id(complaints, name, "a name"));
    if (!point->name) {
        point->name = "";
    } else if (profile_point(reader->profile, point->name) >= 0) {
        complain(complaints, name, "expected a name of its own, found '%s' again", point->name);
    }
    point->title = profile_words2(reader, yaml_find(map, "title"));
    point->unit = profile_words(reader, yaml_text(complaints, yaml_find(map, "unit"), "a unit", ""));
    point->role =
        profile_words(reader, yaml_text(complaints, yaml_find(map, "role"), "a role", NULL));
    profile_register(reader, yaml_need(complaints, map, "register"), &point->reg);
    read_invalid(reader, yaml_find(map, "invalid"), point);
    point->has_range = read_pair(reader, yaml_find(map, "range"), "a range [least, most]",
                                 &point->least, &point->most);
    read_step(reader, yaml_find(map, "step"), point);
    read_names(reader, yaml_find(map, "enum"), point);
    read_times(reader, map, point);
    point->deadband =
        yaml_number(complaints, yaml_find(map, "deadband"), "a deadband", 0, 1e12, 0);
    read_write(reader, yaml_find(map, "write"), point);
    yaml_no_more(complaints, map);
}

void profile_points_read(struct profile_reader *reader, struct yaml_node *list)
{
    size_t count;
    struct point *points;

    list = yaml_list(reader->complaints, list, "a list of points");
    if (list && list->count == 0) {
        complain(reader->complaints, list, "expected at least one point, found none");
    }
    points = profile_array(reader, list, sizeof(*points), PROFILE_POINTS_MOST, &count);
    reader->profile->points = points;
    for (struct yaml_node *node = list ? list->first : NULL;
         node && reader->profile->point_count < count; node = node->next) {
        struct point point = {0};

        read_point(reader, node, &point);
        points[reader->profile->point_count++] = point;
    }
}
