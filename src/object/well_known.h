/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Names by which parts of the program that share nothing else know one another's objects.
 */

/* Who made a PersistentVolume. */
#define ANNOTATION_PROVISIONED_BY "pv.kubernetes.io/provisioned-by"
/* Directories of nodes, made and removed by the nodes' agents. */
#define PROVISIONER_LOCAL_PATH "headlessd.io/local-path"
/*
 * A finalizer of such a volume: its node has still to remove the directory. The last part of the
 * path is the volume's name, and nothing else is ever removed.
 */
#define FINALIZER_LOCAL_PATH "headlessd.io/local-path"
