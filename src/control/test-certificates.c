/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for nodes, their tokens, and their pod networks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/mem.h"
#include "control/test-world.h"
#include "http/pki.h"
#include "object/kinds.h"
#include "json/json.h"

#define CLIENT "kubernetes.io/kube-apiserver-client-kubelet"
#define SERVING "kubernetes.io/kubelet-serving"

static struct pki_pair ca;

static int make_ca(void **state)
{
	char directory[] = "/tmp/headlessd-test-XXXXXX";
	char path[64];

	assert_non_null(mkdtemp(directory));
	assert_int_equal(pki_ca(directory, "ca", "test-ca", &ca), 0);
	snprintf(path, sizeof(path), "%s/ca.key", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/ca.crt", directory);
	unlink(path);
	return rmdir(directory);
}

static int setup(void **state)
{
	int result = world_setup(state);
	struct world *world = *state;

	world->settings.ca_certificate = ca.certificate;
	world->settings.ca_key = ca.key;
	world->settings.pod_cidrs[0] = "10.244.0.0/23";
	return result;
}

static int drop_ca(void **state)
{
	pki_pair_deinit(&ca);
	return 0;
}

struct asked {
	const char *signer;
	const char *purpose;
	const char *user;
	const char *group;
	const char *common_name;
	const char *organization;
	const char *name; /* a DNS name; NULL: none */
	const char *conditions;
};

static void put(struct world *world, const struct asked *asked)
{
	const char *names[] = { asked->name, NULL };
	struct pki_request request = { .common_name = asked->common_name,
				       .organization = asked->organization,
				       .dns_names = names };
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(16 * 1024);
	_cleanup_free_ char *csr = NULL;
	_cleanup_free_ char *key = NULL;

	assert_int_equal(pki_csr_new(&request, &csr, &key), 0);
	base64_encode(str_from(csr), &text);
	world_put(world, &kind_certificate_signing_request,
		  "{'metadata':{'name':'a'},'spec':{'request':'%s','signerName':'%s','username':"
		  "'%s','groups':['%s','system:authenticated'],'usages':['digital signature','%s']}"
		  ",'status':{'conditions':[%s]}}",
		  buffer_text(&text), asked->signer, asked->user, asked->group, asked->purpose,
		  asked->conditions != NULL ? asked->conditions : "");
	world_reconcile(world, &controller_certificates, "a");
}

static const struct asked newcomer = {
	.signer = CLIENT,
	.purpose = "client auth",
	.user = "system:bootstrap:abcdef",
	.group = "system:bootstrappers",
	.common_name = "system:node:n1",
	.organization = "system:nodes",
};
static const struct asked node = {
	.signer = SERVING,
	.purpose = "server auth",
	.user = "system:node:n1",
	.group = "system:nodes",
	.common_name = "system:node:n1",
	.organization = "system:nodes",
	.name = "n1",
};

/* `asked` with what `change` says; a name "" is none. */
static struct asked but(const struct asked *asked, const struct asked *change)
{
	struct asked all = *asked;

	all.signer = change->signer != NULL ? change->signer : all.signer;
	all.purpose = change->purpose != NULL ? change->purpose : all.purpose;
	all.user = change->user != NULL ? change->user : all.user;
	all.group = change->group != NULL ? change->group : all.group;
	all.common_name = change->common_name != NULL ? change->common_name : all.common_name;
	all.organization = change->organization != NULL ? change->organization : all.organization;
	all.name = change->name != NULL ? change->name : all.name;
	all.name = all.name != NULL && all.name[0] == '\0' ? NULL : all.name;
	all.conditions = change->conditions;
	return all;
}

static bool was_approved(struct world *world)
{
	const json_t *action = plan_action(world->plan, 0);
	const json_t *conditions = json_at(action, "body.status.conditions");

	return plan_count(world->plan) == 1 &&
	       strcmp(json_string_at(action, "subresource"), "approval") == 0 &&
	       strcmp(json_string_at(json_array_get(conditions, 0), "type"), "Approved") == 0;
}

static void a_newcomer_becomes_a_node(void **state)
{
	struct world *world = *state;

	put(world, &newcomer);
	assert_true(was_approved(world));
}

static void nobody_gets_more_than_a_node_is(void **state)
{
	static const struct {
		const struct asked *asked;
		struct asked change;
	} refused[] = {
		{ &newcomer, { .organization = "system:masters" } },
		{ &newcomer, { .common_name = "kubernetes-admin" } },
		{ &newcomer, { .common_name = "system:node:" } },
		{ &newcomer, { .user = "somebody", .group = "system:serviceaccounts" } },
		{ &newcomer, { .purpose = "server auth" } },
		{ &newcomer, { .name = "n1" } },
		{ &newcomer, { .signer = "example.com/other" } },
		/* A node that is not there; a name of somebody else; somebody else. */
		{ &node,
		  { .common_name = "system:node:n2", .user = "system:node:n2", .name = "n2" } },
		{ &node, { .name = "kubernetes.default.svc" } },
		{ &node, { .name = "" } },
		{ &node, { .user = "system:node:n2" } },
	};
	struct world *world = *state;

	world_put(world, &kind_node, "{'metadata':{'name':'n1'}}");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct asked asked = but(refused[i].asked, &refused[i].change);

		put(world, &asked);
		assert_int_equal(plan_count(world->plan), 0);
	}
}

