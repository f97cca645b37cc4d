// A run of some rows of a benchmark leaves the others as they were.

import assert from 'node:assert/strict';
import test from 'node:test';

import { completed } from '../bench/lib/report.mjs';

const all = [['a', 'x'], ['a', 'y'], ['b', 'x']];
const before = [['a', 'x', 'old'], ['b', 'x', 'old'], ['a', 'gone', 'old']];

test('rows that are measured again take the place of those of before', () => {
  assert.deepEqual(completed(all, [['b', 'x', 'new'], ['a', 'y', 'new']], before), [['a', 'x', 'old'], ['a', 'y', 'new'], ['b', 'x', 'new']]);
});

test('a first run has no rows of before', () => {
  assert.deepEqual(completed(all, [['b', 'x', 'new']]), [['b', 'x', 'new']]);
  assert.deepEqual(completed(all, [], before), [['a', 'x', 'old'], ['b', 'x', 'old']]);
});
