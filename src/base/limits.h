/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every limit of the program, in one place. Sizes are bytes unless the name says otherwise.
 */

enum {
	/* API bodies and objects (spec: 413 above 3 MB). */
	LIMIT_BODY = 3 * 1024 * 1024,
	/*
	 * One serialised object; etcd's 1.5 MB is the practice, a body may hold one larger patch.
	 */
	LIMIT_OBJECT = 3 * 1024 * 1024,
	/* Data of one ConfigMap or Secret (Kubernetes: 1 MiB). */
	LIMIT_DATA = 1024 * 1024,
	LIMIT_SLICE_ENDPOINTS = 1000, /* EndpointSlice, as in Kubernetes */
	LIMIT_SLICE_PORTS = 100,
	LIMIT_SLICE_ADDRESSES = 100, /* of one endpoint */
	/* Texts of objects that are kept parsed (the trees take several times that). */
	LIMIT_OBJECT_TREES = 48 * 1024 * 1024,
	LIMIT_JSON_DEPTH = 100,
	/* Keys and values of metadata.annotations together (as in Kubernetes). */
	LIMIT_ANNOTATIONS = 256 * 1024,
	/*
	 * JSON values one protobuf body may unfold into: tiny on the wire, some hundred bytes here.
	 */
	LIMIT_PROTOBUF_VALUES = 200000,
	/* A path in a message; the rest of a longer one is left out. */
	LIMIT_JSON_PATH = 1024,
	LIMIT_YAML_NODES = 200000, /* of one document, aliases unfolded */
	/* Fields reported in one answer; the rest is counted. */
	LIMIT_FIELD_ERRORS = 64,
	LIMIT_ERROR_MESSAGE = 16 * 1024,
	/* A JSON Patch may name this many operations (as in Kubernetes). */
	LIMIT_PATCH_OPERATIONS = 10000,
	/* Values that the operations of one JSON Patch may copy, shift or look through. */
	LIMIT_PATCH_WORK = 32 * 1000 * 1000,

	LIMIT_OPENAPI = 16 * 1024 * 1024, /* one OpenAPI document */

	/* The API. */
	LIMIT_WRITE_TRIES = 16, /* of one write that keeps losing races */
	LIMIT_COLLECTION_WRITES = 64, /* of one deletecollection under way */

	/* HTTP. */
	LIMIT_HTTP_CONNECTIONS = 8192, /* more than may wait for peers */
	LIMIT_HTTP_TARGET = 16 * 1024,
	LIMIT_HTTP_HEAD = 64 * 1024, /* of an answer that we read ourselves */
	LIMIT_HTTP_HEADERS = 128,
	LIMIT_SPDY_CONTROL = 64 * 1024, /* one control frame, and its headers unpacked */
	LIMIT_SPDY_STREAMS = 65536, /* that the other end opens on one connection, ever */
	LIMIT_SELECTOR = 16 * 1024, /* text of a label or field selector */
	LIMIT_REQUEST_ARENA = 8 * 1024 * 1024,
	LIMIT_RESPONSE = 1024 * 1024 * 1024,
	LIMIT_WATCHERS = 20000,

	/* Store and watch. */
	LIMIT_STORE_QUEUE = 16384, /* writes waiting for the disk */
	LIMIT_STORE_KEY = 1024,
	LIMIT_STORE_QUEUE_BYTES = 256 * 1024 * 1024, /* keys and values waiting */
	LIMIT_STORE_BATCH = 1024, /* writes in one transaction */
	LIMIT_STORE_BATCH_BYTES = 8 * 1024 * 1024, /* values in one transaction, unless it is one */
	LIMIT_STORE_LIST_BYTES = 64 * 1024 * 1024, /* a list is cut behind it */
	LIMIT_STORE_SLICE = 2048, /* rows listed or forgotten between two batches of writes */
	LIMIT_STORE_HISTORY = 10000, /* revisions behind which compaction comes by itself… */
	LIMIT_STORE_HISTORY_BYTES = 64 * 1024 * 1024, /* …or when so much was written */
	LIMIT_STORE_PAGES = 1024 * 1024, /* of 4 KiB in the file, or as much in memory: -ENOSPC */
	LIMIT_STORE_WAL_PAGES = 2000, /* a checkpoint is due */
	LIMIT_STORE_CACHE_PAGES = 1000,
	LIMIT_WATCH_RING_EVENTS = 65536,
	LIMIT_WATCH_RING_BYTES = 64 * 1024 * 1024,

