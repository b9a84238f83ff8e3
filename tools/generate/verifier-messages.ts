/** docs/verifier-messages.md: what the verifier says, a program that makes it say so, what it means, what mends it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKernel } from '../../src/kernel/index.ts';
import { collectMessages, type Message } from '../../test/messages/collect.ts';
import { MAPS } from '../../test/messages/maps.ts';
import { type Example, provoke, readExamples, saidBy } from '../../test/messages/programs.ts';
import { markdownTable } from './markdown-table.ts';

export const PAGE = 'docs/verifier-messages.md';

export async function generateVerifierMessages(root: string): Promise<string> {
  const messages = new Map(collectMessages(root).map((message) => [message.words, message]));
  const examples = new Map(readExamples(root).map((example) => [example.words, example]));
  const parts = [head(messages, examples)];
  const kernel = createKernel().open();
  for (const { title, words } of chapters(root)) {
    parts.push(`## ${title}`);
    for (const word of words) {
      const message = messages.get(word);
      const example = examples.get(word);
      if (!message || !example?.program) continue;
      const said = example.log || saidBy(message, await provoke(kernel, example));
      if (said === undefined) throw new Error(`test/messages: its program does not provoke '${word}'`);
      parts.push(entry(message, example, said));
    }
  }
  await kernel.close();
  parts.push(rest(messages, examples));
  return `${parts.join('\n\n')}\n`;
}

/** The files of test/messages: their first line is the title. */
function chapters(root: string): { title: string; words: string[] }[] {
  const folder = join(root, 'test/messages');
  return ['instructions.txt', 'memory.txt', 'calls.txt', 'resources.txt'].map((name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    const words = Array.from(text.matchAll(/^== (.*)$/gm), (m) => m[1]!.replaceAll('\\n', '\n'));
    return { title: text.slice(0, text.indexOf('\n')).replace(/\.$/, ''), words };
  });
}

function head(messages: ReadonlyMap<string, Message>, examples: ReadonlyMap<string, Example>): string {
  const proven = [...messages.keys()].filter((words) => examples.get(words)?.program).length;
  const maps = Object.entries(MAPS).map(([name, what]) => [`\`${name}\``, what]);
  return `# What the verifier says

<!-- Made by npm run generate from the rules in src/verifier and the programs in test/messages. -->

The verifier's words are Linux's, so that what is known of one helps with the other. The commonest
messages have [pages of their own](verifier/README.md), with C and how to read the log.

Here is each message, \`…\` in place of what varies, with the rule that says it, and a minimal program that provokes it: ${proven} of
${messages.size}. Every program is loaded by the tests, on the embedded kernel and on Linux 6.18, and both say the same, word for word.

\`skep prog load\` prints the end of the log, \`-d\` all of it. A program below is of type xdp unless it says otherwise. What is written as
\`map[name]\` is one of these:

${markdownTable(['name', 'map'], maps)}`;
}

function entry({ words, files }: Message, { means, mend, section, license, program }: Example, said: string): string {
  const notes = [
    ...(section === 'xdp' ? [] : [`// SEC("${section}")`]),
    ...(license === 'GPL' ? [] : [`// license: ${license}`]),
  ];
  const where = files.map((file) => `[${file}](../${file})`).join(', ');
  return `### ${heading(words)}

${means} ${where}

**Mend:** ${mend}

\`\`\`asm
${[...notes, program].join('\n')}
\`\`\`
\`\`\`log
${said}
\`\`\``;
}

function heading(words: string): string {
  return `\`${words.replaceAll('\n', ' ')}\``;
}

function rest(messages: ReadonlyMap<string, Message>, examples: ReadonlyMap<string, Example>): string {
  const left = [...messages.values()].filter(({ words }) => !examples.get(words)?.program);
  const rows = left.map(({ words, files }) => {
    const example = examples.get(words);
    return [
      `\`${words}\``,
      example ? example.means : '',
      files.map((file) => file.slice('src/verifier/'.length)).join(', '),
    ];
  });
  return `## Without a program

${left.length} messages: those that only programs of somebody without CAP_PERFMON get, those that need types of their own, and those that
nobody gets as long as the verifier is right.

${markdownTable(['message', 'what it means', 'rule in src/verifier'], rows)}`;
}
