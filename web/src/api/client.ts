import { anySignal } from "./signals";

/** The envelope of every JSON answer: docs/openapi, `code` repeats the HTTP status. */
interface Envelope<T> {
  code: number;
  message: string;
  data: T;
  error?: string;
  meta?: PageMeta;
}

export interface PageMeta {
  page: number;
  limit: number;
  total_records: number;
  total_pages: number;
}

/** A refusal by the server, or no answer at all (status 0). The message is a sentence for the user. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    /** What the server's log knows the request by. */
    readonly reference?: string,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get transient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

const timeoutMs = 20_000;

/** Speaks JSON with the server that the page came from. Without a key it is a member of the public. */
export class Client {
  constructor(
    private readonly key?: string,
    private readonly fetch: typeof globalThis.fetch = (...request) => globalThis.fetch(...request),
  ) {}

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.call<T>("GET", path, undefined, signal).then((answer) => answer.data);
  }

  /** Like get, for lists: with the page's place in the whole. */
  list<T>(path: string, signal?: AbortSignal): Promise<{ data: T; meta?: PageMeta }> {
    return this.call<T>("GET", path, undefined, signal);
  }

  post<T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T> {
    return this.call<T>("POST", path, body, signal).then((answer) => answer.data);
  }

  private async call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Envelope<T>> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (this.key) headers.Authorization = `Bearer ${this.key}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const limit = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await this.fetch(`/v1${path}`, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: signal ? anySignal(signal, limit) : limit,
        cache: "no-store",
        credentials: "omit",
      });
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new ApiError(0, "unreachable", "The server does not answer. Check your connection.");
    }
    return open<T>(response);
  }
}

async function open<T>(response: Response): Promise<Envelope<T>> {
  let envelope: Envelope<T> | undefined;
  try {
    envelope = (await response.json()) as Envelope<T>;
  } catch {
    // A proxy's error page is not JSON; its status still tells enough.
  }
  if (response.ok && envelope) return envelope;
  throw new ApiError(
    response.status,
    envelope?.error ?? `http_${response.status}`,
    sentence(envelope?.message) ?? `The server answered ${response.status}.`,
    response.headers.get("X-Request-Id") ?? undefined,
  );
}

/** Makes a server's message read as a sentence: a capital first, a full stop last. */
export function sentence(message: string | undefined): string | undefined {
  const text = message?.trim();
  if (!text) return undefined;
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
