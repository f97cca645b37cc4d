export type Protocol = "dash" | "hls";

/** A rendition a viewer may choose, by height. */
export interface Rendition {
  height: number;
  /** Bits a second, as the manifest says. */
  bitrate: number;
  active: boolean;
}

/** Why playback broke. The code is for support: the engine's own, e.g. shaka-1001. */
export class PlaybackError extends Error {
  constructor(readonly code: string) {
    super(code);
    this.name = "PlaybackError";
  }
}

/**
 * A player library behind one face. It may take the media element when it is made, which may be long before there is
 * something to load, and lives for one load: break, destroy, make another.
 */
export interface Engine {
  readonly name: string;
  readonly protocol: Protocol;
  /**
   * Loads a manifest; resolves when playback can start, rejects with a PlaybackError. A stream that has ended starts
   * with the oldest media there are: its manifest may not yet say that it has.
   */
  load(url: string, ended: boolean): Promise<void>;
  /** The oldest position there is, in seconds of the media element, where that does not tell. */
  windowStart?(): number;
  /** The newest playable position, in seconds of the media element. */
  liveEdge(): number;
  /** Where the newest media end, in seconds of the media element; undefined while that is not known. */
  end(): number | undefined;
  /** Whether the stream goes on; a window that is left of one that ended does not. */
  isLive(): boolean;
  /** Wall time of the frame that is shown, as the publisher's server stamped it. */
  frameTime(): Date | undefined;
  renditions(): Rendition[];
  /** Stays with one height, or chooses by itself again. */
  select(height: number | undefined): void;
  /** Media came too late: what the engine measures of the network counts more than what it hopes. */
  strained?(): void;
  destroy(): Promise<void>;
}

/** The end of what a media element can seek to, in seconds, if there is anything. */
export function seekableEnd({ seekable }: HTMLVideoElement): number | undefined {
  return seekable.length ? seekable.end(seekable.length - 1) : undefined;
}

/** What an engine tells while it plays. */
export interface EngineEvents {
  /** Playback broke and will not mend by itself. */
  onBroken(error: PlaybackError): void;
  onRenditions(): void;
}
