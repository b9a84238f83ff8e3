/** skep cases: program cases on a kernel, one answer a line, or how the answers agree with the files; or recording some. */
import type { KernelChoice } from '../argv.ts';
import { readCaseFile } from './case.ts';
import { Comparison } from './compare.ts';
import { openCaseHost } from './host.ts';
import { readOptions, USAGE } from './options.ts';
import { type Answer, answerFile } from './runner.ts';
import { comparisonText } from './table.ts';
import { recordCases } from './write.ts';

export async function casesCommand(words: readonly string[], kernel: KernelChoice): Promise<number> {
  const options = readOptions(words);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (options.record !== undefined) return record(kernel, options.record, options.files);
  const files = options.files.map(readCaseFile);
  const comparison = new Comparison();
  for (const file of files) {
    const host = await openCaseHost(kernel);
    try {
      for await (const answered of answerFile(host, file, options)) {
        if (options.compare) comparison.add(file.name, answered);
        else await print(answerLine(answered.answer));
      }
    } finally {
      await host.kernel.close();
    }
  }
  if (options.compare) {
    const { rows, disagreements } = comparison;
    await print(
      options.json ? `${JSON.stringify({ rows: [...rows.values()], disagreements })}\n` : comparisonText(comparison),
    );
  }
  return 0;
}

async function record(kernel: KernelChoice, path: string, objects: readonly string[]): Promise<number> {
  const host = await openCaseHost(kernel);
  try {
    const count = await recordCases(host, path, objects, (message) => process.stderr.write(`left out: ${message}\n`));
    await print(`${path}: ${count} cases\n`);
  } finally {
    await host.kernel.close();
  }
  return 0;
}

/** One line of JSON. r0 is a whole 64-bit number, which JSON takes and JavaScript's numbers do not. */
function answerLine(answer: Answer): string {
  if (!('r0' in answer) || answer.r0 === undefined) return `${JSON.stringify(answer)}\n`;
  const { r0, ...rest } = answer;
  return `${JSON.stringify(rest).slice(0, -1)},"r0":${r0}}\n`;
}

/** Writes, and waits while whoever reads is behind. */
async function print(text: string): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise((resolve) => process.stdout.once('drain', resolve));
}
