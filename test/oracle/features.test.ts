/**
 * Programs from C, a file a feature: the embedded kernel says what Linux 6.18 said, and where bpf(2) works and the
 * machine's kernel is a 6.18, it is asked again. The sources are in `features/`.
 */
import { release } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { ProgramCase } from '../../src/bin/cases/case.ts';
import { type CaseHost, openCaseHost } from '../../src/bin/cases/host.ts';
import { BtfObjects } from '../../src/bin/cases/objects.ts';
import { answerProgram } from '../../src/bin/cases/program.ts';
import { describeKernel } from '../support/real-kernel.ts';
import { readRecorded } from './features/recorded.ts';

const { cases, blobs } = readRecorded();
const FILES = [...new Set(cases.map((c) => c.id.split('/')[0]!))];

/** What is compared, one line a program. */
const said = (c: Pick<ProgramCase, 'accept' | 'errno' | 'msg' | 'processed' | 'runs'>, id: string): string => {
  const runs = (c.runs ?? []).map(
    (run) => ` answers ${run.errno ? `errno ${run.errno}` : run.retval | 0} ${run.data_out}`,
  );
  return `${id}: ${c.accept ? 'accepted' : `${c.errno} ${c.msg}`} (${c.processed?.[0]} instructions)${runs.join('')}`;
};

async function answers(host: CaseHost, file: string): Promise<string[]> {
  const btfs = new BtfObjects(host.kernel, blobs);
  const lines: string[] = [];
  try {
    for (const c of cases.filter((one) => one.id.startsWith(`${file}/`))) {
      lines.push(said(await answerProgram(host, btfs, '', c), c.id));
    }
  } finally {
    await btfs.close();
    await host.kernel.close();
  }
  return lines;
}

const recorded = (file: string): string[] => cases.filter((c) => c.id.startsWith(`${file}/`)).map((c) => said(c, c.id));

describe('the embedded kernel says what Linux said', () => {
  it.each(FILES)('%s', async (file) => {
    expect(await answers(await openCaseHost('embedded'), file)).toEqual(recorded(file));
  });
});

const isReference = release().startsWith('6.18.');
(isReference ? describeKernel : describe.skip)('Linux 6.18 still says it', () => {
  it.each(FILES)('%s', async (file) => {
    expect(await answers(await openCaseHost('linux'), file)).toEqual(recorded(file));
  });
});
