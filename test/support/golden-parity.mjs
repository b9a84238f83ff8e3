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
import { differencesOf, REWRITTEN } from '../golden/known-differences.ts';

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
/** Links that the recording's holder made, and that cannot be made here. */
const FOREIGN =
  kernel === 'linux'
    ? /struct_ops/
    : /uprobe|uretprobe|netns|netfilter|"?type"?:? ?"iter|: iter|struct_ops|sockmap|cgroup_inet4_connect/;
const ours = readSession(ourFolder);
const recorded = readSession(recordedFolder);
const known = differencesOf(kernel);

const counts = new Map();
const differing = new Set();
const reworded = [];
for (const [key, { name, text }] of recorded) {
  const our = ours.get(key);
  if (our === undefined) continue;
  const section = sectionOf(name);
  const count = counts.get(section) ?? { equal: 0, all: 0, explained: 0 };
  counts.set(section, count);
  count.all++;
  if (comparable(our.text, name) === comparable(text, name)) {
    count.equal++;
  } else if (known[name] === REWRITTEN && sources(our.text) !== sources(text)) {
    differing.add(name);
    reworded.push(name);
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
for (const name of reworded) console.log(`  differs in more than instructions: ${name}`);
for (const name of gone) console.log(`  no longer differs (drop it from known-differences.ts): ${name}`);

if (options.includes('--figures')) {
  const reasons = Object.entries(known).filter(([name]) => differing.has(name));
  writeFigures(
    `bpftool 7.8, recorded: ${kernel} kernel`,
    `test/support/bpftool-parity.sh ${kernel}`,
    `${shown}\n\nWhere they differ, and why:\n\n${table(['invocation', 'reason'], reasons)}`,
  );
}
process.exitCode = news.length + gone.length + reworded.length > 0 ? 1 : 0;

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
function comparable(text, name) {
  let masked = text.replace(/<([PMLB])\d+>/g, '<$1>').replace(/jited \d+B|"bytes_jited":\s*\d+/g, 'jited');
  if (kernel === 'embedded') {
    masked = masked
      .replace(/xlated \d+B|"bytes_xlated":\s*\d+/g, 'xlated')
      .replace(/"size":5\d{6}|size 5\d{6}B/g, 'size of the kernel’s BTF')
      .replace(/oom_score_adj_update|sys_enter(_openat)?/g, '<TRACEPOINT>');
  }
  if (!/-(link|perf)-/.test(name)) return masked;
  // The recorded holder is another program than ours: what its uprobes sit on lies elsewhere.
  masked = masked
    .replace(/\+0x[0-9a-f]+|0x[1-9a-f][0-9a-f]{3,} +/g, '+0x0 ')
    .replace(/(offset"?:? ? ?)\d+/g, (_, name) => `${name}0`);
  return /-(show|list|bare|after)/.test(name) ? withoutForeignRows(masked) : masked;
}

/** A list without the rows of such links; JSON without its layout. */
function withoutForeignRows(text) {
  const [head, rest = ''] = text.split('--- stdout\n');
  const [out, tail] = rest.split('\n--- stderr');
  let rows;
  try {
    rows = JSON.parse(out.replace(/(?<!")<(\w)>/g, '"$1"'));
  } catch {
    rows = out.split(/^(?=<L>: |pid )/m);
    return `${head}${once(rows).join('')}${tail}`;
  }
  if (!Array.isArray(rows)) return text;
  return `${head}${once(rows.map((row) => JSON.stringify(row))).join('\n')}${tail}`;
}

/**
 * Rows that can be here. On the embedded kernel equal ones once, and in no order: an object that the recording attaches
 * twice attaches there once, later.
 */
function once(rows) {
  const here = rows.filter((row) => !FOREIGN.test(row));
  return kernel === 'linux' ? here : [...new Set(here)].sort();
}

/** Of a dump of instructions what the program's source says: prototypes and lines. */
function sources(text) {
  if (text.includes('"disasm"'))
    return [...text.matchAll(/"(?:proto|src|file|line_num|line_col)":\s*[^,}]*/g)].join('\n');
  const lines = text.replace(/<([PMLB])\d+>/g, '<$1>').split('\n');
  return lines.filter((line) => !/^\s*\d+: \(|^ {7}[0-9a-f]{2}( [0-9a-f]{2})+ ?$|<MAPID>/.test(line)).join('\n');
}