	/* Clients of our own. */
	LIMIT_KUBECONFIG = 1024 * 1024, /* a kubeconfig, or one of the files that it names */
	LIMIT_TRANSFER_BODY = 16 * 1024 * 1024 + 16, /* of a request: a message of gRPC */
	LIMIT_TRANSFER_PENDING = 256 * 1024, /* of an answer, between the socket and its reader */
	LIMIT_REMOTE_CONNECTIONS = 64, /* to one API server */
	LIMIT_REMOTE_REQUESTS = 16384, /* of one client under way */
	LIMIT_REMOTE_PAGE = 500, /* objects asked for at a time */
	LIMIT_REMOTE_HEAD = 256 * 1024, /* a list without its items; an answer that is an error */
	LIMIT_REMOTE_EVENT = 4 * 1024 * 1024, /* a line of a watch: an object and a few words */
	LIMIT_WORK_QUEUE = 1000000,
	LIMIT_PLAN_ACTIONS = 100000,
	LIMIT_WORKLOAD_BURST = 500, /* pods one reconcile creates or removes; the rest follows */
	LIMIT_SCHEDULER_BURST = 2000, /* pods the scheduler looks at in one go */
	LIMIT_SWEEP_BURST = 1000, /* objects one reconcile removes from a namespace, or orphans */
	LIMIT_PLAN_PIPELINE = 64, /* requests of one plan under way */
	LIMIT_PLANS_RUNNING = 256, /* plans of one runner under way */
	LIMIT_CHANGES_OF_KEY = 64, /* remembered; with more of them all is looked at */
	LIMIT_CACHE_OBJECTS = 1000000, /* of one kind */
	LIMIT_CACHE_INDEX = 4000000, /* entries of one index */
	LIMIT_CACHE_KEY = 1024, /* index key, namespace and name together */
	LIMIT_EVENTS_REMEMBERED = 4096, /* whose repeats are counted */
	LIMIT_EVENT_REQUESTS = 256, /* events being written; more are dropped */
	LIMIT_SLICE_PACKED = 100, /* in one endpoint slice of ours */
	LIMIT_MIRRORED_ADDRESSES = 1000, /* of one Endpoints subset */
	LIMIT_ENDPOINTS_ADDRESSES = 1000, /* in one Endpoints object */
	LIMIT_SIMULATED_NODES = 1000,
	LIMIT_NODE_PODS = 65536, /* addresses of a node's pod network that are given to pods */
	LIMIT_EVENT_MESSAGE = 1024, /* as Kubernetes validates it */
	LIMIT_AGENT_PODS = 1000, /* of one node that run */
	LIMIT_AGENT_ORPHANS = 10000, /* what is found left over at a start */
	LIMIT_AGENT_TREES = 2 * 1024 * 1024, /* texts of objects that an agent keeps parsed */
	LIMIT_CONTAINER_LOG = 10 * 1024 * 1024, /* then it is put aside; as kubelet… */
	LIMIT_CONTAINER_LOG_FILES = 5, /* …has it: of one container, with the one written to */
	LIMIT_AGENT_LISTING = 64 * 1024 * 1024, /* text of all pods that an agent runs */
	LIMIT_ALARMS = 1000000, /* of one node's pods: some for each container */

	/* What runs in pods. */
	LIMIT_POD_CONFIG = 64 * 1024 * 1024, /* arena of one container's configuration */
	LIMIT_POD_ENVIRONMENT = 16 * 1024 * 1024, /* its variables, command and arguments */
	LIMIT_RESOLV_CONF = 64 * 1024,
	LIMIT_HOSTS = 1024 * 1024, /* the node's /etc/hosts */
	LIMIT_VOLUME_FILES = 20000, /* of one volume that the agent writes */
	LIMIT_VOLUME_PATH = 4096,
	LIMIT_VOLUME_DEPTH = 64, /* directories walked into at a time */
	LIMIT_VOLUME_PODS = 65536,
	LIMIT_MOUNTINFO = 64 * 1024 * 1024,

