/** The pages of the documentation, and what stands in them between three backticks. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Block {
  /** What follows the opening backticks: `ts runnable`. */
  readonly info: string;
  readonly text: string;
  /** Line of the opening backticks, from 1. */
  readonly line: number;
}

export interface Page {
  /** From the root of the repository. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

export function readPages(): Page[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort();
  return ['README.md', ...docs.map((name) => `docs/${name}`)].map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { path, text, blocks: blocksOf(text) };
  });
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  for (const m of text.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)) {
    blocks.push({ info: m[1]!.trim(), text: m[2]!, line: text.slice(0, m.index).split('\n').length });
  }
  return blocks;
}
