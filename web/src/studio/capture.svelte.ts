import type { Quality } from "../api/streams";
import {
  captureAllowed,
  listDevices,
  openCamera,
  openMicrophone,
  openScreen,
  type Choice,
  type Devices,
} from "./devices";
import { explain, type Refusal, type Wish } from "./media-errors";

/** What the studio captures now: the tracks that are shown, measured and sent. */
export class Capture {
  media = $state.raw<MediaStream>();
  refusal = $state.raw<Refusal>();
  pending = $state(false);
  /** The picture comes from a shared screen. */
  screen = $state(false);
  microphoneOn = $state(true);
  cameraOn = $state(true);
  devices = $state.raw<Devices>({ cameras: [], microphones: [] });
  choice = $state<Choice>({});

  /** Called whenever other tracks are to be sent. */
  onChange: (media: MediaStream) => void = () => undefined;

  private quality: Quality = "720";
  private turn = 0;

  get microphone(): MediaStreamTrack | undefined {
    return this.media?.getAudioTracks()[0];
  }

  get picture(): MediaStreamTrack | undefined {
    return this.media?.getVideoTracks()[0];
  }

  /** Opens the chosen camera and microphone in place of whatever was captured. */
  openCamera(quality: Quality = this.quality): Promise<boolean> {
    this.quality = quality;
    return this.open("camera", () => openCamera(quality, $state.snapshot(this.choice)));
  }

  /** Captures a screen in place of the camera; the microphone stays. */
  shareScreen(): Promise<boolean> {
    return this.open("screen", async () => {
      const screen = await openScreen();
      const voice = this.microphone?.clone() ?? (await voiceTrack(this.choice.microphone));
      const tracks = [...screen.getVideoTracks(), voice ?? screen.getAudioTracks()[0]];
      return new MediaStream(tracks.filter((track) => track !== undefined));
    });
  }

  /** Looks again which devices there are. */
  async refresh(): Promise<void> {
    this.devices = await listDevices();
  }

  setMicrophone(on: boolean): void {
    this.microphoneOn = on;
    this.applySwitches();
  }

  setCamera(on: boolean): void {
    this.cameraOn = on;
    this.applySwitches();
  }

  close(): void {
    this.turn++;
    this.release(this.media);
    this.media = undefined;
    this.pending = false;
  }

  /** The latest wish wins: what an earlier one brings later is let go. */
  private async open(wish: Wish, capture: () => Promise<MediaStream>): Promise<boolean> {
    if (!captureAllowed()) {
      this.refusal = explain(undefined, wish, false);
      return false;
    }
    const turn = ++this.turn;
    this.pending = true;
    this.refusal = undefined;
    try {
      // Some systems lend a camera only once, so the old one goes first. A screen may still be refused.
      if (wish === "camera") this.release(this.media);
      const media = await capture();
      if (turn !== this.turn) {
        this.release(media);
        return false;
      }
      this.take(media, wish);
      return true;
    } catch (error) {
      if (turn === this.turn) this.refuse(error, wish);
      return false;
    } finally {
      if (turn === this.turn) this.pending = false;
      void this.refresh();
    }
  }

  private take(media: MediaStream, wish: Wish): void {
    if (wish === "screen") this.release(this.media);
    this.media = media;
    this.screen = wish === "screen";
    this.choice = {
      camera: this.screen ? this.choice.camera : this.picture?.getSettings().deviceId,
      microphone: this.microphone?.getSettings().deviceId ?? this.choice.microphone,
    };
    // Ended by the browser's own "stop sharing", or by a cable that was pulled: on with what there is.
    for (const track of media.getTracks()) {
      track.addEventListener("ended", () => {
        if (this.media !== media) return;
        if (!this.screen) this.choice = {};
        void this.openCamera();
      });
    }
    this.applySwitches();
    this.onChange(media);
  }

  private refuse(error: unknown, wish: Wish): void {
    // Whoever closes the dialog for screens wants things as they were.
    if (wish === "screen" && (error as DOMException).name === "NotAllowedError" && this.media) return;
    this.refusal = explain(error, wish, true);
    if (wish === "camera") this.media = undefined;
  }

  private applySwitches(): void {
    if (this.microphone) this.microphone.enabled = this.microphoneOn;
    if (this.picture) this.picture.enabled = this.cameraOn || this.screen;
  }

  private release(media: MediaStream | undefined): void {
    for (const track of media?.getTracks() ?? []) track.stop();
  }
}

async function voiceTrack(microphone?: string): Promise<MediaStreamTrack | undefined> {
  try {
    return (await openMicrophone(microphone)).getAudioTracks()[0];
  } catch {
    return undefined; // A screen without a voice is still worth sharing.
  }
}
