/** Measures how loud a track is, for the meter: 0 silent, 1 full. */
export class LevelMeter {
  private readonly context = new AudioContext();
  private readonly analyser = this.context.createAnalyser();
  private readonly samples: Float32Array<ArrayBuffer>;
  private source: MediaStreamAudioSourceNode | undefined;

  constructor() {
    this.analyser.fftSize = 512;
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  /** Listens to a track from now on, or to nothing. */
  listen(track: MediaStreamTrack | undefined): void {
    this.source?.disconnect();
    this.source = track && this.context.createMediaStreamSource(new MediaStream([track]));
    this.source?.connect(this.analyser);
    // Browsers keep a context silent until the user has touched the page.
    if (this.context.state === "suspended") void this.context.resume().catch(() => undefined);
  }

  read(): number {
    if (!this.source) return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    return meter(this.samples);
  }

  close(): void {
    this.source?.disconnect();
    void this.context.close().catch(() => undefined);
  }
}

const floorDb = -54;

/** The loudness of samples on a scale that ears agree with: decibels from the floor to full scale. */
export function meter(samples: Float32Array): number {
  let sum = 0;
  for (const s of samples) sum += s * s;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms === 0) return 0;
  const db = 20 * Math.log10(rms);
  return Math.min(1, Math.max(0, 1 - db / floorDb));
}
