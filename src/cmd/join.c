/* SPDX-License-Identifier: Apache-2.0 */
/*
 * headlessd join: gets this machine the certificate of a node, with the kubeconfig that `headlessd
 * token create --print-kubeconfig` has printed elsewhere, and ends. The node agent does the same by
 * itself when it is given such a kubeconfig, and renews the certificate; this is for whoever wants
 * to see it happen, or runs another agent.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "client/kubeconfig.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/settings.h"
#include "loop/loop.h"
#include "node/join.h"

struct join_settings {
	const char *kubeconfig;
	const char *data_dir;
	const char *node_name;
	const char *log_level;
	bool help;
};

#define AT(member) offsetof(struct join_settings, member)

static const struct option options[] = {
	{ "kubeconfig", "FILE", "with a bootstrap token", OPTION_TEXT, AT(kubeconfig), 0, 0, NULL },
	{ "data-dir", "DIR", "where node.pem and node.kubeconfig are kept (as standalone's)",
	  OPTION_TEXT, AT(data_dir), 0, 0, NULL },
	{ "node-name", "NAME", "the Node that this machine is (its host name)", OPTION_TEXT,
	  AT(node_name), 0, 0, NULL },
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", OPTION_TEXT, AT(log_level),
	  0, 0, "error|warning|info|debug" },
	{ "help", NULL, "show this", OPTION_SWITCH, AT(help), 0, 0, NULL },
};

struct join_program {
	struct join_settings settings;
	struct kubeconfig cluster;
	struct loop *loop;
	struct join *join;
	int code;
};

static void joined(void *userdata, const char *kubeconfig)
{
	struct join_program *program = userdata;

	printf("%s\n", kubeconfig);
	program->code = EXIT_FINE;
	loop_stop(program->loop);
}

static void failed(void *userdata, const char *message)
{
	struct join_program *program = userdata;

	fprintf(stderr, "headlessd: %s\n", message);
	loop_stop(program->loop);
}

static bool parse(int argc, char **argv, struct join_settings *ret, int *ret_code)
{
	static char host[HOST_NAME_MAX + 1];

	*ret = (struct join_settings){ .log_level = "info" };
	*ret_code = EXIT_USAGE;
	if (!options_parse(options, ARRAY_SIZE(options), argc, argv, 1, ret, NULL)) {
		return false;
	}
	if (ret->help) {
		printf("usage: headlessd join --kubeconfig FILE [OPTIONS]\n\nGets this machine the "
		       "certificate of a node, and prints the kubeconfig that uses it.\n\n");
		options_help(options, ARRAY_SIZE(options));
		*ret_code = EXIT_FINE;
		return false;
	}
	if (ret->kubeconfig == NULL) {
		fprintf(stderr, "headlessd: join: --kubeconfig FILE is missing (headlessd token "
				"create --print-kubeconfig)\n");
		return false;
	}
	settings_log_level(ret->log_level);
	if (ret->node_name == NULL) {
		(void)gethostname(host, sizeof(host) - 1);
		ret->node_name = host;
	}
	if (ret->data_dir == NULL) {
		ret->data_dir = settings_data_dir();
	}
	return true;
}

static int start(struct join_program *program)
{
	struct join_config config = {
		.cluster = &program->cluster,
		.data_dir = program->settings.data_dir,
		.node_name = program->settings.node_name,
		.joined = joined,
		.failed = failed,
		.userdata = program,
	};
	char message[KUBECONFIG_MESSAGE];
	int result;

	if (kubeconfig_read(program->settings.kubeconfig, NULL, &program->cluster, message) != 0) {
		fprintf(stderr, "headlessd: %s (--kubeconfig)\n", message);
		return error_origin(-EINVAL);
	}
	if (!join_is_wanted(&program->cluster)) {
		fprintf(stderr, "headlessd: %s has no bootstrap token to join with\n",
			program->settings.kubeconfig);
		return error_origin(-EINVAL);
	}
	if ((result = file_make_directory(program->settings.data_dir, 0700)) < 0) {
		fprintf(stderr, "headlessd: cannot use the data directory %s: %s\n",
			program->settings.data_dir, strerror(-result));
		return error_trace(result);
	}
	if ((result = loop_new(&program->loop)) < 0) {
		return error_trace(result);
	}
	config.loop = program->loop;
	if ((result = join_new(&config, &program->join)) < 0) {
		return error_trace(result);
	}
	return error_trace(loop_run(program->loop));
}

static int run(int argc, char **argv)
{
	static struct join_program program;
	int code;

	if (!parse(argc, argv, &program.settings, &code)) {
		return code;
	}
	program.code = EXIT_FAILED;
	if (start(&program) < 0) {
		program.code = EXIT_FAILED;
	}
	program.join = join_free(program.join);
	program.loop = loop_free(program.loop);
	kubeconfig_deinit(&program.cluster);
	return program.code;
}

const struct cmd cmd_join = {
	.name = "join",
	.usage = "--kubeconfig FILE [OPTIONS]",
	.help = "gets this machine the certificate of a node",
	.run = run,
};
