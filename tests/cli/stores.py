# SPDX-License-Identifier: MIT
#
# A store for tests/cli/stores.sh, on loopback: stores.py DIRECTORY prints its port and serves.
#
#   /plain/…     files, PUT and GET, pages of folders
#   /dav/…       the same, but the names in a folder only by PROPFIND
#   /s3/BUCKET/… S3, two names a page; every request must be signed (AWS Signature Version 4)
#                with the key AKTEST and the secret `secret`
#   /fails/…     500     /slow/… answers after a minute    /short/… less than it says
#   /bomb/…      never ends          /loop/… redirects to itself
import datetime
import hashlib
import hmac
import http.server
import os
import socketserver
import sys
import time
import urllib.parse
from xml.sax.saxutils import escape

ROOT = sys.argv[1]
SECRET = "secret"


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        with open(os.path.join(ROOT, "log"), "a") as log:
            print(self.command, self.path, self.headers.get("Range", ""), file=log)

    def answer(self, code, body=b"", head=()):
        self.send_response(code)
        for name, value in head:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def signed(self):
        """Whether the Authorization header is what the rules of AWS make of this request."""
        try:
            scheme, rest = self.headers["Authorization"].split(" ", 1)
            given = dict(part.strip().split("=", 1) for part in rest.split(","))
            key, day, region, service, end = given["Credential"].split("/")
            stamp = self.headers["X-Amz-Date"]
            path, _, query = self.path.partition("?")
            names = given["SignedHeaders"].split(";")
            request = "\n".join(
                [self.command, path, "&".join(sorted(query.split("&")) if query else [])]
                + ["%s:%s" % (name, self.headers[name].strip()) for name in names]
                + ["", ";".join(names), self.headers["X-Amz-Content-Sha256"]])
        except (TypeError, AttributeError, KeyError, ValueError):
            return False
        scope = "/".join((day, region, service, end))
        text = "\n".join((scheme, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
        secret = ("AWS4" + SECRET).encode()
        for part in (day, region, service, end):
            secret = sign(secret, part)
        now = datetime.datetime.utcnow().strftime("%Y%m%d")
        return (key == "AKTEST" and service == "s3" and day == now and "host" in names and
                hmac.compare_digest(sign(secret, text).hex(), given["Signature"]))

    def list_s3(self, bucket, query):
        asked = dict(urllib.parse.parse_qsl(query))
        prefix, after = asked.get("prefix", ""), asked.get("continuation-token", "")
        top = os.path.join(ROOT, "s3", bucket)
        names = sorted(
            os.path.relpath(os.path.join(folder, name), top)
            for folder, _, files in os.walk(top) for name in files)
        names = [name for name in names if name.startswith(prefix) and name > after]
        page = "".join("<Contents><Key>%s</Key></Contents>" % name for name in names[:2])
        if len(names) > 2:
            page += "<NextContinuationToken>%s</NextContinuationToken>" % escape(names[1])
        return "<ListBucketResult>%s</ListBucketResult>" % page

    def special(self, kind):
        if kind == "fails":
            self.answer(500)
        elif kind == "slow":
            time.sleep(60)
        elif kind == "loop":
            self.answer(302, head=[("Location", self.path)])
        elif kind == "short":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b"0" * 64 + b".tar.zst")
            self.close_connection = True
        else:
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            while True:
                self.wfile.write(b" " * (1 << 20))

    def do_GET(self):
        path, _, query = self.path.partition("?")
        kind = path.split("/")[1]
        file = ROOT + urllib.parse.unquote(path)
        if kind not in ("plain", "dav", "s3"):
            return self.special(kind)
        if kind == "s3" and not self.signed():
            return self.answer(403)
        if kind == "s3" and "list-type=2" in query:
            bucket = path.split("/")[2]
            names = self.list_s3(bucket, query)
            return self.answer(200, names.encode())
        if path.endswith("/"):
            if kind == "dav" and self.command != "PROPFIND":
                return self.answer(403)
            if not os.path.isdir(file):
                return self.answer(404)
            return self.answer(200, "\n".join(os.listdir(file)).encode())
        try:
            with open(file, "rb") as opened:
                body = opened.read()
        except OSError:
            return self.answer(404)
        if "Range" in self.headers:
            last = int(self.headers["Range"].rpartition("-")[2])
            return self.answer(206, body[:last + 1])
        self.answer(200, body)

    do_PROPFIND = do_GET

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.split("/")[1]
        if kind == "fails" or (kind == "s3" and not self.signed()):
            return self.answer(500 if kind == "fails" else 403)
        file = ROOT + urllib.parse.unquote(self.path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as opened:
            opened.write(body)
        self.answer(201)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Store)
print(server.server_port, flush=True)
server.serve_forever()
