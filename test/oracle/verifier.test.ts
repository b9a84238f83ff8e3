import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verify } from '../../src/verifier/index.ts';
import { BtfCache, type Case, inputOf, readCases } from './cases.ts';

const CORPUS = new URL('../../../shared/corpus/', import.meta.url);

describe.skipIf(!existsSync(CORPUS))(
  'recorded verdicts of Linux (skipped where the corpus is not beside the repository)',
  () => {
    it.each(['test_verifier', 'mutants'])('%s: nothing is accepted that Linux rejects', (name) => {
      const file = new URL(`${name}.jsonl.gz`, CORPUS).pathname;
      const { cases, btfDir } = readCases(file);
      const btfs = new BtfCache(btfDir);
      const wrong = cases
        .filter((c: Case) => c.env === undefined && !c.accept && (c.processed?.[0] ?? 0) < 5000)
        .filter((c: Case) => verify(inputOf(c, btfs, 0)).ok)
        .map((c: Case) => c.id);
      expect(wrong).toEqual([]);
    });
  },
);
