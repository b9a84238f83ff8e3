/**
 * Every message of the verifier is provoked by a program, on the embedded kernel and on Linux, word for word.
 * test/messages/*.txt has the programs; docs/verifier-messages.md is made of them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKernel } from '../../src/kernel/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import { ROOT } from '../docs/pages.ts';
import { describeKernel } from '../support/real-kernel.ts';
import { collectMessages } from './collect.ts';
import { provoke, readExamples, saidBy } from './programs.ts';

/** Messages that no program here provokes. A new one comes with a program: this may only shrink. */
const WITHOUT = 191;

const messages = new Map(collectMessages(ROOT).map((message) => [message.words, message]));
const examples = readExamples(ROOT);
const programs = examples.filter(({ program }) => program !== '');

describe('the messages of the verifier', () => {
  let kernel: Kernel;
  beforeAll(() => {
    kernel = createKernel().open();
  });
  afterAll(() => kernel.close());

  it('are explained once, in the words that the rules have', () => {
    const words = examples.map((example) => example.words);
    expect(words.filter((word) => !messages.has(word))).toEqual([]);
    expect(words.filter((word, i) => words.indexOf(word) !== i)).toEqual([]);
  });

  it('have a program', () => {
    const provoked = new Set(programs.map(({ words }) => words));
    const without = [...messages.keys()].filter((words) => !provoked.has(words));
    expect(without.length, `new ones among:\n${without.join('\n')}`).toBeLessThanOrEqual(WITHOUT);
  });

  for (const example of programs) {
    it(`${example.words} is said`, { timeout: 120_000 }, async () => {
      const answer = await provoke(kernel, example);
      const said = saidBy(messages.get(example.words)!, answer);
      expect(said, answer.log).toBeDefined();
      if (example.log !== '') expect(said).toBe(example.log);
    });
  }
});

describeKernel('the same programs on Linux', () => {
  let embedded: Kernel;
  let linux: Kernel;
  beforeAll(async () => {
    embedded = createKernel().open();
    linux = await openLinuxKernel();
  });
  afterAll(async () => {
    await embedded.close();
    await linux.close();
  });

  for (const example of programs.filter(({ words }) => !words.includes('by this verifier'))) {
    it(`${example.words} is said, numbers included`, { timeout: 120_000 }, async () => {
      const [ours, theirs] = [await provoke(embedded, example), await provoke(linux, example)];
      expect({ errno: ours.errno, lines: ours.lines }).toEqual({ errno: theirs.errno, lines: theirs.lines });
    });
  }
});
