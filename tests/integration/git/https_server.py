#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Serves the repositories below a folder over https, as Git's own smart protocol.

usage: https_server.py FOLDER CERTIFICATE KEY

Prints its port. /open/NAME takes anybody, /closed/NAME asks for kedge:secret, /away/NAME redirects to another host
name, /plain/NAME to http, /silent/NAME never answers.
"""
import base64
import http.server
import os
import ssl
import subprocess
import sys
import threading
import urllib.parse

FOLDER, CERTIFICATE, KEY = sys.argv[1:]
SECRET = "Basic " + base64.b64encode(b"kedge:secret").decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        path, _, query = self.path.partition("?")
        _, room, rest = path.split("/", 2)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while (size := int(self.rfile.readline(), 16)) > 0:
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        if room == "silent":
            threading.Event().wait()
        if room in ("away", "plain"):
            port = self.server.server_address[1]
            site = f"https://127.0.0.1:{port}" if room == "away" else f"http://localhost:{port}"
            return self.answer(302, [("Location", f"{site}/open/{rest}?{query}")], b"")
        if room == "closed" and self.headers.get("Authorization") != SECRET:
            return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": FOLDER,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": "/" + urllib.parse.unquote(rest),
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        out = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, rest = out.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")]
        status = next((int(v.split()[0]) for k, v in headers if k == "Status"), 200)
        self.answer(status, [h for h in headers if h[0] != "Status"], rest)

    do_GET = do_POST = serve

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


server = Server(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
