/* SPDX-License-Identifier: Apache-2.0 */
/* The process of a pod's sandbox: it holds the namespaces, takes in orphans and waits for its end. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	sigset_t wanted;
	int signal_number;

	sigfillset(&wanted);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	for (;;) {
		if (sigwait(&wanted, &signal_number) != 0) {
			return 1;
		}
		if (signal_number == SIGTERM || signal_number == SIGINT) {
			return 0;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0) {
		}
	}
}
