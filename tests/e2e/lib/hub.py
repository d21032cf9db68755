# SPDX-License-Identifier: Apache-2.0
"""A hub that lies: answers a sync with the file `answer` in its folder, once, and keeps the last
report in `report`. It claims the version in the file `root` as its newest root document, gives the
file N.root.json as version N, and N.endless without an end. usage: hub.py ADDRESS:PORT FOLDER"""
import http.server
import os
import sys
import time

address, folder = sys.argv[1], sys.argv[2]


def read(name):
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


class Hub(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/vnd.dsse.envelope.v1+json")
            self.send_header("Content-Length", str(len(body)))
        root = read("root").strip()
        if root:
            self.send_header("Kedge-Root", root.decode())
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        version = self.path.removeprefix("/v1/root/")
        body = read(version + ".root.json")
        if os.path.exists(os.path.join(folder, version + ".endless")):
            self.send_response(200)
            if body:  # no end because it is announced to be far away, or because there is none
                self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" " * 65536)
            except OSError:
                return
        self.answer(200 if body else 404, body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(folder + "/report.new", "wb") as file:
            file.write(body)
        os.rename(folder + "/report.new", folder + "/report")
        answer = read("answer")
        if answer:
            os.unlink(folder + "/answer")
        else:
            time.sleep(0.2)
        self.answer(200 if answer else 204, answer)

    def log_message(self, *args):
        pass


host, port = address.rsplit(":", 1)
http.server.ThreadingHTTPServer((host, int(port)), Hub).serve_forever()
