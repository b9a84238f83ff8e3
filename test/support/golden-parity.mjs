/**
 * Compares a normalised bpftool session of ours with the recorded one, section by section, and keeps the figures.
 *
 *     tsx golden-parity.mjs KERNEL OURS RECORDED [--figures]
 *
 * Exits with 1 where a difference is not in test/golden/known-differences.ts, and where one of those has gone.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table, writeFigures } from '../../tools/house/figures.mjs';
import { differencesOf } from '../golden/known-differences.ts';

/** Where the recording's sections begin, by the number of the invocation. */
const SECTIONS = [
  [1, 'cli'],
  [52, 'map'],
  [354, 'prog'],
  [630, 'link, perf'],
  [703, 'cgroup'],
  [757, 'net'],
  [796, 'btf'],
  [870, 'gen'],
  [903, 'iter'],
  [915, 'struct_ops'],
  [941, 'feature'],
  [974, 'token'],
  [982, 'batch'],
];

const [kernel, ourFolder, recordedFolder, ...options] = process.argv.slice(2);
const ours = readSession(ourFolder);
const recorded = readSession(recordedFolder);
const known = differencesOf(kernel);

const counts = new Map();
const differing = new Set();
for (const [key, { name, text }] of recorded) {
  const our = ours.get(key);
  if (our === undefined) continue;
  const section = sectionOf(name);
  const count = counts.get(section) ?? { equal: 0, all: 0, explained: 0 };
  counts.set(section, count);
  count.all++;
  if (masked(our.text) === masked(text)) {
    count.equal++;
  } else {
    differing.add(name);
    if (name in known) count.explained++;
  }
}

const compared = new Set([...recorded].filter(([key]) => ours.has(key)).map(([, { name }]) => name));
const news = [...differing].filter((name) => !(name in known));
const gone = Object.keys(known).filter((name) => compared.has(name) && !differing.has(name));
const rows = [...counts].map(([section, { equal, all, explained }]) => [section, equal, all, explained]);
const sum = (at) => rows.reduce((total, row) => total + row[at], 0);
const shown = table(
  ['section', 'equal', 'compared', 'differences explained'],
  [...rows, ['all', sum(1), sum(2), sum(3)]],
);
console.log(shown);
for (const name of news) console.log(`  differs: ${name}`);
for (const name of gone) console.log(`  no longer differs (drop it from known-differences.ts): ${name}`);

if (options.includes('--figures')) {
  const reasons = Object.entries(known).filter(([name]) => differing.has(name));
  writeFigures(
    `bpftool 7.8, recorded: ${kernel} kernel`,
    `test/support/bpftool-parity.sh ${kernel}`,
    `${shown}\n\nWhere they differ, and why:\n\n${table(['invocation', 'reason'], reasons)}`,
  );
}
process.exitCode = news.length + gone.length > 0 ? 1 : 0;

/** Invocations by name and command line; `#2` behind those that were run again. */
function readSession(folder) {
  const found = new Map();
  if (!existsSync(folder)) return found;
  const number = (file) => Number.parseInt(file, 10);
  for (const file of readdirSync(folder).sort((a, b) => number(a) - number(b))) {
    const text = readFileSync(join(folder, file), 'utf8');
    const command = text.slice(0, text.indexOf('\n')).replace(/<[PMLB]\d+>/g, '<I>');
    const label = file.slice(file.indexOf('-') + 1);
    let key = `${label} ${command}`;
    for (let again = 2; found.has(key); again++) key = `${label} ${command} #${again}`;
    found.set(key, { name: file.replace(/\.txt$/, ''), text });
  }
  return found;
}

function sectionOf(name) {
  return SECTIONS.findLast(([first]) => first <= Number.parseInt(name, 10))[1];
}

/** Ids count per session, and another compiler makes code of another size. */
function masked(text) {
  return text.replace(/<([PMLB])\d+>/g, '<$1>').replace(/jited \d+B|"bytes_jited":\s*\d+/g, 'jited');
}
