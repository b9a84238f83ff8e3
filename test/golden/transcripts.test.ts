import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GOLDEN, replay, transcripts } from '../support/golden.ts';

describe('golden transcripts', () => {
  it.each(transcripts())('%s answers as it did', async (name) => {
    const expected = readFileSync(join(GOLDEN, name), 'utf8');
    expect(await replay(expected)).toBe(expected);
  });
});
