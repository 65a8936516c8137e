"""Members that speak channel.json, on threads of their own, and who publishes to them."""
import http.client
import json
import threading


class Publisher:
    """One connection, and so one child: what it posts comes in order."""

    def __init__(self, machine):
        self.connection = http.client.HTTPConnection("127.0.0.1", machine.port, timeout=30)

    def post(self, path, body):
        """The answer's JSON."""
        self.connection.request("POST", path, body.encode())
        answer = self.connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, (answer.status, text)
        return json.loads(text)

    def close(self):
        self.connection.close()


class JsonMember:
    def __init__(self, machine, path):
        self.connection = machine.open(path, headers={"Sec-WebSocket-Protocol": "channel.json"},
                                       timeout=60)
        self.events = []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        self.wait(lambda: self.events)
        self.first = self.events.pop(0)
        assert self.first["type"] == "subscribed"

    def read(self):
        try:
            while True:
                event = json.loads(self.connection.read_text())
                with self.changed:
                    self.events.append(event)
                    self.changed.notify_all()
        except (OSError, AssertionError, ValueError, EOFError):
            pass

    def messages(self):
        return [event["data"] for event in self.events if event["type"] == "message"]

    def types(self):
        return [event["type"] for event in self.events]

    def count(self, kind):
        return self.types().count(kind)

    def wait(self, condition, timeout=20.0):
        with self.changed:
            assert self.changed.wait_for(condition, timeout), str(self.events[-5:])[:400]

    def wait_for(self, text, timeout=20.0):
        self.wait(lambda: text in self.messages(), timeout)

    def close(self):
        self.connection.drop()
