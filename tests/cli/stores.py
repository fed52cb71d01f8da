# SPDX-License-Identifier: MIT
#
# stores.py DIRECTORY [CERTIFICATE]: a store for tests/cli/stores.sh, on loopback. Prints its port
# and its port for TLS, and serves. It writes requests to DIRECTORY/log.
#
#   /plain/…     files with PUT and GET, and pages that list folders
#   /dav/…       the same, but only PROPFIND lists a folder
#   /s3/BUCKET/… S3, with two names on a page; requests must be signed (AWS Signature Version 4)
#                with the key AKTEST and the secret `secret`
#   /private/…   /plain for the user `name` with the password `secret`, else 401
#   /nolist/…    files with PUT and GET, but without a list of names
#   /nowhere/…   /plain, but it stores nothing
#   /endless/…   /plain, but signatures never end
#   /half/…      /plain, but it gives half the length for packs
#   /fails/…     500     /slow/… answers after a minute    /short/… sends less than announced
#   /bomb/…      never ends          /loris/… sends a byte now and then
#
# These redirect, with the name of a pack in the text:
#   /loop/…      to itself           /file/…  to a file
#   /within/…    to /private         /down/…  to /plain, without TLS
#   /away/…      to /plain at another name of this host
#   /return/…    to /back there, which redirects to /private here
#   /as/…        to /plain there, with our name and port in the place of a user and a password
#   /hops/N/…    to /hops/N-1, and in the end to /plain
import datetime
import email.message
import hashlib
import hmac
import http.server
import os
import socketserver
import ssl
import sys
import threading
import time
import urllib.parse
from xml.sax.saxutils import escape

ROOT = sys.argv[1]  # "published": whether the example of the documentation counts as signed
SECRET = "secret"


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def is_signed(command, path, headers, key, secret, today):
    """Whether the Authorization header is the one that AWS's rules require for that request."""
    try:
        scheme, rest = headers["Authorization"].split(" ", 1)
        given = dict(part.strip().split("=", 1) for part in rest.split(","))
        who, day, region, service, end = given["Credential"].split("/")
        stamp = headers["X-Amz-Date"]
        path, _, query = path.partition("?")
        names = given["SignedHeaders"].split(";")
        request = "\n".join(
            [command, path, "&".join(sorted(query.split("&")) if query else [])]
            + ["%s:%s" % (name, headers[name].strip()) for name in names]
            + ["", ";".join(names), headers["X-Amz-Content-Sha256"]])
    except (TypeError, AttributeError, KeyError, ValueError):
        return False
    scope = "/".join((day, region, service, end))
    text = "\n".join((scheme, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    derived = ("AWS4" + secret).encode()
    for part in (day, region, service, end):
        derived = sign(derived, part)
    return (who == key and service == "s3" and day == today and "host" in names and
            hmac.compare_digest(sign(derived, text).hex(), given["Signature"]))


def published():
    """The example in Amazon's documentation of S3 ("GET Object"), as it is signed there."""
    headers = email.message.Message()
    for line in """Host: examplebucket.s3.amazonaws.com
Range: bytes=0-9
X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
X-Amz-Date: 20130524T000000Z""".splitlines():
        headers.add_header(*line.split(": ", 1))
    headers["Authorization"] = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    return is_signed("GET", "/test.txt", headers, "AKIAIOSFODNN7EXAMPLE",
                     "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524")


class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        with open(os.path.join(ROOT, "log"), "a") as log:
            print(self.command, self.path, self.headers.get("Range", "-"),
                  self.headers.get("Authorization", "-"), self.headers["Host"], file=log)

    def answer(self, code, body=b"", head=()):
        self.send_response(code)
        for name, value in head:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def signed(self):
        day = datetime.datetime.utcnow().strftime("%Y%m%d")
        return is_signed(self.command, self.path, self.headers, "AKTEST", SECRET, day)

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

    def goes_on(self, kind):
        """Answers with a redirection, if that is what this kind of store does."""
        rest = self.path[len(kind) + 1:]
        here, there = "http://127.0.0.1:%d" % server.server_port, "http://localhost:%d" % server.server_port
        if kind == "hops":
            _, left, rest = rest.split("/", 2)
            rest = "/hops/%d/%s" % (int(left) - 1, rest) if int(left) else "/plain/" + rest
        to = {"loop": self.path, "file": "file://" + ROOT + "/plain/packs/", "within": "/private" + rest,
              "down": here + "/plain" + rest, "away": there + "/plain" + rest, "return": there + "/back" + rest,
              "back": here + "/private" + rest, "as": here + "@" + there[7:] + "/plain" + rest, "hops": rest}.get(kind)
        if to:
            self.answer(307, b"0" * 64 + b".tar.zst", head=[("Location", to)])
        return to

    def special(self, kind):
        if kind == "fails":
            self.answer(500)
        elif kind == "slow":
            self.log_message()
            time.sleep(60)
        elif kind == "pages":
            self.answer(200, b"<NextContinuationToken>1</NextContinuationToken>" + (b"0" * 64 + b".tar.zst\n") * 100000)
        elif kind == "loris":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(1000):
                self.wfile.write(b" ")
                time.sleep(0.2)
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

    def place(self):
        """Returns the kind of the store, and the file."""
        path = self.path.partition("?")[0]
        if path.startswith("http://"):  # we are a proxy
            path = "/" + path.split("/", 3)[3]
        kind = path.split("/")[1]
        if kind in ("private", "half", "nowhere", "endless"):
            path = "/plain" + path[len(kind) + 1:]
        return kind, path, ROOT + urllib.parse.unquote(path)

    def do_GET(self):
        query = self.path.partition("?")[2]
        kind, path, file = self.place()
        if self.goes_on(kind):
            return None
        if kind == "endless" and path.endswith(".minisig"):
            return self.special(kind)
        if kind not in ("plain", "private", "half", "nowhere", "endless", "nolist", "dav", "s3"):
            return self.special(kind)
        if kind == "private" and self.headers.get("Authorization") != "Basic bmFtZTpzZWNyZXQ=":
            return self.answer(401, head=[("WWW-Authenticate", "Basic")])
        if path.endswith("/") and kind == "nolist":
            return self.answer(404)
        if kind == "s3" and (not self.signed() or path.startswith("/s3/dropbox/")):
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
        if "Range" in self.headers and not body:
            return self.answer(416)
        if "Range" in self.headers:
            last = int(self.headers["Range"].rpartition("-")[2])
            return self.answer(206, body[:last + 1])
        if kind == "half":
            self.close_connection = True
            body = body[:len(body) // 2]
        self.answer(200, body)

    do_PROPFIND = do_GET

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind, _, file = self.place()
        if self.goes_on(kind):
            return None
        if kind == "fails" or (kind == "s3" and not self.signed()):
            return self.answer(500 if kind == "fails" else 403)
        if kind != "nowhere":
            os.makedirs(os.path.dirname(file), exist_ok=True)
            with open(file, "wb") as opened:
                opened.write(body)
        self.answer(201, b"<html>a page, such as Apache answers with</html>")


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def secure():
    server = Server(("127.0.0.1", 0), Store)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


if ROOT == "published":
    sys.exit(not published())
server = Server(("127.0.0.1", 0), Store)
print(server.server_port, secure() if len(sys.argv) > 2 else "", flush=True)
server.serve_forever()
