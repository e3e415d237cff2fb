/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Required affinity and anti-affinity between pods. A term names pods (by labels and namespaces)
 * and a topology (a node label); two nodes are the same domain when they have the same value of it.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
 */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "control/scheduler_intern.h"
#include "object/kinds.h"
#include "object/selector.h"
#include "json/json.h"

#define REQUIRED ".requiredDuringSchedulingIgnoredDuringExecution"
#define AFFINITY "spec.affinity.podAffinity" REQUIRED
#define ANTI_AFFINITY "spec.affinity.podAntiAffinity" REQUIRED

/* A term made ready to be asked about many pods. */
struct term {
	const json_t *tree;
	struct str space; /* of the pod whose term it is */
	const char *topology;
	struct selector *selector; /* NULL: matches no pod */
	struct selector *spaces; /* of namespaces by label; NULL: none */
};

static struct selector *compile(const json_t *message)
{
	struct buffer error _cleanup_buffer_ = BUFFER_INIT(LIMIT_ERROR_MESSAGE);
	struct selector *selector = NULL;

	if (message == NULL || selector_from_message(message, &error, &selector) != 0) {
		return NULL;
	}
	return selector;
}

static void term_init(struct term *term, const json_t *tree, struct object *of)
{
	*term = (struct term){
		.tree = tree,
		.space = of->space,
		.topology = json_string_at(tree, "topologyKey"),
		.selector = compile(json_object_get(tree, "labelSelector")),
		.spaces = compile(json_object_get(tree, "namespaceSelector")),
	};
}

static void term_deinit(struct term *term)
{
	selector_free(term->selector);
	selector_free(term->spaces);
}

static bool names_space(const struct places *places, const struct term *term, struct str space)
{
	const json_t *names = json_object_get(term->tree, "namespaces");
	const json_t *name;
	size_t i;

	if (term->spaces == NULL && json_array_size(names) == 0) {
		return str_eq(space, term->space);
	}
	json_array_foreach (names, i, name) {
		if (str_is(space, json_string_value(name))) {
			return true;
		}
	}
	struct object *object = cache_get(places->view->cache, &kind_namespace, STR_NONE, space);

	return term->spaces != NULL &&
	       selector_matches(term->spaces,
				object != NULL ? json_at(object_tree(object), "metadata.labels")
					       : NULL);
}

static bool term_names(const struct places *places, const struct term *term, struct object *pod)
{
	return term->selector != NULL && names_space(places, term, pod->space) &&
	       selector_matches(term->selector, json_at(object_tree(pod), "metadata.labels"));
}

static bool same_domain(const struct term *term, const struct place *a, const struct place *b)
{
	const char *value = object_label(a->node, term->topology);

	return value[0] != '\0' && strcmp(value, object_label(b->node, term->topology)) == 0;
}

/* A pod that the term names is in the domain of `place` (NULL: anywhere). */
static bool finds_pod(const struct places *places, const struct term *term,
		      const struct place *place)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct place *other = &places->items[i];

		if (place != NULL && !same_domain(term, place, other)) {
			continue;
		}
		for (size_t j = 0; j < other->pods.n; j++) {
			if (term_names(places, term, other->pods.items[j])) {
				return true;
			}
		}
	}
	return false;
}

/* The first pod of a group that wants to be together may go anywhere. */
static bool is_attracted(const struct places *places, const struct place *place, struct object *pod,
			 const json_t *tree)
{
	struct term term;
	bool fits;

	term_init(&term, tree, pod);
	fits = finds_pod(places, &term, place) ||
	       (object_label(place->node, term.topology)[0] != '\0' &&
		term_names(places, &term, pod) && !finds_pod(places, &term, NULL));
	term_deinit(&term);
	return fits;
}

static bool is_averse(const struct places *places, const struct place *place, struct object *pod,
		      const json_t *tree)
{
	struct term term;
	bool averse;

	term_init(&term, tree, pod);
	averse = finds_pod(places, &term, place);
	term_deinit(&term);
	return averse;
}

/* `other`, which runs at `there`, does not want `pod` in the domain of `place`. */
static bool is_unwanted(const struct places *places, const struct place *place, struct object *pod,
			const struct place *there, struct object *other)
{
	const json_t *tree;
	bool unwanted = false;
	size_t i;

	json_array_foreach (json_at(object_tree(other), ANTI_AFFINITY), i, tree) {
		struct term term;

		term_init(&term, tree, other);
		unwanted = unwanted ||
			   (same_domain(&term, place, there) && term_names(places, &term, pod));
		term_deinit(&term);
	}
	return unwanted;
}

static bool others_object(const struct places *places, const struct place *place,
			  struct object *pod)
{
	for (size_t i = 0; i < places->n_averse; i++) {
		const struct averse *averse = &places->averse[i];

		if (is_unwanted(places, place, pod, &places->items[averse->place], averse->pod)) {
			return true;
		}
	}
	return false;
}

void places_note(struct places *places, size_t i, struct object *pod)
{
	if (json_array_size(json_at(object_tree(pod), ANTI_AFFINITY)) == 0) {
		return;
	}
	if (places->n_averse == places->size_averse) {
		places->size_averse = places->size_averse != 0 ? places->size_averse * 2 : 16;
		places->averse =
			mem_resize(places->averse, places->size_averse * sizeof(*places->averse));
	}
	places->averse[places->n_averse++] = (struct averse){ .pod = pod, .place = i };
}

void places_refuse(const struct places *places, const struct place *place, struct object *pod,
		   struct buffer *reason)
{
	const json_t *tree;
	size_t i;

	json_array_foreach (json_at(object_tree(pod), AFFINITY), i, tree) {
		if (!is_attracted(places, place, pod, tree)) {
			buffer_append_text(reason, "node(s) didn't match pod affinity rules");
			return;
		}
	}
	json_array_foreach (json_at(object_tree(pod), ANTI_AFFINITY), i, tree) {
		if (is_averse(places, place, pod, tree)) {
			buffer_append_text(reason, "node(s) didn't match pod anti-affinity rules");
			return;
		}
	}
	if (others_object(places, place, pod)) {
		buffer_append_text(reason,
				   "node(s) didn't satisfy existing pods anti-affinity rules");
	}
}
