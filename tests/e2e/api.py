# SPDX-License-Identifier: Apache-2.0
"""The API without kubectl: HTTPS with the credentials of a kubeconfig."""

import base64
import contextlib
import http.client
import json
import ssl
import threading

import yaml

from conftest import DEADLINE


class Api:
    """HTTPS with the kubeconfig's certificate, or with a token instead, or with nothing."""

    def __init__(self, cluster, token=None, nobody=False):
        config = yaml.safe_load(open(cluster.kubeconfig, encoding="utf-8"))
        server = config["clusters"][0]["cluster"]
        user = config["users"][0]["user"]
        ca = base64.b64decode(server["certificate-authority-data"]).decode()
        self.host = server["server"].removeprefix("https://")
        self.tls = ssl.create_default_context(cadata=ca)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        if not token and not nobody:
            files = []
            for kind in ("client-certificate", "client-key"):
                files.append(f"{cluster.data_dir}/{kind}.pem")
                with open(files[-1], "wb") as file:
                    file.write(base64.b64decode(user[f"{kind}-data"]))
            self.tls.load_cert_chain(*files)

    def open(self, target, **headers):
        connection = http.client.HTTPSConnection(self.host, context=self.tls, timeout=DEADLINE)
        connection.request("GET", target, headers={**self.headers, **headers})
        return connection, connection.getresponse()

    def get(self, target, **headers):
        connection, response = self.open(target, **headers)
        with contextlib.closing(connection):
            return response.status, json.loads(response.read())

    def ask(self, verb, target, body=None):
        connection = http.client.HTTPSConnection(self.host, context=self.tls, timeout=DEADLINE)
        with contextlib.closing(connection):
            connection.request(verb, target, None if body is None else json.dumps(body),
                               {**self.headers, "Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())


class Watch(threading.Thread):
    """A watch from the beginning; `take(event)` gets each event in this thread. A watch that ends
    before close() keeps what ended it in `failure`."""

    def __init__(self, api, target, take):
        super().__init__(daemon=True)
        self.api, self.take, self.failure = api, take, None
        self.closing = False
        self.connection, self.response = api.open(target)
        assert self.response.status == 200, self.response.read()
        self.connection.sock.settimeout(None)
        self.start()

    def run(self):
        try:
            for line in self.response:
                self.take(json.loads(line))
            self.failure = "the watch has ended"
        except Exception as error:  # whatever it is, the test has to know
            self.failure = repr(error)

    def close(self):
        assert self.failure is None, self.failure
        self.connection.sock.shutdown(2)
        self.join(DEADLINE)
