import type { Quality } from "../api/streams";

const ceilings: Record<Quality, number> = {
  "360": 1_500_000,
  "480": 2_200_000,
  "720": 4_000_000,
  "1080": 7_000_000,
};

/**
 * The most to send for a quality, in bits a second. The server encodes again,
 * so what it gets should be clearly better than what it makes of it.
 */
export function maxBitrate(quality: string): number {
  return ceilings[quality as Quality] ?? ceilings["720"];
}
