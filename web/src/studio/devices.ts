import type { Quality } from "../api/streams";

/** Which camera and microphone to use; undefined means the browser's choice. */
export interface Choice {
  camera?: string | undefined;
  microphone?: string | undefined;
}

export interface Device {
  id: string;
  label: string;
}

export interface Devices {
  cameras: Device[];
  microphones: Device[];
}

/** Whether the browser lets this page capture at all. */
export function captureAllowed(): boolean {
  return window.isSecureContext && !!navigator.mediaDevices?.getUserMedia;
}

export function screenShareOffered(): boolean {
  return !!navigator.mediaDevices?.getDisplayMedia;
}

const frameRate = 30;

/** The size to ask a camera for: the stream's quality in 16:9. */
export function cameraConstraints(quality: Quality, camera?: string): MediaTrackConstraints {
  const height = Number(quality);
  return {
    width: { ideal: Math.round((height * 16) / 9 / 2) * 2 },
    height: { ideal: height },
    frameRate: { ideal: frameRate },
    ...(camera ? { deviceId: { exact: camera } } : {}),
  };
}

function microphoneConstraints(microphone?: string): MediaTrackConstraints {
  return {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    ...(microphone ? { deviceId: { exact: microphone } } : {}),
  };
}

/**
 * Opens camera and microphone. Where one of them is missing, the other is
 * opened alone: a stream without sound, or without a picture, is still one.
 */
export async function openCamera(quality: Quality, choice: Choice): Promise<MediaStream> {
  const video = cameraConstraints(quality, choice.camera);
  const audio = microphoneConstraints(choice.microphone);
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio });
  } catch (error) {
    if ((error as DOMException).name !== "NotFoundError") throw error;
    const { cameras, microphones } = await listDevices();
    if (cameras.length > 0) return navigator.mediaDevices.getUserMedia({ video, audio: false });
    if (microphones.length > 0) return navigator.mediaDevices.getUserMedia({ video: false, audio });
    throw error;
  }
}

export function openMicrophone(microphone?: string): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({ audio: microphoneConstraints(microphone) });
}

/** Asks for a screen, window or tab. Needs a click shortly before. */
export async function openScreen(): Promise<MediaStream> {
  const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate }, audio: true });
  for (const track of stream.getVideoTracks()) track.contentHint = "detail";
  return stream;
}

/** The cameras and microphones there are. Labels are empty until the user has allowed one. */
export async function listDevices(): Promise<Devices> {
  if (!navigator.mediaDevices?.enumerateDevices) return { cameras: [], microphones: [] };
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind, noun: string) =>
    all
      .filter((device) => device.kind === kind)
      .map((device, i) => ({ id: device.deviceId, label: device.label || `${noun} ${i + 1}` }));
  return { cameras: of("videoinput", "Camera"), microphones: of("audioinput", "Microphone") };
}
