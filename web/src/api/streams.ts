import type { Client, PageMeta } from "./client";
import { reachable } from "./origin";

export type Status = "created" | "prepared" | "live" | "reconnecting" | "ended" | "error";

/** What a stream's top rendition may be, by height; the API writes heights as strings. */
export const qualities = ["360", "480", "720", "1080"] as const;
export type Quality = (typeof qualities)[number];

/** A stream as the API shows it: times are RFC 3339 or null, addresses "" until there are any. */
export interface Stream {
  id: number;
  name: string;
  slug: string;
  description: string;
  quality: string;
  status: Status;
  is_live: boolean;
  viewer_count: number;
  error?: string | null;
  /** Why the stream ended: a stable word, null while it has not. */
  end_cause?: string | null;
  created_at: string;
  prepared_at: string | null;
  start_time: string | null;
  end_time: string | null;
  hls_url: string;
  dash_url: string;
}

/** The calls on streams, each one request. */
export class Streams {
  constructor(private readonly client: Client) {}

  list(page = 1, size = 10, signal?: AbortSignal): Promise<{ data: Stream[]; meta?: PageMeta }> {
    return this.client.list(`/streams?page=${page}&page_size=${size}`, signal);
  }

  async get(ref: string | number, signal?: AbortSignal): Promise<Stream> {
    const stream = await this.client.get<Stream>(`/streams/${encodeURIComponent(ref)}`, signal);
    const here = (url: string) => reachable(url, location.href);
    return { ...stream, hls_url: here(stream.hls_url), dash_url: here(stream.dash_url) };
  }

  create(name: string, quality: Quality): Promise<Stream> {
    return this.client.post("/streams/create", { name, quality });
  }

  prepare(id: number): Promise<Stream> {
    return this.client.post(`/streams/${id}/prepare`);
  }

  /** A key for this stream's events that may stand in an address, for one hour. */
  eventKey(id: number): Promise<string> {
    return this.client.post(`/streams/${id}/eventkey`);
  }

  /** Hands over the browser's offer and returns the server's answer. */
  init(id: number, offer: RTCSessionDescriptionInit, signal?: AbortSignal): Promise<RTCSessionDescriptionInit> {
    return this.client.post(`/streams/${id}/init`, { session_description: offer }, signal);
  }

  ice(id: number, candidate: RTCIceCandidateInit): Promise<true> {
    return this.client.post(`/streams/${id}/ice`, candidate);
  }

  start(id: number, signal?: AbortSignal): Promise<{ dash: string; hls: string }> {
    return this.client.post(`/streams/${id}/start`, {}, signal);
  }

  end(id: number): Promise<Stream> {
    return this.client.post(`/streams/${id}/end`);
  }
}

/** The path of a stream's page for viewers. Ids are used because slugs may repeat. */
export function watchPath(id: number): string {
  return `/watch/${id}`;
}
