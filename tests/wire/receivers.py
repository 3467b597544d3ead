"""Those who get notices in the tests: a webhook and a mail server that do what they are told to."""
import collections
import http.server
import json
import socketserver
import threading


class Hook(http.server.ThreadingHTTPServer):
    """A webhook that does what it is told to: ok, fail, hang."""
    daemon_threads = True

    def __init__(self):
        self.mode, self.got, self.tries = "ok", [], collections.Counter()
        self.release = threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers["Idempotency-Key"]
                hook.tries[key] += 1
                if hook.mode == "hang":
                    hook.release.wait(30)
                    return
                if hook.mode == "fail" or (hook.mode == "once" and hook.tries[key] == 1):
                    self.send_response(500)
                else:
                    hook.got.append((key, dict(self.headers), json.loads(body)))
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *words):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class Mail(socketserver.ThreadingTCPServer):
    """As much of SMTP as it takes; busy: 451 to everything."""
    daemon_threads = allow_reuse_address = True

    def __init__(self):
        self.mails, self.busy = [], False
        mail = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, words):
                self.wfile.write(words.encode() + b"\r\n")

            def handle(self):
                self.say("220 sink")
                to = []
                while line := self.rfile.readline():
                    word = line.split(b" ")[0].strip().upper()
                    if word == b"DATA" and not mail.busy:
                        self.say("354 go on")
                        data = b""
                        while (line := self.rfile.readline()) != b".\r\n":
                            data += line[1:] if line.startswith(b".") else line
                        mail.mails.append((to, data))
                        self.say("250 kept")
                    elif word == b"QUIT":
                        self.say("221 bye")
                        return
                    elif word in (b"EHLO", b"HELO"):
                        self.say("250 sink")
                    elif mail.busy:
                        self.say("451 later")
                    else:
                        to += [line.strip()] if word == b"RCPT" else []
                        self.say("250 ok")
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class SmsGateway(http.server.ThreadingHTTPServer):
    """Somebody's HTTP gateway for short messages. mode: ok, fail (503), refuse (422), busy (200, not taken), late (an answer
    after the server has lost patience), hang_up (no answer at all)."""
    daemon_threads = True

    def __init__(self):
        self.mode, self.got, self.tries = "ok", [], collections.Counter()
        self.release = threading.Event()
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mode, key = gateway.mode, self.headers["Idempotency-Key"]
                gateway.tries[key] += 1
                if mode == "hang_up":
                    self.close_connection = True
                    return
                if mode == "late":
                    gateway.release.wait(20)
                if mode in ("ok", "late"):
                    gateway.got.append((key, dict(self.headers), json.loads(body)))
                answer = b'{"accepted":%s}' % (b"false" if mode == "busy" else b"true")
                try:
                    self.send_response({"fail": 503, "refuse": 422}.get(mode, 200))
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # nobody waits any more

            def log_message(self, *words):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_port}/sms"
