/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * For tests of explain(): small worlds. Objects are JSON with ' for ", behind a letter for their
 * kind (n: Namespace, s: Service, e: EndpointSlice, p: Pod).
 */

#include <stdbool.h>

struct cache;
struct explanation;

enum { OBJECTS_MAX = 14 };

#define META(name, space, more) "'metadata':{'name':'" name "','namespace':'" space "'" more "}"
#define NS(name) "n{'metadata':{'name':'" name "'}}"
#define SERVICE(name, spec) "s{" META(name, "default", "") ",'spec':{" spec "}}"
#define HTTP "'ports':[{'name':'http','protocol':'TCP','port':80,'targetPort':8080}]"
#define NONE "'clusterIP':'None','clusterIPs':['None'],'ipFamilies':['IPv4']"
#define HEADLESS(name, selector) SERVICE(name, NONE ",'selector':{" selector "}," HTTP)

#define POD(name, labels, spec, ip, status)                                                        \
	"p{" META(name, "default", ",'labels':{" labels "}") ",'spec':{'nodeName':'node01'" spec   \
							     "},'status':{'phase':'Running',"      \
							     "'podIP':'" ip                        \
							     "','podIPs':[{'ip':'" ip              \
							     "'}]," status "}}"
#define READY "'conditions':[{'type':'Ready','status':'True'}]"
#define UNREADY "'conditions':[{'type':'Ready','status':'False','reason':'ContainersNotReady'}]"
#define HOST(hostname, subdomain) ",'hostname':'" hostname "','subdomain':'" subdomain "'"
#define SET_POD(name, set, ip, status)                                                             \
	"p{" META(name, "default",                                                                 \
		  ",'labels':{'app':'" set                                                         \
		  "'},'ownerReferences':[{'kind':'StatefulSet','name':'" set                       \
		  "','uid':'u','controller':true}]") ",'spec':{'nodeName':'node01','hostname'"     \
						     ":'" name "','subdomain':'" set               \
						     "'},'status':{'phase':'Running','podIP':'" ip \
						     "','podIPs':[{'ip':'" ip "'}]," status "}}"

#define SLICE_OF(name, service, type, port, endpoints)                                             \
	"e{" META(name, "default",                                                                 \
		  ",'labels':{'kubernetes.io/service-name':'" service                              \
		  "'}") ",'addressType':'" type "','ports':[" port "],'endpoints':[" endpoints     \
			"]}"
#define PORT "{'name':'http','protocol':'TCP','port':8080}"
#define SLICE(service, endpoints) SLICE_OF(service "-x", service, "IPv4", PORT, endpoints)
#define END(ip, ready, more) "{'addresses':['" ip "'],'conditions':{'ready':" ready "}" more "}"
#define NAMED(name) ",'hostname':'" name "','targetRef':{'kind':'Pod','name':'" name "'}"

#define APP(value) "'app':'" value "'"
/* StatefulSet web with two pods that are ready. */
#define WEB                                                                                        \
	NS("default"), HEADLESS("web", APP("web")), SET_POD("web-0", "web", "10.244.0.1", READY),  \
		SET_POD("web-1", "web", "10.244.0.2", READY),                                      \
		SLICE("web", END("10.244.0.1", "true",                                             \
				 NAMED("web-0")) "," END("10.244.0.2", "true", NAMED("web-1")))

/* A cache with these objects. `keep`: of pods just what explain_keep_pod() keeps. */
struct cache *explain_world(const char *const objects[OBJECTS_MAX], bool keep);

/* Asks in namespace default; the question must make sense. */
struct explanation *explain_ask(const struct cache *cache, const char *name);

/* The title of the broken link, which must be the last; NULL for none. */
const char *explain_broken_link(const struct explanation *explanation);
