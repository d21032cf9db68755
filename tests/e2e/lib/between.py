# SPDX-License-Identifier: Apache-2.0
# Stands between a device and its server for one request.
# usage: between.py PORT_FILE swallow HOST:PORT     passes the request on, and drops the answer
#        between.py PORT_FILE keep HOST:PORT FILE   passes both on, and keeps the answer
#        between.py PORT_FILE say FILE              answers with what was kept
import os
import socket
import sys


def read_message(peer):
    data = b''
    while b'\r\n\r\n' not in data:
        data += peer.recv(65536)
    head, _, body = data.partition(b'\r\n\r\n')
    lengths = [int(line.split(b':')[1]) for line in head.split(b'\r\n') if line.lower().startswith(b'content-length:')]
    while len(body) < sum(lengths):
        body += peer.recv(65536)
    return head + b'\r\n\r\n' + body


port_file, mode, *rest = sys.argv[1:]
listener = socket.create_server(('127.0.0.1', 0))
with open(port_file + '.new', 'w') as out:
    out.write('127.0.0.1:%d' % listener.getsockname()[1])
os.rename(port_file + '.new', port_file)
client, _ = listener.accept()
request = read_message(client)
if mode == 'say':
    with open(rest[0], 'rb') as kept:
        client.sendall(kept.read())
else:
    host, port = rest[0].split(':')
    with socket.create_connection((host, int(port))) as server:
        server.sendall(request)
        answer = read_message(server)
    if mode == 'keep':
        with open(rest[1], 'wb') as kept:
            kept.write(answer)
        client.sendall(answer)
client.close()
