import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkepError } from '../../base/errors.ts';
import { logicalLines, wordsOf } from './tokens.ts';

describe('batch files', () => {
  it('cut comments off and join continued lines', () => {
    const text = '# all of it\nmap show # the rest\nprog \\\nshow\n';
    expect([...logicalLines(text)]).toEqual(['', 'map show ', 'prog  show', '']);
  });

  it('keep quoted words together', () => {
    expect(wordsOf(`  map  show name "a b" 'c d'e `)).toEqual(['map', 'show', 'name', 'a b', 'c d', 'e']);
  });

  it('refuse a quote that does not end', () => {
    expect(() => wordsOf('map "show')).toThrow('unterminated quoted string');
  });

  it('give words or a typed error for any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        try {
          for (const line of logicalLines(text)) wordsOf(line);
        } catch (error) {
          expect(error).toBeInstanceOf(SkepError);
        }
      }),
    );
  });
});
