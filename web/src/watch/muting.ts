/**
 * Mutes at once, and unmutes when the audio device is open. The element reports
 * changes of its own meanwhile, as of its volume: what was asked for stands until
 * it is done.
 */
export class Muting {
  private asked: boolean | undefined;
  private opening: Promise<void> | undefined;

  constructor(
    private readonly open: () => Promise<void>,
    private readonly set: (muted: boolean) => void,
  ) {}

  /** What a control shows for an element that is muted or not. */
  shows(muted: boolean): boolean {
    return this.asked ?? muted;
  }

  /** Asks for sound, or for none. A later wish replaces one that waits for the device. */
  async ask(muted: boolean, isMuted: boolean): Promise<void> {
    this.asked = muted;
    if (!muted && isMuted) {
      this.opening ??= this.open().finally(() => (this.opening = undefined));
      await this.opening;
    }
    if (this.asked !== muted) return;
    this.asked = undefined;
    this.set(muted);
  }
}
