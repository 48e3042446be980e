/**
 * A client of a Countermark server: `fetch` and nothing else. Runs in browsers, Deno and Node 20 or newer.
 *
 *     const client = new Countermark("http://127.0.0.1:8480", "cmk_…");
 *     const job = await client.wait(await client.capture(document));
 *     for await (const event of client.events("EQ_bizStep=shipping")) console.log(event.eventID);
 */

export interface Finding {
  pointer: string;
  rule: string;
  severity: "error" | "warning" | "note";
  message: string;
  suggestion?: string;
}

/** Problem details (RFC 9457). */
export interface ProblemDetails {
  type?: string;
  title: string;
  status: number;
  detail: string;
  pointer?: string;
  rule?: string;
  hint?: string;
  findings?: Finding[];
}

export interface Job {
  captureID: string;
  running: boolean;
  success: boolean;
  state: "queued" | "running" | "finished";
  accepted: number;
  duplicates: number;
  rejected: number;
  quarantined: number;
  errors?: ProblemDetails[];
}

export interface EpcisEvent {
  type: string;
  eventID: string;
  eventTime: string;
  [name: string]: unknown;
}

export interface Trace {
  nodes: { id: string; member: string }[];
  edges: { from: string; to: string; eventID: string }[];
  missing: { member: string }[];
  truncated: boolean;
}

export interface Verdict {
  verdict: "holds" | "consistent; log key not checked" | "does not hold";
  message: string;
  checks: { check: string; state: string; detail: string }[];
  disclosed: { pointer: string; absent: boolean; value?: unknown }[];
}

type Query = Record<string, string | string[] | undefined>;

const BUNDLE = "application/vnd.countermark.bundle+cbor";

/** The server refused. */
export class Problem extends Error {
  readonly details: ProblemDetails;
  /** Seconds after which to come back. */
  readonly retryAfter: number | undefined;

  constructor(details: ProblemDetails, retryAfter?: number) {
    super(`${details.status}: ${details.title}: ${details.detail}`);
    this.details = details;
    this.retryAfter = retryAfter;
  }
}

/** Calls one server with one API key. */
export class Countermark {
  private readonly url: string;
  private readonly token: string;

  constructor(url: string, token: string) {
    this.url = url.replace(/\/+$/, "");
    this.token = token;
  }

  /** Submits an EPCIS document; gives its capture job, which runs from then on. */
  async capture(document: unknown, options: { member?: string; name?: string } = {}): Promise<Job> {
    const body = typeof document === "string" ? document : JSON.stringify(document);
    return this.json<Job>("POST", "/capture", { ...options }, body, "application/ld+json");
  }

  /** A capture job as it stands. */
  async job(captureID: string): Promise<Job> {
    return this.json<Job>("GET", `/capture/${encodeURIComponent(captureID)}`);
  }

  /** Waits until a capture job is finished; gives it with what became of its document. */
  async wait(job: Job, seconds = 300): Promise<Job> {
    const deadline = Date.now() + seconds * 1000;
    for (let pause = 50; ; pause = Math.min(pause * 2, 2000)) {
      const now = await this.job(job.captureID);
      if (!now.running) return now;
      if (Date.now() > deadline) throw new Error(`capture job ${job.captureID} still runs`);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** The events that answer an EPCIS query, page by page. */
  async *events(query = ""): AsyncGenerator<EpcisEvent> {
    let target: string | null = "/events" + (query ? `?${query}` : "");
    while (target) {
      const answer: Response = await this.call("GET", target);
      const document = await answer.json();
      yield* document.epcisBody.queryResults.resultsBody.eventList as EpcisEvent[];
      target = nextPage(answer.headers.get("link"));
    }
  }

  /** Where an item or a lot came from (`up`), where it went (`down`), or both. */
  async trace(id: string, direction: "up" | "down" | "both" = "up"): Promise<Trace> {
    return this.json<Trace>("GET", "/trace", { id, direction });
  }

  /** A bundle that proves an event, or the fields at these JSON pointers. */
  async bundle(eventID: string, fields: string[] = []): Promise<Uint8Array> {
    const path = `/events/${encodeURIComponent(eventID)}/bundle${queryOf({ field: fields })}`;
    return new Uint8Array(await (await this.call("GET", path)).arrayBuffer());
  }

  /** The server's verdict on a bundle, against its own trust policy. */
  async verify(bundle: Uint8Array): Promise<Verdict> {
    return this.json<Verdict>("POST", "/verify", { trust: "own" }, bundle, BUNDLE);
  }

  private async json<T>(
    method: string,
    path: string,
    query: Query = {},
    body?: string | Uint8Array,
    contentType?: string,
  ): Promise<T> {
    return (await this.call(method, path + queryOf(query), body, contentType)).json() as Promise<T>;
  }

  private async call(
    method: string,
    target: string,
    body?: string | Uint8Array,
    contentType?: string,
  ): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.token}` };
    if (contentType) headers["content-type"] = contentType;
    const answer = await fetch(this.url + target, { method, headers, body: body as BodyInit | undefined });
    if (answer.ok) return answer;
    const unknown = { status: answer.status, title: answer.statusText, detail: "" };
    const details = (await answer.json().catch(() => unknown)) as ProblemDetails;
    const after = answer.headers.get("retry-after");
    throw new Problem(details, after ? Number(after) : undefined);
  }
}

/** A query string; what is undefined is left out, a list is given several times. */
function queryOf(parameters: Query): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of value === undefined ? [] : [value].flat()) query.append(name, one);
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** The target of a `Link` with rel="next". */
function nextPage(link: string | null): string | null {
  return link?.match(/<([^>]*)>; rel="next"/)?.[1] ?? null;
}
