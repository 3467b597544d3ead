/* What a plan says about files of customers, papers of equipment, and what customers are told of upkeep by season. */
#include "models/service/plan_int.h"

#define SEASONS_MOST 32

static void read_season(struct plan_reader *reader, struct yaml_node *list, const char *id, struct plan_season *season)
{
    struct complaints *complaints = reader->complaints;
    struct yaml_node *map = yaml_map(complaints, plan_leaf(reader, list, id, NULL), "a map {windows, as, climates, classes}");
    const struct plan_window *windows = map ? plan_windows(reader, yaml_need(complaints, map, "windows"), &season->count) : NULL;

    season->id = plan_keep(reader, id);
    season->as = plan_keep(reader, yaml_id(complaints, map ? yaml_find(map, "as") : NULL, "what it is told as"));
    season->as = season->as ? season->as : season->id;
    season->windows = windows;
    season->climates = plan_texts(reader, map ? yaml_find(map, "climates") : NULL, "a list of climates");
    season->classes = plan_texts(reader, map ? yaml_find(map, "classes") : NULL, "a list of component classes");
    yaml_no_more(complaints, map);
}

static void read_seasons(struct plan_reader *reader, struct yaml_node *map, struct plan_files *files)
{
    struct plan_season *seasons;

    map = yaml_map(reader->complaints, map, "a map of seasons");
    if (!map) {
        return;
    }
    if (map->count > SEASONS_MOST) {
        complain(reader->complaints, map, "expected at most %d seasons, found %zu", SEASONS_MOST, map->count);
        return;
    }
    seasons = arena_array(reader->arena, map->count + 1, sizeof(*seasons));
    files->seasons = seasons;
    for (struct yaml_node *node = seasons ? map->first : NULL; node; node = node->next) {
        seasons[files->season_count] = (struct plan_season){.count = 0};
        read_season(reader, map, node->key, &seasons[files->season_count++]);
    }
}

void plan_read_files(struct plan_reader *reader, struct yaml_node *items)
{
    static const char *const missing[] = {"report", "gate", NULL};
    struct yaml_node *map = items ? yaml_find(items, "files") : NULL;
    struct complaints *complaints = reader->complaints;
    struct plan_files *files = &reader->plan->files;

    *files = (struct plan_files){.analysis = {0, DURATION_MO}, .repeat = 3, .change = 0.25, .documents = plan_no_texts,
                                 .documents_origin = {.ids = plan_no_texts}};
    map = yaml_map(complaints, map, "a map {analysis, repeat, change, documents, missing, knowledge}");
    if (!map) {
        return;
    }
    files->analysis = yaml_duration(complaints, plan_leaf(reader, map, "analysis", NULL), "a period", files->analysis);
    files->repeat = (int)yaml_int(complaints, plan_leaf(reader, map, "repeat", NULL), "a number of times", 2, 1000, 3);
    files->change = yaml_number(complaints, plan_leaf(reader, map, "change", NULL), "a share", 0.01, 10, 0.25);
    files->documents = plan_texts(reader, plan_leaf(reader, map, "documents", &files->documents_origin),
                                  "a list of kinds of documents");
    files->gate = yaml_choice(complaints, plan_leaf(reader, map, "missing", NULL), "what is done", missing, 0) == 1;
    read_seasons(reader, yaml_find(map, "knowledge"), files);
    plan_others(reader, map);
}
