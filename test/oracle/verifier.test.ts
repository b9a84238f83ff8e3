/** Recorded cases that Linux rejects: the embedded kernel accepts none of them. */
import { existsSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { programsOf, readCaseFile } from '../../src/bin/cases/case.ts';
import { openCaseHost } from '../../src/bin/cases/host.ts';
import { BtfObjects } from '../../src/bin/cases/objects.ts';
import { answerProgram } from '../../src/bin/cases/program.ts';

const CORPUS = new URL('../../../shared/corpus/', import.meta.url);
/** Instructions that were looked at: longer ones take longer than a test should. */
const LONG = 5000;

describe.skipIf(!existsSync(CORPUS))(
  'recorded verdicts of Linux (skipped where the corpus is not beside the repository)',
  async () => {
    const host = await openCaseHost('embedded');
    const btfs = new BtfObjects(host.kernel);
    afterAll(async () => {
      await btfs.close();
      await host.kernel.close();
    });

    it.each(['test_verifier', 'mutants'])('%s: nothing is accepted that Linux rejects', async (name) => {
      const file = readCaseFile(new URL(`${name}.jsonl.gz`, CORPUS).pathname);
      const rejected = programsOf(file).filter(
        (c) => c.env === undefined && !c.accept && (c.processed?.[0] ?? 0) < LONG,
      );
      const wrong: string[] = [];
      for (const c of rejected) {
        if ((await answerProgram(host, btfs, file.btfDirectory, c)).accept) wrong.push(c.id);
      }
      expect(rejected.length).toBeGreaterThan(100);
      expect(wrong).toEqual([]);
    });
  },
);
