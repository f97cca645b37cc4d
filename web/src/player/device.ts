/** A device that takes longer to open than this (ms) is not waited for. */
const openMs = 1500;

/** How long the device is held open for the element to take over, in ms. */
const holdMs = 3000;

/**
 * Opens the audio device, and resolves when it plays. An element that is unmuted
 * opens it, too, but keeps its frames standing meanwhile: up to a second. Call
 * it as the viewer asks for sound, as browsers refuse it otherwise.
 */
export async function openAudioDevice(): Promise<void> {
  const context = make();
  if (!context) return;
  setTimeout(() => void context.close().catch(() => undefined), openMs + holdMs);
  const silence = context.createGain();
  silence.gain.value = 0;
  const source = context.createConstantSource();
  source.connect(silence).connect(context.destination);
  source.start();
  const late = performance.now() + openMs;
  context.resume().catch(() => undefined); // where it is refused the element has to do without
  while (!(context.currentTime > 0) && performance.now() < late) await new Promise((next) => setTimeout(next, 20));
}

/** Browsers limit how many there may be, and old ones have none. */
function make(): AudioContext | undefined {
  try {
    return new AudioContext();
  } catch {
    return undefined;
  }
}
