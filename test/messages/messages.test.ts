/**
 * Every message of the verifier is provoked by a program, on the embedded kernel and on Linux, word for word.
 * test/messages/*.txt has the programs; docs/verifier-messages.md is made of them.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { createKernel } from '../../src/kernel/index.ts';
import { ROOT } from '../docs/pages.ts';
import { describeKernel } from '../support/real-kernel.ts';
import { askEmbedded, askLinux } from './ask.ts';
import { collectMessages } from './collect.ts';
import { readExamples } from './examples.ts';
import { type Answer, saidBy } from './programs.ts';

const messages = new Map(collectMessages(ROOT).map((message) => [message.words, message]));
const examples = readExamples(ROOT);
const embedded = createKernel();
const programs = examples.filter(({ program }) => program !== '');

describe('the messages of the verifier', () => {
  it('are explained once, in the words that the rules have', () => {
    const words = examples.map((example) => example.words);
    expect(words.filter((word) => !messages.has(word))).toEqual([]);
    expect(words.filter((word, i) => words.indexOf(word) !== i)).toEqual([]);
  });

  it('have a program, or a reason why there is none', () => {
    const known = new Set(examples.filter(({ program, never }) => program || never).map(({ words }) => words));
    expect([...messages.keys()].filter((words) => !known.has(words))).toEqual([]);
  });

  for (const example of programs) {
    it(`${example.words} is said`, { timeout: 120_000 }, async () => {
      const answer = await askEmbedded(embedded, example);
      const said = saidBy(messages.get(example.words)!, answer);
      expect(said, answer.log).toBeDefined();
      if (example.log !== '') expect(said).toBe(example.log);
    });
  }
});

describeKernel('the same programs on Linux', () => {
  const asked = programs.filter(({ ours }) => ours === '');
  const theirs = new Map<string, Answer>();
  beforeAll(async () => {
    for (const [i, answer] of (await askLinux(asked)).entries()) theirs.set(asked[i]!.words, answer);
  }, 300_000);

  for (const example of asked) {
    it(`${example.words} is said, numbers included`, { timeout: 120_000 }, async () => {
      const { errno, lines } = await askEmbedded(embedded, example);
      expect({ errno, lines }).toEqual({
        errno: theirs.get(example.words)!.errno,
        lines: theirs.get(example.words)!.lines,
      });
    });
  }
});
