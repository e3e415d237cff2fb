/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Says that everything answers: one line on standard output, "ready api=URL dns=ADDR:PORT
 * metrics=ADDR:PORT kubeconfig=FILE", and READY=1 to the service manager.
 */
void ready_say(const char *api, const char *dns, const char *metrics, const char *kubeconfig);

/* The same of a node: "ready node=NAME api=URL kubeconfig=FILE". */
void ready_say_node(const char *name, const char *api, const char *kubeconfig);
