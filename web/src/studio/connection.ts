import { anySignal } from "../api/signals";
import type { Streams } from "../api/streams";

/** How long a connection may take to stand, and how long it may be interrupted before it counts as lost. */
const connectMs = 15_000;
const interruptedMs = 5_000;

/** How long frames keep their size where the start of a connection would make them smaller, in ms. */
const holdSizeMs = 15_000;

/** One WebRTC connection of a publisher: from an offer to its loss. */
export class Connection {
  private readonly peer = new RTCPeerConnection();
  private readonly early: RTCIceCandidateInit[] = [];

  constructor(
    private readonly streams: Streams,
    private readonly id: number,
    tracks: MediaStreamTrack[],
    maxBitrate: number,
  ) {
    // Both kinds are always offered, so that sound or a picture can be added later without a new offer.
    for (const kind of ["audio", "video"] as const) {
      const track = tracks.find((t) => t.kind === kind);
      const { sender } = this.peer.addTransceiver(track ?? kind, {
        direction: "sendonly",
        sendEncodings: kind === "video" ? [{ maxBitrate }] : [],
      });
      if (kind === "video" && ignoresStartBitrate()) this.holdSize(sender);
    }
    this.peer.addEventListener("icecandidate", ({ candidate }) => {
      // A candidate that gets lost is no failure: the others may do.
      if (candidate) void this.streams.ice(this.id, candidate.toJSON()).catch(() => undefined);
    });
  }

  /** Exchanges descriptions and waits until media can flow. */
  async open(signal: AbortSignal): Promise<void> {
    await this.peer.setLocalDescription();
    const offer = this.peer.localDescription as RTCSessionDescription;
    const answer = await this.streams.init(this.id, { type: offer.type, sdp: offer.sdp }, signal);
    await this.peer.setRemoteDescription(answer);
    for (const candidate of this.early.splice(0)) this.addCandidate(candidate);
    if (!(await this.reaches(["connected"], ["failed", "closed"], anySignal(signal, AbortSignal.timeout(connectMs))))) {
      throw new Error("The server could not be reached for video. A firewall may block it.");
    }
  }

  /** Resolves when the connection is lost: failed, closed, or interrupted for too long. */
  async lost(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.reaches(["disconnected", "failed", "closed"], [], signal);
      if (this.peer.connectionState !== "disconnected") return;
      if (!(await this.reaches(["connected"], ["failed", "closed"], AbortSignal.timeout(interruptedMs)))) return;
    }
  }

  /** A candidate of the server's. One of another session, which a reload may still hear of, is passed over. */
  addCandidate(candidate: RTCIceCandidateInit | undefined): void {
    const answer = this.peer.remoteDescription;
    if (!candidate) return;
    if (!answer) this.early.push(candidate);
    else if (belongs(candidate, answer.sdp)) void this.peer.addIceCandidate(candidate).catch(() => undefined);
  }

  /** Sends other tracks over the same connection. False when a new one is needed. */
  async replace(tracks: MediaStreamTrack[]): Promise<boolean> {
    try {
      for (const { sender, receiver } of this.peer.getTransceivers()) {
        await sender.replaceTrack(tracks.find((t) => t.kind === receiver.track.kind) ?? null);
      }
      return true;
    } catch {
      return false;
    }
  }

  async stats(): Promise<RTCStatsReport | undefined> {
    return this.peer.connectionState === "closed" ? undefined : this.peer.getStats();
  }

  close(): void {
    this.peer.close();
    // Closing one's own end fires no event; whoever waits must hear of it.
    this.peer.dispatchEvent(new Event("connectionstatechange"));
  }

  /** Has a sender keep its full size at first, and adapt it to the network after that. */
  private holdSize(sender: RTCRtpSender): void {
    prefer(sender, "maintain-resolution");
    const timer = setTimeout(() => prefer(sender, "balanced"), holdSizeMs);
    this.peer.addEventListener("connectionstatechange", () => {
      if (this.peer.connectionState === "closed") clearTimeout(timer);
    });
  }

  /** Waits for one of the wanted states; false when another comes first, or the signal fires. */
  private reaches(
    wanted: RTCPeerConnectionState[],
    hopeless: RTCPeerConnectionState[],
    signal: AbortSignal,
  ): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (reached: boolean) => {
        this.peer.removeEventListener("connectionstatechange", check);
        signal.removeEventListener("abort", giveUp);
        resolve(reached);
      };
      const check = () => {
        const state = this.peer.connectionState;
        if (wanted.includes(state)) done(true);
        else if (hopeless.includes(state)) done(false);
      };
      const giveUp = () => done(false);
      this.peer.addEventListener("connectionstatechange", check);
      signal.addEventListener("abort", giveUp);
      if (signal.aborted) giveUp();
      else check();
    });
  }
}

/**
 * Whether a browser begins slowly whatever the answer says of a bitrate to start with. Firefox does, and sends small
 * frames for half a minute on a network that carries large ones.
 */
function ignoresStartBitrate(): boolean {
  return /\bFirefox\//.test(navigator.userAgent);
}

/** Says what a sender is to give up last. */
function prefer(sender: RTCRtpSender, preference: RTCDegradationPreference): void {
  const parameters = sender.getParameters() as RTCRtpSendParameters & { degradationPreference?: string };
  parameters.degradationPreference = preference;
  sender.setParameters(parameters).catch(() => undefined); // a wish, no more
}

/**
 * Whether a candidate is of the session that a description opens (RFC 8839,
 * section 5.4). Chromium takes one of another session for the start of a new
 * one, and never tries those it already has.
 */
export function belongs(candidate: RTCIceCandidateInit, sdp: string): boolean {
  const fragment = candidate.usernameFragment;
  if (!fragment) return true;
  return sdp.split(/\r?\n/).includes(`a=ice-ufrag:${fragment}`);
}
