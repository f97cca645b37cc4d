// All rules, in the order of docs/conformance.md.

import { answerRules } from './answers.mjs';
import { boxRules } from './cmaf.mjs';
import { dashRules } from './dash.mjs';
import { partRules } from './hls-parts.mjs';
import { playlistRules } from './hls-playlists.mjs';

const kinds = ['H', 'D', 'C'];

function byItem(a, b) {
  return kinds.indexOf(a.item[0]) - kinds.indexOf(b.item[0]) || Number(a.item.slice(1)) - Number(b.item.slice(1));
}

export const rules = [...playlistRules, ...partRules, ...answerRules, ...dashRules, ...boxRules].sort(byItem);
