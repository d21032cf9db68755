# SPDX-License-Identifier: Apache-2.0
"""A hub that lies: answers a sync with the file `answer` in its folder, once, and keeps the last
report in `report`. usage: hub.py ADDRESS:PORT FOLDER"""
import http.server
import os
import sys
import time

address, folder = sys.argv[1], sys.argv[2]


class Hub(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(folder + "/report.new", "wb") as file:
            file.write(body)
        os.rename(folder + "/report.new", folder + "/report")
        try:
            with open(folder + "/answer", "rb") as file:
                answer = file.read()
            os.unlink(folder + "/answer")
        except FileNotFoundError:
            answer = b""
            time.sleep(0.2)
        self.send_response(200 if answer else 204)
        if answer:
            self.send_header("Content-Type", "application/vnd.dsse.envelope.v1+json")
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


host, port = address.rsplit(":", 1)
http.server.ThreadingHTTPServer((host, int(port)), Hub).serve_forever()