	/* gRPC. */
	LIMIT_GRPC_MESSAGE = 16 * 1024 * 1024, /* as kubelet has it for runtimes */
	LIMIT_GRPC_STATUS_MESSAGE = 4096, /* what a server says of an error; the rest is cut off */
	LIMIT_GRPC_CALLS = 512, /* of one client under way, streams included */

	/* containerd of our own. */
	LIMIT_CONTAINERD_CONFIG = 16 * 1024,
	LIMIT_CONTAINERD_LOG = 8 * 1024 * 1024, /* begun anew at its next start */

	/* The zone. */
	LIMIT_ZONE_NAMESPACES = 100000,
	LIMIT_ZONE_SERVICES = 1000000,
	LIMIT_ZONE_SLICES = 2000000,
	LIMIT_ZONE_PORTS = 1000, /* of one Service or slice that get names */
	LIMIT_ZONE_BODY =
		64 * 1024 * 1024, /* each part of a Service's SRV sets while it is built */
	LIMIT_ZONE_TOPOLOGY = 256, /* topology zones of one Service that get names */
	LIMIT_ZONE_PODS = 2000000, /* addresses of pods, when pod names are verified */

	LIMIT_ZONE_IMAGES = 8, /* moments that zone transfers have open */
	/* What was replaced since and is kept for them; beyond, transfers are cut off. */
	LIMIT_ZONE_KEPT = 64 * 1024 * 1024,

	/* DNS. */
	LIMIT_DNS_NAME = 255,
	LIMIT_DNS_LABEL = 63,
	LIMIT_DNS_LABELS = 127,
	LIMIT_QUERY_LOG_RECORDS = 4096, /* of a worker that wait to be written; a power of two */
	LIMIT_QUERY_LOG_QUERY = 512, /* bytes of a query that are kept for its line */
	LIMIT_DNSTAP_SLOTS =
		8192, /* of 256 bytes, of a worker's messages that wait; a power of two */
	LIMIT_DNSTAP_OUTPUT = 256 * 1024, /* frames on their way into the connection */
	LIMIT_DNSTAP_NAME = 255, /* identity and version */
	LIMIT_DNSTAP_PAUSE_MS =
		100, /* before the receiver is dialled again; twice as much each time */
	LIMIT_DNSTAP_PAUSE_MAX_MS = 10000,
	LIMIT_DNSTAP_HANDSHAKE_MS = 5000,
	LIMIT_DNSTAP_STALL_MS = 60000, /* it takes nothing: dialled anew */
	LIMIT_DNSTAP_END_MS = 2000, /* for what waits at the end */
	LIMIT_DNS_UDP = 1232, /* default of --udp-size; RFC 9715 */
	LIMIT_DNS_UDP_MAX = 4096, /* largest --udp-size */
	LIMIT_DNS_NSID = 128,
	LIMIT_DNS_RATES = 16384, /* networks whose answers one worker counts */
	LIMIT_DNS_RATE = 1000000, /* largest --rate-limit */
	LIMIT_DNS_RATE_EXEMPT = 64, /* networks without a limit */
	LIMIT_DNS_LISTEN = 16, /* listen addresses */
	LIMIT_DNS_UDP_QUERY = 2048, /* larger ones are read in part, which is FORMERR */
	LIMIT_DNS_TCP_QUERY = 4096, /* larger ones are FORMERR unread */
	LIMIT_DNS_FORWARD_QUERY = 512, /* larger ones are not forwarded: SERVFAIL */
	LIMIT_DNS_TCP_FORWARDS = 100, /* under way for each connection */
	LIMIT_DNS_TCP_IDLE_MS = 10000, /* a connection that asks nothing */
	LIMIT_DNS_TCP_MESSAGE_MS = 2000, /* a question that is begun, an answer that is not taken */
	LIMIT_DNS_TCP_UNSENT = 8 * 1024 * 1024, /* for each worker */
	LIMIT_DNS_TCP = 65535,
	LIMIT_DNS_TCP_CONNECTIONS = 1024, /* for each worker… */
	LIMIT_DNS_TCP_CLIENT = 512, /* …of which one address (IPv6: a /64) may have so many */
	LIMIT_DNS_TRANSFERS = 16, /* zone transfers under way, for each worker */
	LIMIT_DNS_TRANSFER_TO = 128, /* networks that may have them */
	LIMIT_DNS_TRANSFER_MESSAGE = 16 * 1024, /* each message of one: all a pointer reaches */
	LIMIT_DNS_TRANSFER_MS = 300000, /* a whole one */
	LIMIT_DNS_BATCH = 32,
	LIMIT_DNS_WORKERS = 256,
	LIMIT_CNAME_CHAIN = 10,
	LIMIT_RESOLVER_PENDING = 1000, /* names outside under way (kubeadm: max_concurrent 1000) */

