"""A client of a Countermark server, with nothing but Python's standard library (3.9 or newer).

    client = Countermark("http://127.0.0.1:8480", token="cmk_…")
    job = client.wait(client.capture(open("events.json", "rb").read()))
    events = list(client.events("EQ_bizStep=shipping"))
    bundle = client.bundle(events[0]["eventID"], fields=["/bizStep"])
    print(client.verify(bundle)["verdict"])
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

BUNDLE = "application/vnd.countermark.bundle+cbor"


class Problem(Exception):
    """The server refused: its problem details (RFC 9457)."""

    def __init__(self, details, retry_after=None):
        super().__init__(f"{details.get('status')}: {details.get('title')}: {details.get('detail')}")
        self.details = details
        self.retry_after = retry_after


class Countermark:
    """Calls one server with one API key."""

    def __init__(self, url, token, timeout=60):
        self.url, self.token, self.timeout = url.rstrip("/"), token, timeout

    def capture(self, document, member=None, name=None, content_type="application/ld+json"):
        """Submits an EPCIS document; gives its capture job, which runs from then on."""
        if not isinstance(document, bytes):
            document = json.dumps(document).encode()
        query = {"member": member, "name": name}
        return self._json("POST", "/capture", query, document, content_type)

    def import_file(self, content, mapping, member=None, name=None):
        """Submits a foreign document, which is read through a mapping; gives its capture job."""
        query = {"mapping": mapping, "member": member, "name": name}
        return self._json("POST", "/import", query, content, "application/octet-stream")

    def job(self, capture_id):
        """A capture job as it stands."""
        return self._json("GET", f"/capture/{urllib.parse.quote(capture_id, safe='')}")

    def wait(self, job, seconds=300):
        """Waits until a capture job is finished; gives it with what became of its document."""
        deadline, pause = time.monotonic() + seconds, 0.05
        while True:
            job = self.job(job["captureID"])
            if not job["running"]:
                return job
            if time.monotonic() > deadline:
                raise TimeoutError(f"capture job {job['captureID']} still runs")
            time.sleep(pause)
            pause = min(pause * 2, 2)

    def events(self, query=""):
        """The events that answer an EPCIS query (`EQ_bizStep=shipping&perPage=100`), page by page."""
        target = "/events" + (f"?{query}" if query else "")
        while target:
            body, headers = self._call("GET", target)
            document = json.loads(body)
            yield from document["epcisBody"]["queryResults"]["resultsBody"]["eventList"]
            target = next_page(headers.get("Link"))

    def trace(self, identifier, direction="up"):
        """Where an item or a lot came from (`up`), where it went (`down`), or `both`."""
        return self._json("GET", "/trace", {"id": identifier, "direction": direction})

    def bundle(self, event_id, fields=()):
        """A bundle that proves an event, or the fields at these JSON pointers."""
        path = f"/events/{urllib.parse.quote(event_id, safe='')}/bundle"
        return self._call("GET", path + query_of({"field": list(fields)}))[0]

    def verify(self, bundle, own_trust=True):
        """The server's verdict on a bundle, against its own trust policy unless told otherwise.

        It holds as far as the server is trusted; `countermark verify` needs no server at all.
        """
        query = {"trust": "own" if own_trust else None}
        return self._json("POST", "/verify", query, bundle, BUNDLE)

    def trust_policy(self):
        """The server's trust policy file."""
        return self._call("GET", "/trust-policy")[0]

    def _json(self, method, path, query=None, body=None, content_type=None):
        return json.loads(self._call(method, path + query_of(query or {}), body, content_type)[0])

    def _call(self, method, target, body=None, content_type=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if content_type:
            headers["Content-Type"] = content_type
        request = urllib.request.Request(self.url + target, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as answer:
                return answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            text, after = error.read(), error.headers.get("Retry-After")
            try:
                details = json.loads(text)
            except ValueError:
                details = {"status": error.code, "title": error.reason, "detail": ""}
            raise Problem(details, after and int(after)) from None


def query_of(parameters):
    """A query string; what is None is left out, a list is given several times."""
    given = {name: value for name, value in parameters.items() if value not in (None, [])}
    return "?" + urllib.parse.urlencode(given, doseq=True) if given else ""


def next_page(link):
    """The target of a `Link` with rel="next"."""
    if not link or 'rel="next"' not in link:
        return None
    return link[link.index("<") + 1 : link.index(">")]
