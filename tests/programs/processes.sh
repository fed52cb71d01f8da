#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs with several processes, on each interpreter: multiprocessing with its three start
# methods, concurrent.futures, and a server that forks its workers in advance.
# shellcheck source=tests/library/interpreters.sh
. "$(dirname "$0")/../library/interpreters.sh"

methods() {
	local method
	cat >"$tree/work.py" <<'END'
import alpha, pkg.deep.leaf
def work(n):
    import pkg.beta
    return n * pkg.deep.leaf.THREE + pkg.beta.two() - 2 * alpha.one()
END
	cat >"$tree/main.py" <<'END'
import multiprocessing, sys
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv[1])
    import work
    with multiprocessing.Pool(2) as pool:
        print(sum(pool.map(work.work, range(8))))
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=queue.put, args=(7,))
    process.start()
    print(queue.get())
    process.join()
END
	cat >"$tree/futures.py" <<'END'
import concurrent.futures as futures
if __name__ == "__main__":
    import work
    for kind in futures.ProcessPoolExecutor, futures.ThreadPoolExecutor:
        with kind(2) as pool:
            print(sum(pool.map(work.work, range(8))))
END
	cat >"$tree/server.py" <<'END'
import http.server, os, signal, socket, sys, threading, urllib.request
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(8)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        import work  # each worker for itself, after the fork
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"%d" % work.work(2))
    def log_message(self, *args): pass
def serve():
    server = http.server.HTTPServer(listener.getsockname(), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.serve_forever()
workers = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        serve()
    workers.append(pid)
address = "http://127.0.0.1:%d/" % listener.getsockname()[1]
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
print(sorted(opener.open(address, timeout=50).read() for _ in range(6)))
for pid in workers:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
END
	remember
	for method in spawn forkserver; do
		rm -rf "$CACHE"
		watched preloaded "$python" "$tree/main.py" $method
		is "$said, $status, $(cached)" $'84\n7, 0, 6' "multiprocessing with $method works with an empty cache on $name"
	done
	for method in spawn fork; do
		served "$python" "$tree/main.py" $method
		is "$said, $status, $compiled compiled, $((loaded >= 6))" $'84\n7, 0, 0 compiled, 1' \
			"with a filled cache, no child compiles, with $method on $name"
	done
	watched preloaded "$python" "$tree/futures.py"
	is "$said, $status" $'84\n84, 0' "concurrent.futures work on $name"
	rm -rf "$CACHE"
	watched preloaded "$python" "$tree/server.py"
	is "$said, $(cached)" "[b'6', b'6', b'6', b'6', b'6', b'6'], 6" "a preforking server works on $name"
	untouched "programs with several processes leave the tree unchanged on $name"
}
some methods
done_testing
