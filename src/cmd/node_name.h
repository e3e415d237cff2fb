/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* This machine's host name in lower case, as a Node may be called. Lives as long as the process. */
const char *node_name_of_host(void);