	/* headlessd explain. */
	LIMIT_EXPLAIN_STEPS = 24,
	LIMIT_EXPLAIN_RECORDS = 64, /* the rest is counted */
	LIMIT_EXPLAIN_CLOSEST = 5,
	LIMIT_EXPLAIN_TEXT = 2048, /* one text; a longer one is cut */
	LIMIT_EXPLAIN_ARENA = 4 * 1024 * 1024,
	LIMIT_EXPLAIN_OUTPUT = 16 * 1024 * 1024,

	/* standalone --apply. */
	LIMIT_MANIFEST_FILE = 64 * 1024 * 1024,
	LIMIT_MANIFESTS = 1000000,

	/* A Corefile. */
	LIMIT_ZONE_SETTINGS = 512 * 1024, /* of a DNS server, as JSON; 1000 namespaces fit */
	LIMIT_COREFILE = 256 * 1024,
	LIMIT_COREFILE_WORD = 4096,
	LIMIT_COREFILE_WORDS = 16384,
	LIMIT_COREFILE_LINE = 256, /* words */
	LIMIT_COREFILE_DEPTH = 8,
	LIMIT_COREFILE_ARENA = 128 * 1024 * 1024, /* every word as long as may be: 64 MB */

	/* The peer lookup. */
	LIMIT_PEERS_WAITERS = 6000, /* requests and streams that are open */
	LIMIT_PEERS_SETS = 16384, /* Services whose serial is known; more than waiters */
	LIMIT_PEERS_MEMBERS = 100000, /* endpoints of one Service that are told */
	LIMIT_PEERS_ANSWER = 64 * 1024 * 1024, /* text of one set */
	LIMIT_PEERS_HELD =
		256 * 1024 * 1024, /* texts being sent; slow readers are cut off beyond */
	LIMIT_PEERS_RATE = 32 * 1024 * 1024, /* bytes a second that one set's changes may cost… */
	LIMIT_PEERS_PAUSE_MS = 1000, /* …but none waits longer than this */
	LIMIT_PEERS_WAIT_SECONDS = 600, /* longest timeout */

	/* The service proxy. */
	LIMIT_PROXY_ITEMS = 8000000, /* chains, sets and elements of the table */
	LIMIT_PROXY_ENDPOINTS = 10000, /* of one port of a Service that get connections */
	LIMIT_PROXY_CHAIN = 2 * 1024 * 1024, /* text of one chain */
	LIMIT_PROXY_CLIENTS = 65535, /* that one endpoint remembers for session affinity */
	LIMIT_PROXY_TRANSACTION = 1024 * 1024 * 1024,
	LIMIT_NODE_ROUTES = 10000, /* to pod networks of other nodes */
	LIMIT_PROXY_ERROR = 4096, /* of what nft says */

	LIMIT_DESCRIPTORS = 65536,
	LIMIT_MAILBOX = 65536,
	LIMIT_SNAPSHOT_READERS = 1024,
};