static void a_node_serves_under_its_own_names(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_node, "{'metadata':{'name':'n1'}}");
	put(world, &node);
	assert_true(was_approved(world));
}

static void what_is_approved_is_signed(void **state)
{
	struct world *world = *state;
	_cleanup_buffer_ struct buffer text = BUFFER_INIT(16 * 1024);
	int64_t from = 0;
	int64_t until = 0;
	struct asked asked;

	asked = but(&newcomer, &(struct asked){ .conditions = "{'type':'Approved'}" });
	put(world, &asked);
	const json_t *action = plan_action(world->plan, 0);

	assert_string_equal(json_string_at(action, "subresource"), "status");
	assert_true(
		base64_decode(str_from(json_string_at(action, "body.status.certificate")), &text));
	assert_int_equal(pki_validity(buffer_text(&text), &from, &until), 0);
	assert_true(until - from > 300 * 24 * 3600);
	asked = but(&newcomer, &(struct asked){ .conditions = "{'type':'Denied'}" });
	put(world, &asked);
	assert_int_equal(plan_count(world->plan), 0);
}

static void nodes_get_networks_of_their_own(void **state)
{
	struct world *world = *state;

	world_put(world, &kind_node,
		  "{'metadata':{'name':'n1'},'spec':{'podCIDRs':['10.244.0.0/24']}}");
	world_put(world, &kind_node, "{'metadata':{'name':'n2'}}");
	world_put(world, &kind_node, "{'metadata':{'name':'n3'}}");
	world_reconcile(world, &controller_pod_networks, "nodes");
	const json_t *action = plan_action(world->plan, 0);

	assert_string_equal(json_string_at(action, "name"), "n2");
	assert_string_equal(json_string_at(action, "body.spec.podCIDR"), "10.244.1.0/24");
	/* The third finds none left, and hears so. */
	assert_string_equal(json_string_at(plan_action(world->plan, 1), "verb"), "event");
}

static void a_token_goes_when_it_expires(void **state)
{
	struct world *world = *state;

	/* 2026-01-01T00:20:00Z: ten minutes from now. */
	world_put(world, &kind_secret,
		  "{'metadata':{'name':'bootstrap-token-abcdef','namespace':'kube-system'},'type':"
		  "'bootstrap.kubernetes.io/token','data':{'expiration':"
		  "'MjAyNi0wMS0wMVQwMDoyMDowMFo='}}");
	world_reconcile(world, &controller_bootstrap_tokens, "bootstrap-token-abcdef");
	assert_int_equal(plan_count(world->plan), 0);
	assert_int_equal(plan_requeue_after(world->plan), INT64_C(600000000000));
	world->now += INT64_C(600000000000);
	world_reconcile(world, &controller_bootstrap_tokens, "bootstrap-token-abcdef");
	assert_string_equal(world_did(world, "delete", "Secret"), "bootstrap-token-abcdef");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_newcomer_becomes_a_node),         TEST(nobody_gets_more_than_a_node_is),
		TEST(a_node_serves_under_its_own_names), TEST(what_is_approved_is_signed),
		TEST(nodes_get_networks_of_their_own),   TEST(a_token_goes_when_it_expires),
	};

	return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
